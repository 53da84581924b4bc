//! What is to be expected in one place, a country or the world; nothing is committed.

use covid_core::{Date, Fault, MAX_HORIZON, Predicted, Selection, SelectionKind, Target, WEEKS_AHEAD, add_days};
use covid_data::repair;
use covid_registry::Registry;
use serde::Serialize;

use crate::{
    PipelineError, Project, TrainingReport,
    candidates::with_replay,
    project::blocking,
    train::{ensure_champion, tell_of_refit},
};

/// One day of what is shown, or one week.
#[derive(Debug, Clone, Serialize)]
pub struct ShownDay {
    /// The date; of a week its last one.
    pub date: String,
    /// The target.
    pub target: Target,
    /// The forecast count; of a week its new counts.
    pub point: f64,
    /// The seven quantiles.
    pub quantiles: [f64; 7],
}

/// What is to be expected.
#[derive(Debug, Clone, Serialize)]
pub struct ShowReport {
    /// The place, country or `World`.
    pub label: String,
    /// How many locations it is the sum of.
    pub locations: usize,
    /// Whether it is a sum.
    pub sum: bool,
    /// The as-of date.
    pub as_of: String,
    /// The published counts of the as-of date: cases, deaths; NaN for what was never published.
    pub published: [f64; 2],
    /// The registered model and version, with its hyper-parameters.
    pub model: String,
    /// The days, by target: cumulative counts.
    pub days: Vec<ShownDay>,
    /// The next four weeks, by target: new counts, with quantiles of their own. None for a sum, or where one date was asked for.
    pub weeks: Vec<ShownDay>,
    /// The training that had to come first.
    pub trained: Option<TrainingReport>,
}

/// Forecasts a place, a country or the world with the champion, for every day of the horizon or for one date.
///
/// # Errors
/// If the place is unknown or ambiguous, or the date not 1 to 60 days ahead.
pub async fn show(
    project: &Project,
    registry: &dyn Registry,
    location: &str,
    on: Option<Date>,
) -> Result<ShowReport, Fault> {
    let selection = project.panel.select(location)?;
    let horizon = match on {
        Some(date) => days_ahead(project.as_of, date)?,
        None => project.settings.prediction.horizon,
    };
    let (champion, trained) = ensure_champion(project, registry).await?;
    tell_of_refit(project, &champion);
    let work = project.clone();
    let mut report = blocking(move || {
        let published = work.published()?;
        let dated = champion.on(published, work.repair, &work.settings.training)?;
        let sum = selection.kind != SelectionKind::Location;
        let (paths, weekly) = with_replay(&work, MAX_HORIZON, |replay| {
            if sum {
                return Ok((dated.model.forecast_sum(replay, &selection.indices, horizon)?, None));
            }
            let prepared = repair(&published, work.repair).0;
            let forecast = dated.model.forecast_places(&prepared.view(), &selection.indices, horizon)?;
            let weekly = dated.model.forecast_weeks(&prepared.view(), &selection.indices);
            Ok((Target::ALL.map(|target| forecast.path(0, target).to_vec()), weekly.filter(|_| on.is_none())))
        })?;
        let ahead = if on.is_some() { horizon..=horizon } else { 1..=horizon };
        let shown = |target: Target, ahead: usize, Predicted { point, quantiles }: Predicted| ShownDay {
            date: add_days(work.as_of, ahead as i64).to_string(),
            target,
            point,
            quantiles,
        };
        let targets = published.targets();
        let week = |target, week| Some(shown(target, 7 * week, weekly.as_ref()?.get(0, target, week)));
        let weeks = targets.iter().flat_map(|&target| (1..=WEEKS_AHEAD).filter_map(move |ahead| week(target, ahead)));
        let days = targets.iter().copied().flat_map(|target| ahead.clone().map(move |ahead| (target, ahead)));
        Ok(ShowReport {
            published: Target::ALL.map(|target| {
                if targets.contains(&target) { published_sum(&work, &selection, target) } else { f64::NAN }
            }),
            locations: selection.indices.len(),
            sum,
            as_of: work.as_of.to_string(),
            model: format!("{} {} ({})", champion.name, dated.version, dated.model.spec()),
            weeks: weeks.collect(),
            days: days.map(|(target, ahead)| shown(target, ahead, paths[target.index()][ahead - 1])).collect(),
            label: selection.label,
            trained: None,
        })
    })
    .await?;
    report.trained = trained;
    Ok(report)
}

/// The last published counts up to the as-of date, summed.
fn published_sum(project: &Project, selection: &Selection, target: Target) -> f64 {
    let Ok(view) = project.published() else { return f64::NAN };
    selection.indices.iter().map(|&place| view.last_count(place, target)).sum()
}

fn days_ahead(as_of: Date, on: Date) -> Result<usize, Fault> {
    let ahead = as_of.until(on).map_or(i32::MAX, |span| span.get_days());
    if ahead < 1 {
        return Err(PipelineError::NotAhead { asked: on, as_of }.into());
    }
    match usize::try_from(ahead) {
        Ok(ahead) if ahead <= MAX_HORIZON => Ok(ahead),
        _ => Err(PipelineError::TooFar { asked: on, as_of }.into()),
    }
}
