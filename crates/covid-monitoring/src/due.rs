//! Which scores are due: of dates that have come and were not scored, of counts that were published late, and of counts
//! that were revised since they were scored.

use std::collections::{BTreeMap, HashMap, HashSet};

use covid_core::{Date, Panel, Target, add_days, log_count};
use covid_prediction::{Ledger, Manifest, PredictionRow, Predictions, prediction_ledger, read_vintage};
use covid_storage::ObjectStore;

use crate::{Monitoring, MonitoringError, MonitoringSettings, Request, ScoreRow, ScoredRun, score::Judged};

/// What is new.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// The prediction runs with something new, by as-of date.
    pub(crate) runs: Vec<ScoredRun>,
    /// The scores, by run, location, target and date.
    pub(crate) rows: Vec<ScoreRow>,
    /// The scores that some of them replace.
    pub(crate) replaced: Vec<ScoreRow>,
    /// Whether there was monitoring on an earlier date that is not closed.
    pub(crate) goes_on: bool,
}

/// What is known of the scores so far.
struct Book<'a> {
    ledger: &'a Ledger<'a, Monitoring>,
    manifests: Vec<Manifest<Monitoring>>,
    vintage: String,
    /// Rows of the monitoring runs that scored the prediction run at hand.
    parts: HashMap<String, Vec<ScoreRow>>,
}

/// Finds what is due on the as-of date of the request. Dates more than `lookback_days` before it are closed.
pub(crate) async fn due(
    store: &dyn ObjectStore,
    ledger: &Ledger<'_, Monitoring>,
    request: &Request<'_>,
    settings: &MonitoringSettings,
    vintage: &str,
) -> Result<Due, MonitoringError> {
    let closed = add_days(request.as_of, -(settings.lookback_days as i64));
    let manifests = ledger.since(closed).await?;
    let mut book = Book { ledger, manifests, vintage: vintage.to_owned(), parts: HashMap::new() };
    let happened = positions(request.panel);
    let goes_on = book.manifests.iter().any(|manifest| manifest.work.as_of < request.as_of);
    let mut due = Due { goes_on, ..Due::default() };
    let mut vintages = Vintages { store, request, read: HashMap::new() };
    let (open, superseded) = open_runs(store, &book, request, closed).await?;
    for manifest in superseded {
        due.withdraw(&mut book, &manifest, closed).await?;
    }
    for manifest in open {
        let work = &manifest.work;
        let known = book.scores_of(manifest.run.as_str()).await?;
        let then = vintages.get(&work.vintage).await?;
        let (last_known, places) = (then.as_of(work.as_of)?, positions(then));
        let (mut rows, before) = (Vec::new(), due.replaced.len());
        let first = known.settled_through.unwrap_or(closed).max(closed);
        for row in rows_between(store, request, &manifest, first).await? {
            let name = row.location.name();
            let Some(actual) = happened.get(name).and_then(|&i| request.panel.count_on(i, row.target, row.date)) else {
                continue;
            };
            match known.score_of(&row) {
                None => {}
                Some(old) if !matters(old.actual, actual, settings.revision) => continue,
                Some(old) => due.replaced.push(old.clone()),
            }
            let Judged { wis, wis_log, quantiles_below, covered } = Judged::of(&row.predicted, actual);
            rows.push(ScoreRow {
                persistence: places.get(name).map_or(0.0, |&i| last_known.last_count(i, row.target)),
                target: row.target,
                forecast_as_of: work.as_of,
                forecast_run: manifest.run.to_string(),
                model_version: work.model.version.clone(),
                shadow: work.shadow,
                vintage: vintage.to_owned(),
                date: row.date,
                horizon: row.horizon,
                point: row.predicted.point,
                location: row.location,
                actual,
                wis,
                wis_log,
                quantiles_below,
                covered,
            });
        }
        let last = add_days(work.as_of, work.horizon as i64);
        let through = last.min(request.as_of);
        let reopened = due.replaced.len() - before;
        if through > known.through.unwrap_or(work.as_of) || !rows.is_empty() {
            due.runs.push(ScoredRun {
                run: manifest.run.to_string(),
                as_of: work.as_of,
                from: add_days(known.through.unwrap_or(work.as_of), 1).min(through),
                through,
                last,
                shadow: work.shadow,
                rows: rows.len(),
                reopened,
                withdrawn: false,
            });
        }
        due.rows.append(&mut rows);
    }
    Ok(due)
}

impl Due {
    /// Takes away what was scored of a run whose place another one of the same day has taken.
    async fn withdraw(
        &mut self,
        book: &mut Book<'_>,
        manifest: &Manifest<Predictions>,
        closed: Date,
    ) -> Result<(), MonitoringError> {
        let (run, work) = (manifest.run.as_str(), &manifest.work);
        let Some(through) = book.still_counted(run) else { return Ok(()) };
        let mut rows: Vec<ScoreRow> = book.rows_of(run).await?.into_values().filter(|row| row.date > closed).collect();
        self.runs.push(ScoredRun {
            run: run.to_owned(),
            as_of: work.as_of,
            from: through,
            through,
            last: add_days(work.as_of, work.horizon as i64),
            shadow: work.shadow,
            rows: 0,
            reopened: rows.len(),
            withdrawn: true,
        });
        self.replaced.append(&mut rows);
        Ok(())
    }
}

/// The rows of a run that are after a date and have come.
async fn rows_between(
    store: &dyn ObjectStore,
    request: &Request<'_>,
    manifest: &Manifest<Predictions>,
    after: Date,
) -> Result<Vec<PredictionRow>, MonitoringError> {
    let table = prediction_ledger(store, request.dataset, request.branch).rows(manifest).await?;
    let come: Vec<bool> = table.dates("date")?.iter().map(|date| *date > after && *date <= request.as_of).collect();
    Ok(PredictionRow::all(&table.filter(&come))?)
}

/// Whether a revision is one that reopens a score: the published count moved by more than a share.
fn matters(old: f64, new: f64, least: f64) -> bool {
    (log_count(new) - log_count(old)).abs() > least
}

/// The current runs, and the challenger's, that have a date which has come and may still be scored, by as-of date; and the
/// runs of the same dates that are not current.
async fn open_runs(
    store: &dyn ObjectStore,
    book: &Book<'_>,
    request: &Request<'_>,
    closed: Date,
) -> Result<(Vec<Manifest<Predictions>>, Vec<Manifest<Predictions>>), MonitoringError> {
    let ledger = prediction_ledger(store, request.dataset, request.branch);
    let settled = book.settled();
    let mut by_date: BTreeMap<Date, Vec<_>> = BTreeMap::new();
    // A run may reach as far ahead as any.
    for listed in ledger.listed(add_days(closed, -(covid_core::MAX_HORIZON as i64))).await? {
        if listed.as_of < request.as_of {
            by_date.entry(listed.as_of).or_default().push(listed);
        }
    }
    let (mut open, mut superseded) = (Vec::new(), Vec::new());
    for of_date in by_date.into_values() {
        if of_date.iter().all(|listed| settled.contains(listed.run.as_str())) {
            continue;
        }
        let mut current: [Option<Manifest<Predictions>>; 2] = [None, None];
        for listed in of_date {
            let manifest = ledger.read(&listed).await?;
            let latest = &mut current[usize::from(manifest.work.shadow)];
            if latest.as_ref().is_none_or(|other| other.order() < manifest.order()) {
                superseded.extend(latest.replace(manifest));
            } else {
                superseded.push(manifest);
            }
        }
        let reaches = |manifest: &Manifest<Predictions>| {
            add_days(manifest.work.as_of, manifest.work.horizon as i64) > closed
                && !settled.contains(manifest.run.as_str())
        };
        open.extend(current.into_iter().flatten().filter(reaches));
    }
    Ok((open, superseded))
}

/// What is known of one prediction run.
struct OfRun {
    /// The last date that was looked at.
    through: Option<Date>,
    /// The last date that was looked at in the vintage of today: nothing new can be said of it.
    settled_through: Option<Date>,
    scores: HashMap<(String, Target, Date), ScoreRow>,
}

impl OfRun {
    fn score_of(&self, row: &PredictionRow) -> Option<&ScoreRow> {
        self.scores.get(&(row.location.name().to_owned(), row.target, row.date))
    }
}

impl Book<'_> {
    /// Runs of which the vintage of today was asked for every date, and no other one since.
    fn settled(&self) -> HashSet<&str> {
        let mut latest: HashMap<&str, (&Manifest<Monitoring>, &ScoredRun)> = HashMap::new();
        for manifest in &self.manifests {
            for scored in &manifest.work.scored {
                let last = latest.entry(scored.run.as_str()).or_insert((manifest, scored));
                if last.0.order() < manifest.order() {
                    *last = (manifest, scored);
                }
            }
        }
        let is_settled = |(manifest, scored): &(&Manifest<Monitoring>, &ScoredRun)| {
            scored.withdrawn || (manifest.work.vintage == self.vintage && scored.through >= scored.last)
        };
        latest.into_iter().filter(|(_, last)| is_settled(last)).map(|(run, _)| run).collect()
    }

    async fn scores_of(&mut self, run: &str) -> Result<OfRun, MonitoringError> {
        let mut known = OfRun { through: None, settled_through: None, scores: HashMap::new() };
        for (manifest, scored) in that_scored(&self.manifests, run) {
            known.through = known.through.max(Some(scored.through));
            // The last one looked at every date so far in its vintage.
            let is_of_today = manifest.work.vintage == self.vintage;
            known.settled_through = if is_of_today { known.through } else { None };
        }
        if known.through != known.settled_through {
            known.scores = self.rows_of(run).await?;
        }
        Ok(known)
    }

    /// The last date on which a run's scores were looked at, if they are counted.
    fn still_counted(&self, run: &str) -> Option<Date> {
        let (_, last) = that_scored(&self.manifests, run).pop()?;
        (!last.withdrawn).then_some(last.through)
    }

    /// The scores of a run, each as it was made last.
    async fn rows_of(&mut self, run: &str) -> Result<HashMap<(String, Target, Date), ScoreRow>, MonitoringError> {
        let of_run = that_scored(&self.manifests, run);
        let mut scores = HashMap::new();
        // Runs come by as-of date: what did not score this one scored none that is still to come.
        self.parts.retain(|part, _| of_run.iter().any(|(manifest, _)| manifest.run.as_str() == part));
        for (manifest, _) in of_run {
            let part = manifest.run.to_string();
            if !self.parts.contains_key(&part) {
                self.parts.insert(part.clone(), ScoreRow::all(&self.ledger.rows(manifest).await?)?);
            }
            for row in self.parts[&part].iter().filter(|row| row.forecast_run == run) {
                scores.insert((row.location.name().to_owned(), row.target, row.date), row.clone());
            }
        }
        Ok(scores)
    }
}

/// The monitoring runs that scored a prediction run, by the time of the commit: the latest score of a count is the one that
/// stays.
fn that_scored<'a>(manifests: &'a [Manifest<Monitoring>], run: &str) -> Vec<(&'a Manifest<Monitoring>, &'a ScoredRun)> {
    let scored = |manifest: &'a Manifest<Monitoring>| {
        Some((manifest, manifest.work.scored.iter().find(|scored| scored.run == run)?))
    };
    let mut found: Vec<_> = manifests.iter().filter_map(scored).collect();
    found.sort_by_key(|(manifest, _)| manifest.order());
    found
}

/// The panels that the forecasts were made from, each read once; that of today need not be read.
struct Vintages<'a> {
    store: &'a dyn ObjectStore,
    request: &'a Request<'a>,
    read: HashMap<String, Panel>,
}

impl Vintages<'_> {
    async fn get(&mut self, digest: &str) -> Result<&Panel, MonitoringError> {
        if digest == self.request.panel.digest() {
            return Ok(self.request.panel);
        }
        if !self.read.contains_key(digest) {
            // One at a time: the runs come by as-of date, and each day has its vintage.
            self.read.clear();
            let panel = read_vintage(self.store, self.request.dataset, digest).await?;
            self.read.insert(digest.to_owned(), panel);
        }
        self.read.get(digest).ok_or(MonitoringError::Panel(covid_core::PanelError::Empty("vintages")))
    }
}

pub(crate) fn positions(panel: &Panel) -> HashMap<&str, usize> {
    panel.locations().iter().enumerate().map(|(i, location)| (location.name(), i)).collect()
}
