//! The command line, and what it does.

use std::process::ExitCode;

use anyhow::Result;
use covid_cli::{CommonArgs, Format, Session, ending, print_json, print_stdout};
use covid_pipeline::{Project, monitor, monitoring_text};

/// Score the committed forecasts whose dates have come
///
/// With none due, makes and scores a back-dated one, apart from the real ones.
#[derive(Debug, clap::Parser)]
#[command(name = "monitoring", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

pub(crate) async fn execute(session: &Session, project: &Project) -> Result<ExitCode> {
    let report = monitor(project, project.registry().await?.as_ref()).await?;
    match session.format {
        Format::Text => print_stdout(&monitoring_text(&report)),
        Format::Json => print_json(&report),
    }?;
    Ok(ending(report.is_alarming()))
}
