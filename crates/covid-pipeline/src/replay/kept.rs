//! Backtests that a replay keeps, by recipe and origin, for one source: the gate asks for the same ones again and again, and
//! the comparison at the end asks for all of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use covid_core::{Date, Digest, Fault, add_days};
use covid_monitoring::{Baseline, OriginScores};
use covid_prediction::find_json;
use covid_storage::{ObjectStore, PutMode, list_all};
use covid_training::{Backtest, MIN_DAYS, Model, OriginScore, Recipe, roll, train_in_turn};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::{PipelineError, Project, candidates::with_replay, project::blocking, train::backtested};

/// The version of the files that this program writes.
const FORMAT_VERSION: u64 = 1;

/// What every recipe scored at every origin, and what the full candidate would be on each day.
#[derive(Debug)]
pub(crate) struct KeptBacktests {
    scores: BTreeMap<String, BTreeMap<Date, OriginScore>>,
    /// What monitoring takes from the full candidate's backtest.
    usual: BTreeMap<Date, OriginScores>,
    /// The days of which the full candidate's model lies in the store.
    models: BTreeSet<Date>,
    /// Where they lie.
    store: Arc<dyn ObjectStore>,
    folder: String,
}

/// The scores at the origins of a year.
#[derive(Debug, Serialize, Deserialize)]
struct Year {
    format_version: u64,
    /// By recipe.
    scores: BTreeMap<String, Vec<OriginScore>>,
    /// Of the full candidate.
    usual: Vec<OriginScores>,
}

impl KeptBacktests {
    /// The backtest of a recipe on some origins, if all of them are kept.
    pub(crate) fn backtest(&self, recipe: Recipe, origins: &[Date], horizon: usize) -> Option<Backtest> {
        let scores = self.scores.get(&recipe.to_string())?;
        let origins = origins.iter().map(|origin| scores.get(origin).cloned()).collect::<Option<_>>()?;
        Some(Backtest { recipe, horizon, origins })
    }

    /// The full candidate as it would be trained on a day, with its backtest on some origins, if all of it is kept.
    pub(crate) async fn full(&self, project: &Project, origins: &[Date]) -> Result<Option<(Model, Baseline)>, Fault> {
        let usual = origins.iter().map(|origin| self.usual.get(origin).cloned()).collect::<Option<Vec<_>>>();
        let Some(usual) = usual.filter(|_| self.models.contains(&project.as_of)) else { return Ok(None) };
        let bytes = self.store.get(&self.model_key(project.as_of)).await?.bytes;
        let baseline = Baseline::new(project.settings.training.horizon, usual);
        Ok(Some((Model::from_json(&bytes)?, baseline)))
    }

    fn model_key(&self, day: Date) -> String {
        format!("{}/models/{day}.json", self.folder)
    }

    /// The origins of which every recipe has a score.
    fn origins(&self) -> BTreeSet<Date> {
        let of = |recipe: &Recipe| self.scores.get(&recipe.to_string()).map(|scores| scores.keys().copied().collect());
        let all: Vec<BTreeSet<Date>> = Recipe::CANDIDATES.iter().map(|recipe| of(recipe).unwrap_or_default()).collect();
        all.into_iter().reduce(|a, b| &a & &b).unwrap_or_default()
    }

    fn add(&mut self, recipe: &str, score: OriginScore) {
        self.scores.entry(recipe.to_owned()).or_default().insert(score.origin, score);
    }
}

/// Every candidate at every day of the loop, and at the days before them that the gate asks for: read where a replay of the
/// same source has been here before, else made, a year at a time.
pub(super) async fn keep(project: &Project, days: &[Date]) -> Result<Arc<KeptBacktests>, Fault> {
    let (store, folder) = (project.store.as_ref(), folder(project));
    let written = list_all(store, &format!("{folder}/models/")).await?;
    let mut kept = KeptBacktests {
        scores: BTreeMap::new(),
        usual: BTreeMap::new(),
        models: written.iter().filter_map(|object| day_of(&object.key)).collect(),
        store: Arc::clone(&project.store),
        folder,
    };
    let origins = origins(project, days)?;
    let years: BTreeSet<i16> = origins.iter().chain(days).map(|day| day.year()).collect();
    for year in years {
        read(store, &mut kept, year).await?;
        let of_year = |day: &&Date| day.year() == year;
        let known = kept.origins();
        let unscored: Vec<Date> = origins.iter().filter(of_year).filter(|day| !known.contains(*day)).copied().collect();
        let untrained: Vec<Date> =
            days.iter().filter(of_year).filter(|day| !kept.models.contains(*day)).copied().collect();
        if unscored.is_empty() && untrained.is_empty() {
            continue;
        }
        // Models are written as they come: those of a year would fill the memory.
        let (send, mut trained) = mpsc::channel(QUEUE);
        let work = project.clone();
        let making = tokio::spawn(blocking(move || make(&work, &unscored, &untrained, &send)));
        while let Some((day, bytes)) = trained.recv().await {
            store.put(&kept.model_key(day), Bytes::from(bytes), PutMode::Overwrite).await?;
            kept.models.insert(day);
        }
        let made = making.await.map_err(|error| PipelineError::CutOff(error.to_string()))??;
        for (recipe, score) in made.scores {
            kept.add(&Recipe::CANDIDATES[recipe].to_string(), score);
        }
        kept.usual.extend(made.usual.into_iter().map(|usual| (usual.origin, usual)));
        write(store, &kept, year).await?;
    }
    Ok(Arc::new(kept))
}

/// Model files that wait to be written.
const QUEUE: usize = 16;

fn day_of(key: &str) -> Option<Date> {
    key.rsplit('/').next()?.strip_suffix(".json")?.parse().ok()
}

/// What one year adds.
#[derive(Default)]
struct Made {
    /// By position of the recipe.
    scores: Vec<(usize, OriginScore)>,
    usual: Vec<OriginScores>,
}

/// Scores all recipes on some origins, and trains the full candidate on them and on some days more. It is trained once for
/// both: its points depend on its calibration. Its model files are sent away, by day.
fn make(
    project: &Project,
    unscored: &[Date],
    untrained: &[Date],
    models: &mpsc::Sender<(Date, Vec<u8>)>,
) -> Result<Made, Fault> {
    let training = &project.settings.training;
    let mut made = Made::default();
    let full = Recipe::CANDIDATES.iter().position(|recipe| *recipe == Recipe::FULL).unwrap_or_default();
    with_replay(project, project.asked_days(), |replay| {
        let others: Vec<usize> = (0..Recipe::CANDIDATES.len()).filter(|recipe| *recipe != full).collect();
        let recipes: Vec<Recipe> = others.iter().map(|&recipe| Recipe::CANDIDATES[recipe]).collect();
        let keep = |recipe: usize, score| made.scores.push((others[recipe], score));
        roll(replay, &recipes, unscored, training.horizon, training, keep)?;
        let days: Vec<Date> = unscored.iter().chain(untrained).copied().collect();
        train_in_turn(replay, &[Recipe::FULL], &days, replay.horizon(), training, |trained| {
            for model in trained.into_iter().flatten() {
                let day = model.trained_as_of();
                if unscored.contains(&day) {
                    let (score, usual) = backtested(replay, &model, training.horizon)?;
                    made.scores.push((full, score));
                    made.usual.extend(usual);
                }
                if untrained.contains(&day) {
                    let file = model.for_every_weekday(replay)?.to_json()?;
                    let unwritten = |_| PipelineError::CutOff("a model could not be kept".into());
                    models.blocking_send((day, file)).map_err(unwritten)?;
                }
            }
            Ok::<(), Fault>(())
        })
    })?;
    Ok(made)
}

async fn read(store: &dyn ObjectStore, kept: &mut KeptBacktests, year: i16) -> Result<(), Fault> {
    let Some(read) = find_json::<Year>(store, &year_key(kept, year)).await? else { return Ok(()) };
    for (recipe, scores) in read.scores {
        scores.into_iter().for_each(|score| kept.add(&recipe, score));
    }
    kept.usual.extend(read.usual.into_iter().map(|usual| (usual.origin, usual)));
    Ok(())
}

async fn write(store: &dyn ObjectStore, kept: &KeptBacktests, year: i16) -> Result<(), Fault> {
    let of_the_year = |scores: &BTreeMap<Date, OriginScore>| -> Vec<OriginScore> {
        scores.values().filter(|score| score.origin.year() == year).cloned().collect()
    };
    let scores = kept.scores.iter().map(|(recipe, scores)| (recipe.clone(), of_the_year(scores))).collect();
    let usual = kept.usual.values().filter(|usual| usual.origin.year() == year).cloned().collect();
    let file = Year { format_version: FORMAT_VERSION, scores, usual };
    let bytes = serde_json::to_vec(&file).map_err(|error| PipelineError::CutOff(error.to_string()))?;
    store.put(&year_key(kept, year), bytes.into(), PutMode::Overwrite).await?;
    Ok(())
}

fn year_key(kept: &KeptBacktests, year: i16) -> String {
    format!("{}/{year}.json", kept.folder)
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
        .part(project.asked_days().to_string().as_bytes())
        .hex();
    format!("{}/replays/backtests/{}", project.dataset, digest.get(..16).unwrap_or_default())
}
