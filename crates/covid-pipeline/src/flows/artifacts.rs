//! What flow runs leave for people to read, in Prefect's pages or with `flow-runs`.

use std::{collections::BTreeMap, fmt::Write as _};

use covid_core::{Fault, Predicted, Target};
use covid_flow::{Artifact, Content};
use covid_prediction::PredictionRow;
use covid_report::count;
use serde_json::{Map, Value, json};

use crate::{MonitoringReport, PredictionReport, Project, TrainingReport, alert_text, monitoring_text};

/// The most rows of a table; what is beyond is in the store.
const MOST_ROWS: usize = 100;

/// The forecast of the last day ahead, the places with the most cases first.
pub(super) fn forecast(project: &Project, report: &PredictionReport) -> Result<Artifact, Fault> {
    let run = &report.run;
    let mut places: BTreeMap<String, [Option<Predicted>; 2]> = BTreeMap::new();
    let is_last: Vec<bool> = report.rows.integers("horizon")?.iter().map(|day| *day == run.horizon as i64).collect();
    for row in PredictionRow::all(&report.rows.clone().filter(&is_last))? {
        let place = places.entry(row.location.name().to_owned()).or_default();
        place[usize::from(row.target == Target::Fatalities)] = Some(row.predicted);
    }
    let mut places: Vec<_> = places.into_iter().collect();
    let cases = |place: &(String, [Option<Predicted>; 2])| place.1[0].map_or(0.0, |cases| cases.point);
    places.sort_by(|a, b| cases(b).total_cmp(&cases(a)));
    let all = places.len();
    places.truncate(MOST_ROWS);
    let shown = match places.len() {
        shown if shown < all => format!("the {shown} places with the most cases, of {all}"),
        _ => format!("all {all} places"),
    };
    let what = format!(
        "Cumulative counts {} days after {}, forecast by {} ({}): {shown}; run {}, {} rows in all",
        run.horizon, run.as_of, run.model, run.spec, run.run, run.rows,
    );
    let table = places.into_iter().map(|(place, predicted)| line(place, predicted)).collect();
    Ok(Artifact::new(&key("forecast", project), &what, Content::Table(table))?)
}

/// A row; columns come in the order of their names.
fn line(place: String, [cases, deaths]: [Option<Predicted>; 2]) -> Map<String, Value> {
    let point = |of: Option<Predicted>| of.map_or_else(|| "-".to_owned(), |of| count(of.point));
    let range = |of: Option<Predicted>| {
        of.map_or_else(|| "-".to_owned(), |of| format!("{} to {}", count(of.quantiles[0]), count(of.quantiles[6])))
    };
    let cells = [
        ("1. place", place),
        ("2. cases", point(cases)),
        ("3. cases, 95 % interval", range(cases)),
        ("4. deaths", point(deaths)),
        ("5. deaths, 95 % interval", range(deaths)),
    ];
    cells.into_iter().map(|(name, cell)| (name.to_owned(), json!(cell))).collect()
}

/// What monitoring found: the alerts first, then the scores.
pub(super) fn verdict(project: &Project, report: &MonitoringReport) -> Result<Artifact, Fault> {
    let mut text = String::new();
    match report.alerts.as_slice() {
        [] => text.push_str("**No alert stands.**\n"),
        alerts => alerts.iter().for_each(|alert| {
            let _ = writeln!(text, "- **{}**", alert_text(alert));
        }),
    }
    let _ = write!(text, "\n```\n{}\n```\n", monitoring_text(report));
    let what = format!("What was forecast against what was published up to {}", report.as_of);
    Ok(Artifact::new(&key("monitoring", project), &what, Content::Markdown(text))?)
}

/// What a training decided, with the scores of the candidates.
pub(super) fn training(project: &Project, report: &TrainingReport) -> Result<Artifact, Fault> {
    let mut text = format!("**{}**\n\n| candidate | RMSLE |\n|---|---|\n", report.sentence());
    for candidate in &report.candidates {
        let rmsle = candidate.rmsle.map_or_else(|| "exploded".to_owned(), covid_report::score);
        let _ = writeln!(text, "| {} | {rmsle} |", candidate.spec);
    }
    let what = format!("The candidates as of {}, on {} origins", report.as_of, report.origins.len());
    Ok(Artifact::new(&key("training", project), &what, Content::Markdown(text))?)
}

/// A key that is the same for each run of a dataset, so that a later artifact is a newer version of it.
fn key(what: &str, project: &Project) -> String {
    let sign = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    format!("{what}-{}", project.dataset.chars().map(sign).collect::<String>())
}
