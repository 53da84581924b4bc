//! The command line, and what it does.

use std::process::ExitCode;

use anyhow::Result;
use covid_cli::{CommonArgs, Format, Session, ending, print_json, print_stdout};
use covid_pipeline::{
    ProjectFlows, Settings,
    commands::{self, FlowCommand},
    flows, monitoring_text,
};

/// Score the committed forecasts whose dates have come
///
/// With none due, makes and scores a back-dated one, apart from the real ones.
#[derive(Debug, clap::Parser)]
#[command(name = "monitoring", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: CommonArgs,

    #[command(subcommand)]
    command: Option<FlowCommand>,
}

pub(crate) async fn execute(args: &Args, session: &Session) -> Result<ExitCode> {
    let settings: Settings = session.settings(&[])?;
    if let Some(command) = &args.command {
        return commands::execute(command, session, settings, flows::MONITOR).await;
    }
    let flows = ProjectFlows::new(settings.clone(), commands::now(session));
    let report = commands::run_here(session, &settings, &flows.monitor).await?;
    match session.format {
        Format::Text => print_stdout(&monitoring_text(&report)),
        Format::Json => print_json(&report),
    }?;
    Ok(ending(report.is_alarming()))
}
