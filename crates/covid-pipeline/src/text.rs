//! Results that more than one stage shows.

use std::fmt::Write as _;

use covid_monitoring::{Alert, Blame, DataReport, Scores, Summary};
use covid_report::{Column, Table, count, score};

use crate::{
    MonitoringReport,
    monitor::Rolling,
    monitoring_page::{QualityFinding, quality},
    verdict::than_no_change,
};

/// A monitoring run as text: verdict, scores by target and by day ahead, the worst places, where the rest is.
pub fn monitoring_text(report: &MonitoringReport) -> String {
    let mut text = format!("{}\n{}", report.overview, what_was_scored(report));
    if report.backdated {
        text.push_str("(no model saw data after its day; the recipe itself may have been chosen with later data)\n");
    }
    if report.scored.is_empty() {
        text.push_str("nothing new was due: the rules are judged by what was scored before\n");
    }
    let runs = report.scored.iter().map(|[run, as_of]| format!("{run} (as of {as_of})"));
    let _ = writeln!(text, "scored: {}", runs.collect::<Vec<_>>().join(", "));
    if report.reopened > 0 {
        let _ = writeln!(text, "of these, {} anew, since their published counts were revised", report.reopened);
    }
    for alert in &report.alerts {
        let _ = writeln!(text, "{}", alert_text(alert));
    }
    if report.alerts.iter().any(|alert| alert.blame == Blame::Data) {
        report.data.iter().flat_map(faults).for_each(|line| text.push_str(&format!("{line}\n")));
    }
    let summary = &report.summary;
    if !report.rolling.is_empty() {
        let _ = writeln!(text, "{}", rolling(&report.rolling));
    }
    for table in [by_target(summary), by_horizon(summary)] {
        let _ = writeln!(text, "{table}");
    }
    let verb = if report.already_done { "already done" } else { "committed" };
    let _ = writeln!(text, "{verb}: run {}, {} rows", report.run, summary.rows);
    let _ = write!(text, "manifest: {}", report.manifest);
    if let Some(page) = &report.page {
        let _ = write!(text, "\npage:     {page}");
    }
    if let Some(csv) = &report.csv {
        let _ = write!(text, "\ncsv:      {csv}");
    }
    text
}

/// An alert in one line.
pub fn alert_text(alert: &Alert) -> String {
    let Alert { rule, blame, severity, since, sentence, .. } = alert;
    format!("{severity}, {rule} ({blame}) since {since}: {sentence}")
}

/// The places whose data are at fault, by fault.
fn faults(data: &DataReport) -> impl Iterator<Item = String> {
    let line = |found: QualityFinding| {
        let shown = &found.places[..found.places.len().min(SHOWN_NAMES)];
        let more = match found.count - shown.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("  {}: {}{more}", found.what, shown.join("; "))
    };
    quality(data).into_iter().map(line)
}

/// Names of places that are shown of a fault.
const SHOWN_NAMES: usize = 5;

fn rolling(windows: &[Rolling]) -> Table {
    let mut table = Table::new(["Last days", "RMSLE", "No change", "Usual", "In 95 %", "Rows"].map(Column::number));
    let shown = |loss: Option<f64>| loss.map_or_else(|| "-".to_owned(), score);
    for window in windows {
        let coverage = window.coverage95.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", share * 100.0));
        let scores = [window.headline, window.persistence_headline, window.expected].map(shown);
        let cells = [window.days.to_string()].into_iter().chain(scores);
        table.row(cells.chain([coverage, window.rows.to_string()]));
    }
    table
}

fn what_was_scored(report: &MonitoringReport) -> String {
    let what = if report.backdated { "back-dated forecast (none was due)" } else { "committed forecasts" };
    let Summary { headline, persistence_headline, locations, .. } = &report.summary;
    let [model, naive] = [headline, persistence_headline].map(|loss| loss.map_or_else(|| "-".to_owned(), score));
    let skill = report.skill().map_or_else(String::new, |skill| format!(": {}", than_no_change(skill)));
    format!(
        "{what} against what was published up to {}: RMSLE {model}, no change {naive}{skill} ({locations} locations)\n",
        report.as_of
    )
}

fn by_target(summary: &Summary) -> Table {
    let numbers =
        ["RMSLE", "No change", "Bias (log)", "WIS", "In 50 %", "In 80 %", "In 95 %", "Rows"].map(Column::number);
    let mut table = Table::new([Column::text("Target")].into_iter().chain(numbers));
    for (target, scores) in &summary.targets {
        let Scores { rows, rmsle, persistence_rmsle, bias, wis, coverage } = scores;
        let shares = coverage.map(|share| format!("{:.0} %", share * 100.0));
        let scores = [score(*rmsle), score(*persistence_rmsle), format!("{bias:+.4}"), count(*wis)];
        table.row([(*target).to_owned()].into_iter().chain(scores).chain(shares).chain([rows.to_string()]));
    }
    table
}

fn by_horizon(summary: &Summary) -> Table {
    let mut table = Table::new(["Days ahead", "RMSLE", "No change"].map(Column::number));
    for at in &summary.horizons {
        table.row([at.horizon.to_string(), score(at.headline), score(at.persistence_headline)]);
    }
    table
}
