//! Backtests that a replay keeps, by recipe and origin, for one source: the gate asks for the same ones again and again, and
//! the comparison at the end asks for all of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use covid_core::{Date, Digest, Fault, add_days};
use covid_prediction::get_json;
use covid_storage::{ObjectStore, PutMode, list_all};
use covid_training::{Backtest, MIN_DAYS, OriginScore, Recipe, roll};
use serde::{Deserialize, Serialize};

use crate::{PipelineError, Project, candidates::with_replay, project::blocking};

/// The version of the files that this program writes.
const FORMAT_VERSION: u64 = 1;

/// What every recipe scored at every origin.
#[derive(Debug, Default)]
pub(crate) struct KeptBacktests(BTreeMap<String, BTreeMap<Date, OriginScore>>);

/// The scores at the origins of a year.
#[derive(Debug, Serialize, Deserialize)]
struct Year {
    format_version: u64,
    /// By recipe.
    scores: BTreeMap<String, Vec<OriginScore>>,
}

impl KeptBacktests {
    /// The backtest of a recipe on some origins, if all of them are kept.
    pub(crate) fn backtest(&self, recipe: Recipe, origins: &[Date], horizon: usize) -> Option<Backtest> {
        let scores = self.0.get(&recipe.to_string())?;
        let origins = origins.iter().map(|origin| scores.get(origin).cloned()).collect::<Option<_>>()?;
        Some(Backtest { recipe, horizon, origins })
    }

    /// The origins of which every recipe has a score.
    fn origins(&self) -> BTreeSet<Date> {
        let of = |recipe: &Recipe| self.0.get(&recipe.to_string()).map(|scores| scores.keys().copied().collect());
        let all: Vec<BTreeSet<Date>> = Recipe::CANDIDATES.iter().map(|recipe| of(recipe).unwrap_or_default()).collect();
        all.into_iter().reduce(|a, b| &a & &b).unwrap_or_default()
    }

    fn add(&mut self, recipe: &str, score: OriginScore) {
        self.0.entry(recipe.to_owned()).or_default().insert(score.origin, score);
    }
}

/// Every candidate at every day of the loop, and at the days before them that the gate asks for: read where a replay of the
/// same source has been here before, else made, a year at a time.
pub(super) async fn keep(project: &Project, days: &[Date]) -> Result<Arc<KeptBacktests>, Fault> {
    let store = project.store.as_ref();
    let folder = folder(project);
    let mut kept = KeptBacktests::default();
    let wanted = origins(project, days)?;
    let years: BTreeSet<String> = wanted.iter().map(year_of).collect();
    for year in years {
        let key = format!("{folder}/{year}.json");
        if !list_all(store, &key).await?.is_empty() {
            let read: Year = get_json(store, &key).await?;
            for (recipe, scores) in read.scores {
                scores.into_iter().for_each(|score| kept.add(&recipe, score));
            }
        }
        let known = kept.origins();
        let missing: Vec<Date> =
            wanted.iter().filter(|day| year_of(day) == year && !known.contains(*day)).copied().collect();
        if missing.is_empty() {
            continue;
        }
        let work = project.clone();
        let made = blocking(move || make(&work, &missing)).await?;
        for (recipe, score) in made {
            kept.add(&Recipe::CANDIDATES[recipe].to_string(), score);
        }
        write(store, &key, &kept, &year).await?;
    }
    Ok(Arc::new(kept))
}

fn make(project: &Project, origins: &[Date]) -> Result<Vec<(usize, OriginScore)>, Fault> {
    let training = &project.settings.training;
    let mut made = Vec::new();
    with_replay(project, training.horizon, |replay| {
        let keep = |recipe, score| made.push((recipe, score));
        Ok(roll(replay, &Recipe::CANDIDATES, origins, training.horizon, training, keep)?)
    })?;
    Ok(made)
}

async fn write(store: &dyn ObjectStore, key: &str, kept: &KeptBacktests, year: &str) -> Result<(), Fault> {
    let of_the_year = |scores: &BTreeMap<Date, OriginScore>| -> Vec<OriginScore> {
        scores.values().filter(|score| year_of(&score.origin) == year).cloned().collect()
    };
    let scores = kept.0.iter().map(|(recipe, scores)| (recipe.clone(), of_the_year(scores))).collect();
    let year = Year { format_version: FORMAT_VERSION, scores };
    let bytes = serde_json::to_vec(&year).map_err(|error| PipelineError::CutOff(error.to_string()))?;
    store.put(key, bytes.into(), PutMode::Overwrite).await?;
    Ok(())
}

/// The days of the loop whose whole horizon is known in the end, and those before the first one that the gate looks at.
fn origins(project: &Project, days: &[Date]) -> Result<Vec<Date>, Fault> {
    let (training, gate) = (&project.settings.training, &project.settings.gate);
    let published = project.published()?;
    let (Some(&first), Some(every)) = (days.first(), step(days)) else { return Ok(Vec::new()) };
    let gate_days = training.every.max(training.horizon) * gate.origins;
    let before = (1..=gate_days / every).map(|i| add_days(first, -((i * every) as i64)));
    let is_long = |day: &Date| published.earlier(*day).is_ok_and(|view| view.days() >= MIN_DAYS);
    let is_known = |day: &Date| published.earlier(add_days(*day, training.horizon as i64)).is_ok();
    let all: BTreeSet<Date> = before.chain(days.iter().copied()).filter(is_long).filter(is_known).collect();
    Ok(all.into_iter().collect())
}

fn step(days: &[Date]) -> Option<usize> {
    match days {
        [first, second, ..] => usize::try_from(first.until(*second).ok()?.get_days()).ok(),
        _ => Some(1),
    }
}

/// Where the scores of a source lie: by all that decides them.
fn folder(project: &Project) -> String {
    let digest = Digest::new()
        .part(env!("CARGO_PKG_VERSION").as_bytes())
        .part(project.panel.digest().as_bytes())
        .part(project.repair.to_string().as_bytes())
        .part(format!("{:?}", project.settings.training).as_bytes())
        .hex();
    format!("{}/replays/backtests/{}", project.dataset, digest.get(..16).unwrap_or_default())
}

fn year_of(date: &Date) -> String {
    date.year().to_string()
}
