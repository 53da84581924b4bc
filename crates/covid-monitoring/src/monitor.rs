//! A monitoring run: the scores that are due, committed with their sums.

use std::collections::HashSet;

use covid_core::{Date, Digest, Panel, Timestamp, add_days, sha256_hex};
use covid_data::SourceKind;
use covid_prediction::{Branch, Ledger, Manifest, Started, Work, write_vintage};
use covid_storage::ObjectStore;
use serde::{Deserialize, Serialize};

use crate::{
    MonitoringError, MonitoringSettings, ScoreRow, Summary,
    due::{Due, due},
    tally::Tally,
};

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
    /// Whether the scores are read back, and written as CSV beside them, for people.
    pub for_people: bool,
}

/// A prediction run of which rows were scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoredRun {
    /// Its id.
    pub run: String,
    /// Its as-of date.
    pub as_of: Date,
    /// The first date that was not looked at before.
    pub from: Date,
    /// The last date looked at.
    pub through: Date,
    /// The last date that it forecast.
    pub last: Date,
    /// Whether the challenger made it.
    pub shadow: bool,
    /// Its scores in this monitoring run.
    pub rows: usize,
    /// Those of them that replace an older one, since the published count was revised; of a run that is withdrawn, the
    /// scores that were taken away.
    pub reopened: usize,
    /// Whether its scores do not count any more, since another run has taken its place.
    #[serde(default)]
    pub withdrawn: bool,
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
    /// SHA-256 of the scores.
    pub scores: String,
    /// Sums of the scores, less those that they replace.
    pub tallies: Vec<Tally>,
}

impl Work for Monitoring {
    fn as_of(&self) -> Date {
        self.as_of
    }

    fn digest(&self) -> String {
        let digest = Digest::new()
            .part(self.dataset.as_bytes())
            .part(self.vintage.as_bytes())
            .part(self.as_of.to_string().as_bytes())
            .part(self.scores.as_bytes());
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
    /// What it says; of no row where it is for no people.
    pub summary: Summary,
    /// The key of the manifest.
    pub manifest_key: String,
    /// The key of the CSV, if it was asked for.
    pub csv_key: Option<String>,
}

/// The monitoring runs of a dataset.
pub fn monitoring_ledger<'a>(store: &'a dyn ObjectStore, dataset: &str, branch: Branch) -> Ledger<'a, Monitoring> {
    Ledger::new(store, dataset, branch, "monitoring")
}

/// Scores the rows of current prediction runs, and of the challenger's, whose dates have come and that were not scored
/// before, or whose published count was revised since. With none, but with monitoring runs of earlier dates that are not
/// closed, the run is committed empty: rules are judged by what was scored. None if there are no such runs either.
///
/// # Errors
/// If the as-of date is outside the panel, or the store fails.
pub async fn monitor(
    store: &dyn ObjectStore,
    request: Request<'_>,
    settings: &MonitoringSettings,
    now: Timestamp,
) -> Result<Option<Monitored>, MonitoringError> {
    request.panel.as_of(request.as_of)?;
    let ledger = monitoring_ledger(store, request.dataset, request.branch);
    let vintage = request.panel.digest();
    let Due { runs, rows, replaced, goes_on } = due(store, &ledger, &request, settings, &vintage).await?;
    let current = if runs.is_empty() { ledger.current(request.as_of).await? } else { None };
    if runs.is_empty() && (current.is_some() || !goes_on) {
        let Some(manifest) = current else { return Ok(None) };
        return finish(&ledger, manifest, true, request.for_people).await.map(Some);
    }
    write_vintage(store, request.dataset, request.panel).await?;
    let table = ScoreRow::table(&rows)?;
    let work = Monitoring {
        dataset: request.dataset.to_owned(),
        vintage,
        source_kind: request.source_kind,
        as_of: request.as_of,
        scored: runs,
        scores: sha256_hex(&table.to_parquet()?),
        tallies: Tally::of(&rows, &replaced),
    };
    let (manifest, already_done) = match ledger.start(work, 1, now).await? {
        Started::Done(manifest) => (manifest, true),
        Started::Planned(plan) => {
            let part = match ledger.part(&plan, 0).await? {
                Some(part) => part,
                None => ledger.put_part(&plan, 0, &table).await?,
            };
            (ledger.commit(plan, vec![part], now).await?, false)
        }
    };
    finish(&ledger, manifest, already_done, request.for_people).await.map(Some)
}

async fn finish(
    ledger: &Ledger<'_, Monitoring>,
    manifest: Manifest<Monitoring>,
    already_done: bool,
    for_people: bool,
) -> Result<Monitored, MonitoringError> {
    let manifest_key = ledger.manifest_key(&manifest);
    if !for_people {
        let summary = Summary::of(&[]);
        return Ok(Monitored { manifest, already_done, summary, manifest_key, csv_key: None });
    }
    let table = ledger.rows(&manifest).await?;
    let csv_key = Some(ledger.put_csv(&manifest, &table).await?);
    // What nobody was given is no part of what people are told.
    let mut rows = ScoreRow::all(&table)?;
    rows.retain(|row| !row.shadow);
    Ok(Monitored { manifest, already_done, summary: Summary::of(&rows), manifest_key, csv_key })
}

/// The sums of all scores of the last `days` dates up to an as-of date, as they were known then.
///
/// # Errors
/// If the store fails.
pub async fn tallies(
    store: &dyn ObjectStore,
    dataset: &str,
    branch: Branch,
    as_of: Date,
    days: usize,
) -> Result<Vec<Tally>, MonitoringError> {
    let before = add_days(as_of, -(days as i64));
    let mut tallies = Vec::new();
    for manifest in monitoring_ledger(store, dataset, branch).since(add_days(before, 1)).await? {
        if manifest.work.as_of <= as_of {
            tallies.extend(manifest.work.tallies.into_iter().filter(|tally| tally.group.date > before));
        }
    }
    Ok(tallies)
}

/// The scores of the last `days` dates up to an as-of date, each as it was made last.
///
/// # Errors
/// If the store fails.
pub async fn scores(
    store: &dyn ObjectStore,
    dataset: &str,
    branch: Branch,
    as_of: Date,
    days: usize,
) -> Result<Vec<ScoreRow>, MonitoringError> {
    let before = add_days(as_of, -(days as i64));
    let ledger = monitoring_ledger(store, dataset, branch);
    let mut rows = std::collections::BTreeMap::new();
    let mut manifests = ledger.since(add_days(before, 1)).await?;
    manifests.retain(|manifest| manifest.work.as_of <= as_of);
    manifests.sort_by_key(|manifest| manifest.order());
    let scored = manifests.iter().flat_map(|manifest| &manifest.work.scored);
    let withdrawn: HashSet<String> =
        scored.filter(|scored| scored.withdrawn).map(|scored| scored.run.clone()).collect();
    for manifest in manifests {
        let counts = |row: &ScoreRow| row.date > before && !withdrawn.contains(&row.forecast_run);
        for row in ScoreRow::all(&ledger.rows(&manifest).await?)?.into_iter().filter(counts) {
            let key = (row.date, row.forecast_run.clone(), row.location.name().to_owned(), row.target.index());
            rows.insert(key, row);
        }
    }
    Ok(rows.into_values().collect())
}
