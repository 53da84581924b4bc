//! The flow monitor: score what is due; with nothing due, a back-dated forecast.

use covid_core::{Fault, PanelError};
use covid_monitoring::{Monitored, Request, Summary};
use covid_prediction::Branch;
use covid_registry::Registry;
use serde::Serialize;

use crate::{Project, TrainingReport, ensure_champion, predict};

/// What monitoring found.
#[derive(Debug, Serialize)]
pub struct MonitoringReport {
    /// Whether it scores a forecast that was made for this purpose, some days before the last date.
    pub backdated: bool,
    /// Whether nothing was due that had not been scored before.
    pub already_done: bool,
    /// The training that had to come first.
    pub trained: Option<TrainingReport>,
    /// The monitoring run.
    pub run: String,
    /// The last date that was looked at.
    pub as_of: String,
    /// The prediction runs that were scored: id and as-of date.
    pub scored: Vec<[String; 2]>,
    /// The scores.
    pub summary: Summary,
    /// Where the manifest is.
    pub manifest: String,
    /// Where the CSV is.
    pub csv: String,
}

impl MonitoringReport {
    /// The share by which the champion's headline is better than that of no change; none without both, or where nothing
    /// changed.
    pub fn skill(&self) -> Option<f64> {
        let (model, persistence) = (self.summary.headline?, self.summary.persistence_headline?);
        (persistence > 0.0).then(|| 1.0 - model / persistence)
    }
}

/// Scores the committed predictions whose dates have come. With none due, forecasts as of some days before the as-of date
/// and scores that, apart from the real ones.
///
/// # Errors
/// If the history is too short for a back-dated forecast, or store or registry fail.
pub async fn monitor(project: &Project, registry: &dyn Registry) -> Result<MonitoringReport, Fault> {
    let real = score(project, Branch::Real).await?;
    let (monitored, trained, backdated) = match real {
        Some(monitored) => (monitored, None, false),
        None => {
            let mut before = project.clone();
            before.as_of = backdate(project)?;
            let (_, trained) = ensure_champion(project, registry).await?;
            predict(&before, registry, Branch::Backdated).await?;
            let monitored = score(project, Branch::Backdated).await?;
            let none = PanelError::Empty("published counts after the back-dated forecast");
            (monitored.ok_or(none)?, trained, true)
        }
    };
    let work = &monitored.manifest.work;
    let [manifest, csv] = monitored.keys.map(|key| project.place_of(&key));
    Ok(MonitoringReport {
        backdated,
        already_done: monitored.already_done,
        trained,
        run: monitored.manifest.run.to_string(),
        as_of: work.as_of.to_string(),
        scored: work.scored.iter().map(|scored| [scored.run.clone(), scored.as_of.to_string()]).collect(),
        summary: monitored.summary,
        manifest,
        csv,
    })
}

async fn score(project: &Project, branch: Branch) -> Result<Option<Monitored>, Fault> {
    let request = Request {
        dataset: &project.dataset,
        source_kind: project.source_kind,
        panel: &project.panel,
        as_of: project.as_of,
        branch,
    };
    Ok(covid_monitoring::monitor(project.store.as_ref(), request, project.now()).await?)
}

/// The as-of date of a back-dated forecast: the horizon before the as-of date.
fn backdate(project: &Project) -> Result<covid_core::Date, Fault> {
    let view = project.published()?;
    let day = (view.days() - 1).checked_sub(project.settings.prediction.horizon);
    Ok(view.date(day.ok_or(PanelError::Empty("days before the back-dated forecast"))?))
}
