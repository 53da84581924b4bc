//! Results as text.

mod models;
mod runs;

use std::{fmt::Write as _, path::Path};

use covid_core::{Measure, Target, Timestamp};
use covid_pipeline::{BacktestReport, Grouping, KaggleReport, ModelScore, PassedOver, ScoreRow, TrainingReport};
use covid_registry::{ChampionThere, SyncReport};
use covid_report::{Column, Table, score};

pub(crate) use self::{
    models::{champion, models, trail},
    runs::{comparison, runs},
};

/// The candidates, the best first, and what was decided.
pub(crate) fn training(report: &TrainingReport) -> String {
    let [first, last] = [report.origins.first(), report.origins.last()].map(|date| date.cloned().unwrap_or_default());
    let mut text = format!(
        "{}: RMSLE {} days ahead, mean over {} origins from {first} to {last}\n",
        report.model,
        report.horizon,
        report.origins.len()
    );
    let numbers = ["RMSLE", "of cases", "of deaths"].map(Column::number);
    let columns = [Column::text("Candidate"), Column::text("Chosen"), Column::text("Tracking run")];
    let mut table = Table::new(columns.into_iter().chain(numbers));
    for candidate in &report.candidates {
        let scores = scores([candidate.rmsle, candidate.rmsle_cases, candidate.rmsle_deaths]);
        let names = [candidate.recipe.clone(), candidate.spec.clone(), candidate.run_id.clone()];
        table.row(names.into_iter().chain(scores));
    }
    let _ = writeln!(text, "{table}");
    if let Some(PassedOver { recipe, p_value }) = &report.passed_over {
        let _ = writeln!(text, "{recipe} is not taken: that it beats ensemble has p = {p_value:.3} by the paired test");
    }
    text.push_str(&report.sentence());
    text.push('\n');
    text
}

/// What was submitted to Kaggle.
pub(crate) fn submitted(report: &KaggleReport, out: &Path) -> String {
    let KaggleReport { model, as_of, locations, known, forecast, horizon } = report;
    format!(
        "{}: {forecast} rows forecast by {model} for up to {horizon} days after {as_of}, {known} rows as published; {locations} \
         locations",
        out.display()
    )
}

/// The scores of a backtest.
pub(crate) fn backtest(report: &BacktestReport, out: Option<&Path>) -> String {
    let [first, last] = [report.origins.first(), report.origins.last()].map(|date| date.cloned().unwrap_or_default());
    let mut text = format!(
        "RMSLE {} days ahead of {} locations, mean over {} origins from {first} to {last}\n",
        report.horizon,
        report.locations,
        report.origins.len()
    );
    let numbers =
        ["RMSLE", "of cases", "of deaths", "WIS of cases", "of deaths", "Exploded origins"].map(Column::number);
    let mut table = Table::new([Column::text("Model")].into_iter().chain(numbers));
    for model in &report.models {
        let scores = scores([model.rmsle, model.rmsle_cases, model.rmsle_deaths]);
        let wis = Target::ALL.map(|target| wis_to_baseline(model, target));
        let exploded = model.exploded.len().to_string();
        table.row([model.model.clone()].into_iter().chain(scores).chain(wis).chain([exploded]));
    }
    let _ = writeln!(text, "{table}");
    let _ = writeln!(text, "WIS: of weekly new counts, as a share of that of hub-baseline; all scores: --format json");
    if let Some(out) = out {
        let _ = writeln!(text, "every forecast is in {}", out.display());
    }
    text
}

/// The headline, and the scores of the targets. Who has a headline did not explode: a target without a score was never
/// published.
fn scores(losses: [Option<f64>; 3]) -> [String; 3] {
    let [headline, _, _] = losses;
    let without = if headline.is_some() { "-" } else { "exploded" };
    losses.map(|loss| loss.map_or_else(|| without.into(), score))
}

/// The weighted interval score of weekly new counts over that of the hubs' baseline, where both were tested.
fn wis_to_baseline(model: &ModelScore, target: Target) -> String {
    let wanted = |row: &&ScoreRow| row.measure == Measure::WeeklyNew && row.target == target && row.by == Grouping::All;
    let ratio = model.scores.iter().find(wanted).and_then(|row| row.wis_to_hub_baseline);
    ratio.map_or_else(|| "-".to_owned(), |[natural, _]| format!("{natural:.3}"))
}

/// What was added to a server.
pub(crate) fn synced(report: &SyncReport) -> String {
    let SyncReport { from, to, runs, versions, promotions, left_alone } = report;
    let mut text = format!("{from} to {to}\n");
    let mut table = Table::new([Column::text("What"), Column::number("Added"), Column::number("Already there")]);
    for (what, synced) in [("Tracking runs", runs), ("Versions", versions), ("Changes of champion", promotions)] {
        table.row([what.to_owned(), synced.added.to_string(), synced.already_there.to_string()]);
    }
    let _ = writeln!(text, "{table}");
    let version =
        |version: Option<u64>| version.map_or_else(|| "none".to_owned(), |version| format!("version {version}"));
    for ChampionThere { model, there, here } in left_alone {
        let (there, here) = (version(*there), version(*here));
        let _ =
            writeln!(text, "the champion of {model} was changed at the server and stays: {there} there, {here} here");
    }
    text
}

/// Milliseconds since the Unix epoch, to the second.
fn instant(milliseconds: i64) -> String {
    Timestamp::from_second(milliseconds.div_euclid(1000)).map_or_else(|_| String::new(), |instant| instant.to_string())
}
