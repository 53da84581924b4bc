//! A monitoring run: the rows that are due, scored and committed.

use std::collections::{BTreeMap, HashMap};

use covid_core::{Date, Digest, Panel, Timestamp};
use covid_data::SourceKind;
use covid_prediction::{
    Branch, Ledger, Manifest, PredictionRow, Predictions, Started, Work, prediction_ledger, read_vintage, write_vintage,
};
use covid_storage::ObjectStore;
use serde::{Deserialize, Serialize};

use crate::{MonitoringError, ScoreRow, Summary};

/// Settings of monitoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct MonitoringSettings {
    /// How many of the worst places are shown.
    pub worst: usize,
}

impl MonitoringSettings {
    /// The settings, if every one is within its range.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn checked(self) -> Result<Self, MonitoringError> {
        if (1..=1000).contains(&self.worst) {
            return Ok(self);
        }
        let (name, range, value) = ("monitoring.worst", "from 1 to 1000", self.worst.to_string());
        Err(MonitoringError::OutOfRange { name, range, value })
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The dataset.
    pub dataset: &'a str,
    /// What kind of source the panel was read from.
    pub source_kind: SourceKind,
    /// The panel as read: what happened.
    pub panel: &'a Panel,
    /// The last date that is looked at.
    pub as_of: Date,
    /// Whose predictions.
    pub branch: Branch,
}

/// A prediction run of which rows were scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoredRun {
    /// Its id.
    pub run: String,
    /// Its as-of date.
    pub as_of: Date,
    /// The first date scored.
    pub from: Date,
    /// The last date scored.
    pub through: Date,
}

/// The work of a monitoring run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Monitoring {
    /// The dataset.
    pub dataset: String,
    /// The digest of the panel that says what happened.
    pub vintage: String,
    /// What kind of source it was read from.
    pub source_kind: SourceKind,
    /// The last date that is looked at.
    pub as_of: Date,
    /// The prediction runs, by as-of date.
    pub scored: Vec<ScoredRun>,
}

impl Work for Monitoring {
    fn as_of(&self) -> Date {
        self.as_of
    }

    fn digest(&self) -> String {
        let digest = Digest::new()
            .part(self.dataset.as_bytes())
            .part(self.vintage.as_bytes())
            .part(self.as_of.to_string().as_bytes());
        let add = |digest: Digest, scored: &ScoredRun| {
            digest
                .part(scored.run.as_bytes())
                .part(scored.from.to_string().as_bytes())
                .part(scored.through.to_string().as_bytes())
        };
        self.scored.iter().fold(digest, add).hex()
    }
}

/// How monitoring ended.
#[derive(Debug)]
pub struct Monitored {
    /// The commit.
    pub manifest: Manifest<Monitoring>,
    /// Whether nothing was due that it had not scored before.
    pub already_done: bool,
    /// What it says.
    pub summary: Summary,
    /// The keys of manifest and CSV.
    pub keys: [String; 2],
}

/// The monitoring runs of a dataset.
pub fn monitoring_ledger<'a>(store: &'a dyn ObjectStore, dataset: &str, branch: Branch) -> Ledger<'a, Monitoring> {
    Ledger::new(store, dataset, branch, "monitoring")
}

/// Scores the rows of current prediction runs whose dates have come and that were not scored before. None if there are
/// none, and nothing was scored on this as-of date before either.
///
/// # Errors
/// If the as-of date is outside the panel, or the store fails.
pub async fn monitor(
    store: &dyn ObjectStore,
    request: Request<'_>,
    now: Timestamp,
) -> Result<Option<Monitored>, MonitoringError> {
    request.panel.as_of(request.as_of)?;
    let ledger = monitoring_ledger(store, request.dataset, request.branch);
    let due = due(store, &ledger, &request).await?;
    if due.is_empty() {
        let Some(manifest) = ledger.current(request.as_of).await? else { return Ok(None) };
        return finish(&ledger, manifest, true).await.map(Some);
    }
    let work = Monitoring {
        dataset: request.dataset.to_owned(),
        vintage: write_vintage(store, request.dataset, request.panel).await?,
        source_kind: request.source_kind,
        as_of: request.as_of,
        scored: due.iter().map(|(scored, _)| scored.clone()).collect(),
    };
    let (manifest, already_done) = match ledger.start(work, 1, now).await? {
        Started::Done(manifest) => (manifest, true),
        Started::Planned(plan) => {
            let part = match ledger.part(&plan, 0).await? {
                Some(part) => part,
                None => {
                    ledger
                        .put_part(&plan, 0, &ScoreRow::table(&score(store, &request, &plan.work.vintage, &due).await?)?)
                        .await?
                }
            };
            (ledger.commit(plan, vec![part], now).await?, false)
        }
    };
    finish(&ledger, manifest, already_done).await.map(Some)
}

async fn finish(
    ledger: &Ledger<'_, Monitoring>,
    manifest: Manifest<Monitoring>,
    already_done: bool,
) -> Result<Monitored, MonitoringError> {
    let table = ledger.rows(&manifest).await?;
    let csv = ledger.put_csv(&manifest, &table).await?;
    let keys = [ledger.manifest_key(&manifest), csv];
    let summary = Summary::of(&ScoreRow::all(&table)?);
    Ok(Monitored { manifest, already_done, summary, keys })
}

/// Current prediction runs with rows that are due, by as-of date: each with the dates that are new.
async fn due(
    store: &dyn ObjectStore,
    ledger: &Ledger<'_, Monitoring>,
    request: &Request<'_>,
) -> Result<Vec<(ScoredRun, Manifest<Predictions>)>, MonitoringError> {
    let mut scored_through: HashMap<String, Date> = HashMap::new();
    for scored in ledger.all().await?.into_iter().flat_map(|manifest| manifest.work.scored) {
        let through = scored_through.entry(scored.run).or_insert(scored.through);
        *through = scored.through.max(*through);
    }
    let mut current: BTreeMap<Date, Manifest<Predictions>> = BTreeMap::new();
    for manifest in prediction_ledger(store, request.dataset, request.branch).all().await? {
        if !manifest.work.shadow {
            current.insert(manifest.work.as_of, manifest);
        }
    }
    let new_dates = |manifest: &Manifest<Predictions>| {
        let work = &manifest.work;
        let last = days_after(work.as_of, work.horizon).min(request.as_of);
        let known = scored_through.get(manifest.run.as_str()).copied().unwrap_or(work.as_of);
        let from = days_after(known, 1);
        let run = manifest.run.to_string();
        (from <= last).then_some(ScoredRun { run, as_of: work.as_of, from, through: last })
    };
    Ok(current.into_values().filter_map(|manifest| Some((new_dates(&manifest)?, manifest))).collect())
}

fn days_after(date: Date, days: usize) -> Date {
    (0..days).fold(date, |date, _| date.tomorrow().unwrap_or(date))
}

/// Scores of every due row of a place that still has published counts.
async fn score(
    store: &dyn ObjectStore,
    request: &Request<'_>,
    vintage: &str,
    due: &[(ScoredRun, Manifest<Predictions>)],
) -> Result<Vec<ScoreRow>, MonitoringError> {
    let ledger = prediction_ledger(store, request.dataset, request.branch);
    let happened = positions(request.panel);
    let mut rows = Vec::new();
    for (scored, manifest) in due {
        let then = read_vintage(store, request.dataset, &manifest.work.vintage).await?;
        let (known, places) = (then.as_of(scored.as_of)?, positions(&then));
        for row in PredictionRow::all(&ledger.rows(manifest).await?)? {
            if row.date < scored.from || row.date > scored.through {
                continue;
            }
            let name = row.location.name();
            let Some(actual) = happened.get(name).and_then(|&i| request.panel.count_on(i, row.target, row.date)) else {
                continue;
            };
            let (wis, covered) = ScoreRow::judge(&row.predicted, actual);
            rows.push(ScoreRow {
                persistence: places.get(name).map_or(0.0, |&i| known.last_count(i, row.target)),
                target: row.target,
                forecast_as_of: scored.as_of,
                forecast_run: scored.run.clone(),
                vintage: vintage.to_owned(),
                model_version: manifest.work.model.version.clone(),
                date: row.date,
                horizon: row.horizon,
                point: row.predicted.point,
                location: row.location,
                actual,
                wis,
                covered,
            });
        }
    }
    Ok(rows)
}

fn positions(panel: &Panel) -> HashMap<&str, usize> {
    panel.locations().iter().enumerate().map(|(i, location)| (location.name(), i)).collect()
}
