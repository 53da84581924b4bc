//! The command line, and what it does.

use std::process::ExitCode;

use anyhow::Result;
use covid_cli::{CommonArgs, Format, Session, ending, print_json, print_stdout};
use covid_pipeline::{DeliveryReport, Project, deliver, monitoring_text};

/// Monitor, retrain when the rule says so, promote when the gate says so, predict: one flow
#[derive(Debug, clap::Parser)]
#[command(name = "delivery", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

pub(crate) async fn execute(session: &Session, project: &Project) -> Result<ExitCode> {
    let report = deliver(project, project.registry().await?.as_ref()).await?;
    match session.format {
        Format::Text => print_stdout(&text(&report, project.settings.monitoring.worst)),
        Format::Json => print_json(&report),
    }?;
    Ok(ending(report.monitoring.is_alarming()))
}

fn text(report: &DeliveryReport, worst: usize) -> String {
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
        monitoring_text(&report.monitoring, worst),
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
