//! The replay of history: the loop, day by day, each day on the data up to it, in a tree and a tracker of its own; beside it
//! what else could have been done on the same days.

mod compare;
mod kept;

use std::{path::PathBuf, sync::Arc};

use covid_core::{Date, Digest, Fault, Timestamp, add_days};
use covid_storage::{StoreUri, list_all};
use covid_training::TrainingError;
use serde::Serialize;

pub use self::compare::{Alarms, Rival};
pub(crate) use self::kept::KeptBacktests;
use crate::{PipelineError, Project, deliver};

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
    check(project, &days)?;
    let id = id(project, &request);
    let kept = kept::keep(project, &days).await?;
    let replayed = within(project, &id, Arc::clone(&kept))?;
    let registry = replayed.registry().await?;
    let done = last_done(&replayed).await?;
    for &day in &days {
        if done.is_none_or(|done| day > done) {
            let today = on(&replayed, day)?;
            deliver(&today, registry.as_ref()).await?;
        }
        tick();
    }
    compare::compare(&on(&replayed, request.to)?, registry.as_ref(), &request, &days, &kept).await
}

/// The first day needs the history that a first training asks for.
fn check(project: &Project, days: &[Date]) -> Result<(), Fault> {
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
    let folder = uri.folder().map_or_else(|| PathBuf::from("./store").join(&place), std::path::Path::to_path_buf);
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
