//! The replay of history: the loop, day by day, each day on the data up to it, in a tree and a tracker of its own; beside it
//! what else could have been done on the same days.

mod compare;
mod kept;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use covid_core::{Date, Digest, Fault, Timestamp, add_days};
use covid_monitoring::{Alert, DRIFT_WINDOW, DataReport, Standing};
use covid_prediction::{Branch, get_json};
use covid_registry::Registry;
use covid_storage::{PutMode, StoreUri, list_all};
use covid_training::TrainingError;
use serde::Serialize;

pub use self::compare::{Alarms, Rival};
pub(crate) use self::kept::KeptBacktests;
use crate::{
    PipelineError, Project, Steps, deliver,
    monitoring_page::{About, MonitoringPage, ReplayComparison},
    serving::Serving,
};

/// Which days are replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayRequest {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// Days from one run of the loop to the next.
    pub every: usize,
}

impl ReplayRequest {
    /// The days, in order.
    ///
    /// # Errors
    /// If there is none.
    pub fn days(&self) -> Result<Vec<Date>, Fault> {
        let Self { from, to, every } = *self;
        if !(1..=365).contains(&every) {
            let (name, range) = ("--every", "from 1d to 365d");
            return Err(PipelineError::BadSetting { name, range, value: format!("{every}d") }.into());
        }
        if to < from {
            let (name, range) = ("--to", "a date on or after --from");
            return Err(PipelineError::BadSetting { name, range, value: to.to_string() }.into());
        }
        let next = |day: &Date| Some(add_days(*day, every as i64)).filter(|next| *next > *day);
        Ok(std::iter::successors(Some(from), next).take_while(|day| *day <= to).collect())
    }
}

/// How the loop did.
#[derive(Debug, Serialize)]
pub struct ReplayReport {
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// Days between runs.
    pub every: usize,
    /// Days that were replayed, in this process or one before it.
    pub days: usize,
    /// Whether the data are those of each day, or what was published in the end.
    pub source: String,
    /// Locations.
    pub locations: usize,
    /// Days ahead of the comparison.
    pub horizon: usize,
    /// Days whose forecasts could be scored by the last day.
    pub origins: usize,
    /// The loop.
    pub looped: Rival,
    /// What else could have been done, the best first.
    pub rivals: Vec<Rival>,
    /// Changes of champion after the first.
    pub promotions: usize,
    /// Trainings that a rule asked for.
    pub trainings: usize,
    /// Alerts that were raised.
    pub alarms: Alarms,
    /// Where the replay's tree is.
    pub tree: String,
    /// Where the page is.
    pub page: String,
}

impl ReplayReport {
    /// The loop against those that matter most, in one line.
    pub fn sentence(&self) -> String {
        let shown = |loss: Option<f64>| loss.map_or_else(|| "exploded".to_owned(), |loss| format!("{loss:.5}"));
        let found = |wanted: &dyn Fn(&str) -> bool| self.rivals.iter().find(|rival| wanted(&rival.name));
        let mut parts = vec![format!("the loop {}", shown(self.looped.rmsle))];
        let mut add = |rival: Option<&Rival>| {
            parts.extend(
                rival.map(|rival| format!("{} {} (the loop is {})", rival.name, shown(rival.rmsle), self.gain(rival))),
            );
        };
        add(found(&|name| name.starts_with("first champion")));
        add(found(&|name| name.ends_with("refitted each time") && !name.starts_with("ensemble")));
        add(found(&|name| name.starts_with("persistence")));
        add(found(&|name| name.starts_with("ensemble")));
        parts.join("; ")
    }

    /// The same in short: what the loop has gained over doing nothing.
    fn verdict(&self) -> String {
        let found = |beginning: &str| self.rivals.iter().find(|rival| rival.name.starts_with(beginning));
        let gain = |rival: Option<&Rival>| rival.map_or_else(|| "-".to_owned(), |rival| self.gain(rival));
        format!(
            "From {} to {} the loop was {} than its first champion left alone, and {} than no change.",
            self.from,
            self.to,
            gain(found("first champion")),
            gain(found("persistence")),
        )
    }

    /// By how much the loop's loss is smaller than a rival's, as a share of that: `1.74 % better`.
    pub fn gain(&self, rival: &Rival) -> String {
        match (self.looped.rmsle, rival.rmsle) {
            (Some(loss), Some(other)) if other > 0.0 => {
                let gain = (1.0 - loss / other) * 100.0;
                let word = if gain >= 0.0 { "better" } else { "worse" };
                format!("{:.2} % {word}", gain.abs())
            }
            (Some(_), None) => "better".to_owned(),
            _ => "-".to_owned(),
        }
    }
}

/// Lives through the days of a request. What was done before, by a process that was cut off, is not done again.
///
/// `tick` is called after each day.
///
/// # Errors
/// If a day is outside the data or has less than ten weeks before it, or the tree cannot be written.
pub async fn replay(
    project: &Project,
    request: ReplayRequest,
    tick: impl Fn() + Send + Sync + 'static,
) -> Result<ReplayReport, Fault> {
    let days = request.days()?;
    check(project, &request, &days)?;
    let id = id(project, &request);
    let kept = kept::keep(project, &days).await?;
    let replayed = within(project, &id, Arc::clone(&kept))?;
    let registry = replayed.registry().await?;
    let done = last_done(&replayed).await?;
    if let Some(done) = done {
        tracing::info!(
            "the replay goes on: {} of {} days are done",
            days.iter().filter(|day| **day <= done).count(),
            days.len()
        );
    }
    for &day in &days {
        if done.is_none_or(|done| day > done) {
            let today = on(&replayed, day)?;
            deliver(&today, registry.as_ref(), &Steps::alone()).await?;
        }
        tick();
    }
    let last = on(&replayed, days.last().copied().unwrap_or(request.to))?;
    let mut report = compare::compare(&last, registry.as_ref(), &request, &days, &kept).await?;
    report.page = show(&last, registry.as_ref(), &request, &report).await?;
    Ok(report)
}

/// Writes the page of a replay, once for all its days; says where it is.
async fn show(
    last: &Project,
    registry: &dyn Registry,
    request: &ReplayRequest,
    report: &ReplayReport,
) -> Result<String, Fault> {
    let view = last.published()?;
    let trained = Serving::find(last, registry).await?.map_or(last.as_of, |of| of.champion.model.trained_as_of());
    let data = DataReport::new(&view, trained, DRIFT_WINDOW, &[]);
    let days = usize::try_from(request.from.until(request.to).map_or(0, |span| span.get_days())).unwrap_or(0) + 1;
    let about = About { branch: Branch::Real, days, data: Some(&data) };
    let mut page = MonitoringPage::gather(last, registry, about, &report.verdict()).await?;
    page.alerts = newest_alerts(last).await?;
    page.comparison = Some(ReplayComparison {
        from: request.from,
        to: request.to,
        of_loop: report.looped.contender(),
        others: report.rivals.iter().map(Rival::contender).collect(),
        promotions: report.promotions,
        alerts: report.alarms.of_model,
        false_alarms: report.alarms.false_alarms,
    });
    let key = "report.html";
    last.store.put(key, page.to_html()?.into(), PutMode::Overwrite).await?;
    Ok(last.place_of(key))
}

/// The alerts that stand after the last day.
async fn newest_alerts(last: &Project) -> Result<Vec<Alert>, Fault> {
    let records = list_all(last.store.as_ref(), &format!("{}/monitoring/rules/", last.dataset)).await?;
    match records.last() {
        Some(record) => Ok(get_json::<Standing>(last.store.as_ref(), &record.key).await?.alerts()),
        None => Ok(Vec::new()),
    }
}

/// The first day needs the history that a first training asks for; and what the loop forecasts is to be scored.
fn check(project: &Project, request: &ReplayRequest, days: &[Date]) -> Result<(), Fault> {
    let (horizon, compared) = (project.settings.prediction.horizon, project.settings.training.horizon);
    if horizon < compared {
        let (name, range) = ("prediction.horizon", "at least training.horizon in a replay");
        return Err(PipelineError::BadSetting { name, range, value: horizon.to_string() }.into());
    }
    if request.every + compared > project.settings.monitoring.lookback_days {
        let (name, range) = ("--every", "shorter than monitoring.lookback_days, with the horizon");
        return Err(PipelineError::BadSetting { name, range, value: format!("{}d", request.every) }.into());
    }
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(()) };
    let published = project.published()?;
    let view = published.earlier(*first)?;
    published.earlier(*last)?;
    let needed = covid_training::MIN_DAYS + project.settings.training.horizon;
    if view.days() < needed {
        let what = "a replay from that day on".to_owned();
        return Err(TrainingError::TooShort { days: view.days(), as_of: *first, what, needed }.into());
    }
    Ok(())
}

/// The same days of the same data under the same settings are the same replay.
fn id(project: &Project, request: &ReplayRequest) -> String {
    let ReplayRequest { from, to, every } = request;
    let digest = Digest::new()
        .part(project.panel.digest().as_bytes())
        .part(format!("{:?}", project.settings.training).as_bytes())
        .part(format!("{:?}", project.settings.gate).as_bytes())
        .part(format!("{:?}", project.settings.prediction).as_bytes())
        .part(format!("{:?}", project.settings.monitoring).as_bytes())
        .part(format!("{:?}", project.settings.delivery).as_bytes())
        .part(project.repair.to_string().as_bytes())
        .hex();
    format!("{from}_{to}_{every}d-{}", digest.get(..12).unwrap_or_default())
}

/// The project in the tree of its replay.
fn within(project: &Project, id: &str, kept: Arc<KeptBacktests>) -> Result<Project, Fault> {
    let place = format!("{}/replays/{id}", project.dataset);
    let uri: StoreUri = format!("{}/{place}", project.store.uri().trim_end_matches('/')).parse()?;
    // A tracker is a file of this machine, as by default; beside a remote store it lies in ./store.
    let folder = uri.folder().map_or_else(|| PathBuf::from("./store").join(&place), Path::to_path_buf);
    let mut replayed = project.clone();
    replayed.store = uri.open()?;
    replayed.track_at(format!("embedded:{}", folder.join("tracking.db").display()));
    replayed.replay = Some(kept);
    replayed.serving = Arc::default();
    Ok(replayed)
}

/// The project on a day, at noon.
fn on(replayed: &Project, day: Date) -> Result<Project, Fault> {
    let mut today = replayed.clone();
    today.as_of = replayed.panel.as_of(day)?.as_of();
    let noon = format!("{day}T12:00:00Z").parse::<Timestamp>();
    today.stop_clock(noon.map_err(|error| PipelineError::CutOff(error.to_string()))?);
    Ok(today)
}

/// The last day that the loop ended.
async fn last_done(replayed: &Project) -> Result<Option<Date>, Fault> {
    let prefix = format!("{}/deliveries/", replayed.dataset);
    let objects = list_all(replayed.store.as_ref(), &prefix).await?;
    let day = |key: &str| key.strip_prefix(&prefix)?.strip_prefix("as_of=")?.split('/').next()?.parse::<Date>().ok();
    Ok(objects.iter().filter_map(|object| day(&object.key)).max())
}

/// Writes a document that was made of a report, whole or not at all.
///
/// # Errors
/// If it cannot be written.
pub fn write_document(out: &Path, text: &str) -> Result<(), Fault> {
    let unwritable = |source| PipelineError::Unwritable { path: out.to_owned(), source };
    Ok(covid_data::write_file(out, text.as_bytes()).map_err(unwritable)?)
}
