//! Results as text.

use std::{fmt::Write as _, path::Path};

use anyhow::Result;
use covid_core::Target;
use covid_pipeline::{CommittedRun, PredictionReport, ShowReport, ShownDay};
use covid_prediction::{PredictionRow, Swept};
use covid_report::{Column, Table, count};

/// Rows of the table of forecasts; the rest is in the files.
const SHOWN: usize = 20;

/// Why a forecast may be flat.
const NO_CHANGE: &str = "The champion says no change: on the last origins no other candidate was better.\n";

/// The forecasts of the last date, of the places with most cases, and where all of them are.
pub(crate) fn prediction(report: &PredictionReport) -> Result<String> {
    let run = &report.run;
    let mut last: Vec<PredictionRow> =
        PredictionRow::all(&report.rows)?.into_iter().filter(|row| row.horizon == run.horizon).collect();
    last.sort_by(|a, b| a.target.cmp(&b.target).then(b.predicted.point.total_cmp(&a.predicted.point)));
    let (cases, deaths): (Vec<_>, Vec<_>) = last.into_iter().partition(|row| row.target == Target::ConfirmedCases);
    let columns = ["Cases", "95 % interval", "Deaths", "95 % interval"].map(Column::number);
    let mut table = Table::new([Column::text("Location")].into_iter().chain(columns));
    for row in cases.iter().take(SHOWN) {
        let death = deaths.iter().find(|death| death.location == row.location);
        let [point, range] = death.map_or(["-".into(), "-".into()], |row| [count(row.predicted.point), interval(row)]);
        table.row([row.location.name().to_owned(), count(row.predicted.point), interval(row), point, range]);
    }
    let mut text = String::new();
    let date = cases.first().map(|row| row.date.to_string()).unwrap_or_default();
    writeln!(text, "Forecast for {date}, {} days after {}, by {} ({})", run.horizon, run.as_of, run.model, run.spec)?;
    writeln!(text, "{table}")?;
    if cases.len() > SHOWN {
        writeln!(text, "... and {} more locations, and every day up to then, in the files", cases.len() - SHOWN)?;
    }
    if run.spec == "persistence" {
        text.push_str(NO_CHANGE);
    }
    let verb = if report.already_done { "already done" } else { "committed" };
    writeln!(text, "{verb}: run {}, {} rows", run.run, run.rows)?;
    writeln!(text, "manifest: {}\ncsv:      {}", report.manifest, report.csv.as_deref().unwrap_or("-"))?;
    Ok(text)
}

fn interval(row: &PredictionRow) -> String {
    let quantiles = &row.predicted.quantiles;
    format!("{} .. {}", count(quantiles[0]), count(quantiles[6]))
}

/// A place, day by day.
pub(crate) fn show(report: &ShowReport) -> String {
    let places = match report.locations {
        1 => String::new(),
        places => format!(" (sum of {places} locations)"),
    };
    let counted = ["cases", "deaths"].into_iter().zip(report.published).filter(|(_, number)| !number.is_nan());
    let counted: Vec<String> = counted.map(|(what, number)| format!("{} {what}", count(number))).collect();
    let mut text = format!(
        "{}{places}: {} on {}; forecast by {}\n",
        report.label,
        counted.join(" and "),
        report.as_of,
        report.model
    );
    let _ = writeln!(text, "{}", days("Date", &report.days));
    if !report.weeks.is_empty() {
        let _ = writeln!(text, "{}", days("New in the week to", &report.weeks));
    }
    if report.model.ends_with("(persistence)") {
        text.push_str(NO_CHANGE);
    } else if report.days.iter().any(|day| day.point < day.quantiles[2] || day.point > day.quantiles[4]) {
        text.push_str("The forecast is the model's own; median and intervals correct its past errors.\n");
    }
    text
}

/// A table of days, or of weeks by their last day.
fn days(date: &'static str, days: &[ShownDay]) -> Table {
    let mut columns = vec![Column::text(date), Column::text("Target"), Column::number("Forecast")];
    columns.extend(["Median", "50 % interval", "80 % interval", "95 % interval"].map(Column::number));
    let mut table = Table::new(columns);
    for day in days {
        table.row(day_cells(day));
    }
    table
}

fn day_cells(day: &ShownDay) -> Vec<String> {
    let mut cells = vec![day.date.clone(), day.target.to_string(), count(day.point)];
    let q = day.quantiles;
    cells.push(count(q[3]));
    cells.extend([(2, 4), (1, 5), (0, 6)].map(|(from, to)| format!("{} .. {}", count(q[from]), count(q[to]))));
    cells
}

/// The committed runs.
pub(crate) fn runs(runs: &[CommittedRun]) -> String {
    if runs.is_empty() {
        return "no committed prediction run yet; `deployment` makes one".into();
    }
    let mut table = Table::new([
        Column::text("Run"),
        Column::text("As of"),
        Column::number("Horizon"),
        Column::text("Model"),
        Column::number("Rows"),
        Column::text("Current"),
    ]);
    for run in runs {
        let current = if run.current { "yes" } else { "" };
        let (horizon, rows) = (run.horizon.to_string(), run.rows.to_string());
        table.row([&run.run, &run.as_of, &horizon, &run.model, &rows, current]);
    }
    table.to_string()
}

pub(crate) fn exported(run: &CommittedRun, out: &Path) -> String {
    format!("{} rows of run {} (as of {}) are in {}", run.rows, run.run, run.as_of, out.display())
}

pub(crate) fn swept(swept: Swept) -> String {
    format!(
        "{} parts removed, {} parts of unfinished runs younger than 24 hours left alone",
        swept.removed, swept.spared
    )
}
