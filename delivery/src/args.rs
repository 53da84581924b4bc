//! The command line, and what it does.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use covid_cli::{CommonArgs, Format, Session, days_arg, ending, print_json, print_stdout};
use covid_pipeline::{
    Project, ProjectFlows, ReplayRequest, Settings,
    commands::{self, FlowCommand},
    flows, parse_date, replay, write_document,
};

use crate::{package, render};

/// Monitor, retrain when a rule says so, promote when the gate says so, predict: one flow
#[derive(Debug, clap::Parser)]
#[command(name = "delivery", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: CommonArgs,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Live through past days, each on the data up to it, in a tree and a tracker of its own
    ///
    /// Ends with the loop's score beside that of the first champion left alone and of each model refitted each time. Cut
    /// off and called again, it goes on.
    Replay(ReplayArgs),
    /// Make a folder of all that is handed over: the programs, their settings, deployments, licences, checksums
    ///
    /// The programs are those beside this one. What they are made of is asked of `cargo`, in the checkout that they were built
    /// from. The folder is whole, or it is not there.
    Package(package::Args),
    #[command(flatten)]
    Flow(FlowCommand),
}

#[derive(Debug, clap::Args)]
struct ReplayArgs {
    /// First day
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: String,
    /// Last day [default: the as-of date]
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<String>,
    /// Days from one run of the loop to the next
    #[arg(long, value_name = "DAYS", default_value = "1d", value_parser = days_arg)]
    every: usize,
    /// Write the comparison as a Markdown document
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) async fn execute(args: &Args, session: &Session) -> Result<ExitCode> {
    let settings: Settings = session.settings(&[])?;
    match &args.command {
        None => deliver(session, settings).await,
        Some(Command::Replay(asked)) => {
            let project = Project::open(settings, commands::now(session)).await?;
            replay_days(asked, session, &project).await
        }
        Some(Command::Package(asked)) => {
            let package = package::package(asked, session, settings)?;
            match session.format {
                Format::Text => print_stdout(&render::packaged(&package)),
                Format::Json => print_json(&package),
            }?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Flow(command)) => commands::execute(command, session, settings, flows::DELIVER).await,
    }
}

async fn deliver(session: &Session, settings: Settings) -> Result<ExitCode> {
    let flows = ProjectFlows::new(settings.clone(), commands::now(session));
    let report = commands::run_here(session, &settings, &flows.deliver).await?;
    match session.format {
        Format::Text => print_stdout(&render::delivered(&report)),
        Format::Json => print_json(&report),
    }?;
    Ok(ending(report.monitoring.is_alarming()))
}

async fn replay_days(asked: &ReplayArgs, session: &Session, project: &Project) -> Result<ExitCode> {
    let from = parse_date("--from", &asked.from)?;
    let to = asked.to.as_deref().map(|to| parse_date("--to", to)).transpose()?.unwrap_or(project.as_of);
    let request = ReplayRequest { from, to, every: asked.every };
    let bar = session.progress.bar("days", request.days()?.len());
    let report = replay(project, request, move || bar.inc()).await?;
    if let Some(out) = &asked.out {
        let every = request.every;
        let command = format!("delivery replay --from {from} --to {to} --every {every}d --out {}", out.display());
        write_document(out, &render::replayed_as_markdown(&report, &command))?;
    }
    match session.format {
        Format::Text => print_stdout(&render::replayed(&report)),
        Format::Json => print_json(&report),
    }?;
    Ok(ExitCode::SUCCESS)
}
