//! What people read.

use std::fmt::Write as _;

use covid_pipeline::{DeliveryReport, ReplayReport, Rival, monitoring_text};
use covid_report::{Column, Table};

use crate::package::Package;

/// The loop, step by step.
pub(crate) fn delivered(report: &DeliveryReport) -> String {
    let training = match (&report.first_training, &report.retraining) {
        (Some(first), _) => first.sentence(),
        (None, Some(again)) => again.sentence(),
        (None, None) => "no training was needed".to_owned(),
    };
    let prediction = &report.prediction;
    let shadow = report.shadow.as_ref().map_or_else(String::new, |shadow| {
        format!("\n   the challenger, {} ({}), predicted the same for comparison", shadow.model, shadow.spec)
    });
    let verb = if prediction.already_done { "already done" } else { "committed" };
    let run = &prediction.run;
    format!(
        "1. monitor\n{}\n2. retrain: {}\n   {training}\n3. predict: {} days after {} by {} ({}), {verb}: run {}, {} rows\n   {}\n   {}{shadow}",
        monitoring_text(&report.monitoring),
        report.rule,
        run.horizon,
        run.as_of,
        run.model,
        run.spec,
        run.run,
        run.rows,
        prediction.manifest,
        prediction.csv.as_deref().unwrap_or("-"),
    )
}

/// A replay: the comparison as a table, and in its last line the sum of it.
pub(crate) fn replayed(report: &ReplayReport) -> String {
    let mut text = format!("{}\n{}\n", report.source, what(report));
    let numbers = ["RMSLE", "of cases", "of deaths", "The loop is"].map(Column::number);
    let mut table = Table::new([Column::text("Forecasts by")].into_iter().chain(numbers));
    for row in rows(report) {
        table.row(row);
    }
    let _ = writeln!(text, "{table}\n{}", counted(report));
    let _ = writeln!(text, "tree: {}\npage: {}", report.tree, report.page);
    text.push_str(&report.sentence());
    text
}

/// The same as Markdown, for the documents.
pub(crate) fn replayed_as_markdown(report: &ReplayReport, command: &str) -> String {
    let mut text = format!(
        "# Replay\n\nWritten by `{command}`; do not edit. {}: {}.\n\n",
        what(report),
        "each day the loop saw the data up to that day alone, but as they were published in the end"
    );
    text.push_str("| forecasts by | RMSLE | of cases | of deaths | the loop is |\n|---|---|---|---|---|\n");
    for [who, rmsle, cases, deaths, gain] in rows(report) {
        let _ = writeln!(text, "| {who} | {rmsle} | {cases} | {deaths} | {gain} |");
    }
    let _ = write!(text, "\n{}.\n\n{}", counted(report), include_str!("replay.md"));
    text
}

fn what(report: &ReplayReport) -> String {
    let ReplayReport { from, to, every, days, origins, horizon, locations, .. } = report;
    format!(
        "{days} days from {from} to {to}, every {every}: RMSLE {horizon} days ahead, mean over the {origins} days whose \
         forecasts came true by the last one, {locations} locations"
    )
}

fn counted(report: &ReplayReport) -> String {
    let alarms = &report.alarms;
    format!(
        "trainings that a rule asked for: {}; changes of champion: {}; alerts about the model: {} (false: {}, too late to \
         tell: {}), about the data: {}",
        report.trainings, report.promotions, alarms.of_model, alarms.false_alarms, alarms.undecided, alarms.of_data,
    )
}

fn rows(report: &ReplayReport) -> impl Iterator<Item = [String; 5]> {
    let of = |rival: &Rival, gain: String| {
        let [rmsle, cases, deaths] = [rival.rmsle, rival.rmsle_cases, rival.rmsle_deaths].map(shown);
        [rival.name.clone(), rmsle, cases, deaths, gain]
    };
    std::iter::once(of(&report.looped, String::new()))
        .chain(report.rivals.iter().map(move |rival| of(rival, report.gain(rival))))
}

/// More decimals than elsewhere: some rivals differ in the fifth.
fn shown(loss: Option<f64>) -> String {
    loss.map_or_else(|| "exploded".to_owned(), |loss| format!("{loss:.5}"))
}

/// A package's files.
pub(crate) fn packaged(package: &Package) -> String {
    let mut table = Table::new([Column::text("File"), Column::number("Bytes")]);
    for file in &package.files {
        table.row([file.path.clone(), file.size.to_string()]);
    }
    let Package { folder, files, size } = package;
    format!("{table}\npackaged: {} ({} files, {:.1} MB)", folder.display(), files.len(), *size as f64 / 1e6)
}
