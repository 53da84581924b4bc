//! What people read.

use std::fmt::Write as _;

use covid_pipeline::{DeliveryReport, ReplayReport, Rival, monitoring_text};
use covid_report::{Column, Table, score};

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
    let ReplayReport { from, to, every, days, origins, horizon, locations, source, .. } = report;
    let mut text = format!("{source}\n");
    let _ = writeln!(
        text,
        "{days} days from {from} to {to}, every {every}: RMSLE {horizon} days ahead, mean over {origins} days, {locations} \
         locations"
    );
    let numbers = ["RMSLE", "of cases", "of deaths", "The loop is better by"].map(Column::number);
    let mut table = Table::new([Column::text("Forecasts by")].into_iter().chain(numbers));
    for rival in std::iter::once(&report.looped).chain(&report.rivals) {
        let scores = [rival.rmsle, rival.rmsle_cases, rival.rmsle_deaths].map(shown);
        let by = if rival.name == report.looped.name { String::new() } else { better(&report.looped, rival) };
        table.row([rival.name.clone()].into_iter().chain(scores).chain([by]));
    }
    let _ = writeln!(text, "{table}");
    let alarms = &report.alarms;
    let _ = writeln!(
        text,
        "{} trainings that a rule asked for, {} changes of champion; {} alerts about the model ({} false, {} too late to \
         tell), {} about the data",
        report.trainings, report.promotions, alarms.of_model, alarms.false_alarms, alarms.undecided, alarms.of_data,
    );
    let _ = writeln!(text, "tree: {}", report.tree);
    let _ = write!(text, "{}", last_line(report));
    text
}

/// The loop against those that matter most.
fn last_line(report: &ReplayReport) -> String {
    let found = |wanted: &dyn Fn(&str) -> bool| report.rivals.iter().find(|rival| wanted(&rival.name));
    let mut parts = vec![format!("the loop {}", shown(report.looped.rmsle))];
    let mut add = |rival: Option<&Rival>| {
        parts.extend(rival.map(|rival| {
            format!("{} {} (the loop is better by {})", rival.name, shown(rival.rmsle), better(&report.looped, rival))
        }));
    };
    add(found(&|name| name.starts_with("first champion")));
    add(found(&|name| name.ends_with("refitted each time") && !name.starts_with("ensemble")));
    add(found(&|name| name.starts_with("persistence")));
    add(found(&|name| name.starts_with("ensemble")));
    parts.join("; ")
}

/// By how much the loop's loss is smaller, as a share of the rival's.
fn better(looped: &Rival, rival: &Rival) -> String {
    match (looped.rmsle, rival.rmsle) {
        (Some(loss), Some(other)) if other > 0.0 => format!("{:+.2} %", (1.0 - loss / other) * 100.0),
        _ => "-".to_owned(),
    }
}

fn shown(loss: Option<f64>) -> String {
    loss.map_or_else(|| "exploded".to_owned(), score)
}
