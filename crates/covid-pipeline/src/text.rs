//! Results that more than one stage shows.

use std::fmt::Write as _;

use covid_monitoring::{Scores, Summary};
use covid_report::{Column, Table, count, score};

use crate::MonitoringReport;

/// A monitoring run as text: verdict, scores by target and by day ahead, the worst places, where the rest is.
pub fn monitoring_text(report: &MonitoringReport, worst: usize) -> String {
    let mut text = verdict(report);
    if report.backdated {
        text.push_str("(no model saw data after its day; the recipe itself may have been chosen with later data)\n");
    }
    let runs = report.scored.iter().map(|[run, as_of]| format!("{run} (as of {as_of})"));
    let _ = writeln!(text, "scored: {}", runs.collect::<Vec<_>>().join(", "));
    let summary = &report.summary;
    for table in [by_target(summary), by_horizon(summary), worst_places(summary, worst)] {
        let _ = writeln!(text, "{table}");
    }
    let verb = if report.already_done { "already done" } else { "committed" };
    let _ = writeln!(text, "{verb}: run {}, {} rows", report.run, summary.rows);
    let _ = write!(text, "manifest: {}\ncsv:      {}", report.manifest, report.csv);
    text
}

fn verdict(report: &MonitoringReport) -> String {
    let what = if report.backdated { "back-dated forecast (none was due)" } else { "committed forecasts" };
    let Summary { headline, persistence_headline, locations, .. } = &report.summary;
    let [model, naive] = [headline, persistence_headline].map(|loss| loss.map_or_else(|| "-".to_owned(), score));
    let skill = report.skill().map_or_else(String::new, |skill| {
        let word = if skill >= 0.0 { "better" } else { "worse" };
        format!(": {:.0} % {word} than no change", skill.abs() * 100.0)
    });
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

fn worst_places(summary: &Summary, worst: usize) -> Table {
    let numbers = ["RMSLE", "No change"].map(Column::number);
    let mut table = Table::new([Column::text("Worst locations")].into_iter().chain(numbers));
    for place in summary.worst.iter().take(worst) {
        table.row([place.location.clone(), score(place.headline), score(place.persistence_headline)]);
    }
    table
}
