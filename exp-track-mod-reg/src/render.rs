//! Results as text.

use std::{fmt::Write as _, path::Path};

use covid_core::{Measure, Target, Timestamp};
use covid_pipeline::{
    BacktestReport, Grouping, KaggleReport, ModelScore, PromoteReport, ScoreRow, TrainingReport, VersionReport,
};
use covid_registry::{ChampionThere, PromotionEvent, Run, SyncReport};
use covid_report::{Column, Table, score};

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
    let _ = writeln!(text, "{table}\n{}", report.sentence());
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

/// The tracking runs.
pub(crate) fn runs(runs: &[Run]) -> String {
    if runs.is_empty() {
        return "no tracking run yet; `exp-track-mod-reg` makes some".into();
    }
    let columns = ["Tracking run", "Started", "Status", "Model", "As of"].map(Column::text);
    let mut table = Table::new(columns.into_iter().chain([Column::number("RMSLE")]));
    for run in runs {
        let param = |key: &str| run.params.get(key).cloned().unwrap_or_default();
        let rmsle = run.metrics.get("rmsle").copied().map_or_else(String::new, score);
        let (id, status) = (run.info.run_id.clone(), run.info.status.to_string());
        table.row([id, instant(run.info.start_ms), status, param("spec"), param("as_of"), rmsle]);
    }
    table.to_string()
}

/// The registered versions.
pub(crate) fn models(versions: &[VersionReport]) -> String {
    if versions.is_empty() {
        return "no registered version yet; `exp-track-mod-reg` registers one".into();
    }
    let columns = ["Version", "Aliases", "Model stage", "Model", "Trained as of"].map(Column::text);
    let mut table = Table::new(columns.into_iter().chain([Column::number("RMSLE")]));
    let mut trail = String::new();
    for VersionReport { version, event } in versions {
        let tag = |key: &str| version.tags.get(key).cloned().unwrap_or_default();
        table.row([
            version.version.to_string(),
            version.aliases.iter().cloned().collect::<Vec<_>>().join(", "),
            version.model_stage.to_string(),
            tag("spec"),
            tag("trained_as_of"),
            tag("rmsle").parse().map_or_else(|_| String::new(), score),
        ]);
        if let Some(event) = event {
            let _ = writeln!(trail, "version {}, {} at {}", version.version, evidence(event), instant(event.at_ms));
        }
    }
    format!("{table}\n{trail}")
}

/// How a version last became champion, and why.
fn evidence(event: &PromotionEvent) -> String {
    match event.evidence.as_str() {
        "" => event.kind.to_string(),
        why => format!("{} ({why})", event.kind),
    }
}

pub(crate) fn promoted(report: &PromoteReport) -> String {
    let PromoteReport { model, champion, previous, already_champion, verdict } = report;
    if *already_champion {
        return format!("version {champion} of {model} is the champion already: nothing to do");
    }
    let before = previous.map_or_else(|| "none".to_owned(), |version| format!("version {version}"));
    let evidence = verdict.as_ref().map(|verdict| format!("\n{}", verdict.reason)).unwrap_or_default();
    format!("version {champion} of {model} is the champion now, before: {before}{evidence}")
}

pub(crate) fn rolled_back(event: &PromotionEvent) -> String {
    let before = event.previous.map_or_else(|| "none".to_owned(), |version| format!("version {version}"));
    format!(
        "version {} of {} is the champion again, before: {before}; the next training may promote a newer one",
        event.version, event.name
    )
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
