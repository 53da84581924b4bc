//! The commands that every stage which runs flows has: on this machine (`flow-runs`, `serve`, `health`), and under Prefect
//! (`deploy`, `worker`).

mod deploy;
mod deployments;
mod flow_runs;
mod health;
mod serve;
mod worker;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Result;
use covid_cli::{CommonArgs, Session};
use covid_core::Fault;
use covid_flow::{Clock, Flow, FlowLogs, FlowRuns, Flows, LocalRunner, WallClock, cancelled_by_signals};
use covid_storage::StoreUri;

pub use self::deployments::{DeploymentDocument, Times, Wishes, deployments};
use crate::{Now, Parameters, PipelineError, ProjectFlows, Settings, project::tracking_uri};

/// A command of a stage that runs flows.
#[derive(Debug, clap::Subcommand)]
pub enum FlowCommand {
    /// List the flow runs of this machine, the newest first; or show one, with its tasks and what was logged
    FlowRuns(flow_runs::Args),
    /// Run at the times of a schedule, on this machine, until it is stopped
    Serve(serve::Args),
    /// Make the flow known to a Prefect server: its work pool, its deployment, its schedule
    Deploy(deploy::Args),
    /// Run the flow runs of a Prefect work pool, until it is stopped
    Worker(worker::Args),
    /// Ask a `serve` or a `worker` how it fares
    Health(health::Args),
}

/// Starts a program whose flow runs keep what is logged in them.
///
/// # Errors
/// As [`covid_cli::start`].
pub fn start(args: &CommonArgs) -> Result<Session, Fault> {
    covid_cli::start_with(args, FlowLogs::new())
}

/// Runs a command for the stage whose own flow is named.
///
/// # Errors
/// As each command.
pub async fn execute(
    command: &FlowCommand,
    session: &Session,
    settings: Settings,
    own: &'static str,
) -> Result<ExitCode> {
    let settings = settings.checked()?;
    match command {
        FlowCommand::FlowRuns(args) => flow_runs::execute(args, session, &settings).await?,
        FlowCommand::Serve(args) => serve::execute(args, session, settings, own).await?,
        FlowCommand::Deploy(args) => deploy::execute(args, session, settings, own).await?,
        FlowCommand::Worker(args) => worker::execute(args, session, settings).await?,
        FlowCommand::Health(args) => health::execute(args, session, &settings).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a flow now, on this machine, as the settings say, and keeps that it ran. Ctrl-C and SIGTERM stop it at its next safe
/// point.
///
/// # Errors
/// The flow's own; or if the run cannot be kept.
pub async fn run_here<R: Send + 'static>(
    session: &Session,
    settings: &Settings,
    flow: &Flow<Parameters, R>,
) -> Result<R, Fault> {
    let runner = LocalRunner::new(open_flow_runs(settings).await?, clock(session));
    runner.run(flow, Parameters::of(settings)?, cancelled_by_signals()?).await?.result
}

/// What time it is, for the project.
pub fn now(session: &Session) -> Now {
    let clock = session.clock;
    Arc::new(move || clock.now())
}

fn clock(session: &Session) -> Arc<dyn Clock> {
    Arc::new(WallClock::new(now(session)))
}

/// The project's flows by name.
fn flows(session: &Session, settings: &Settings) -> Result<Flows, Fault> {
    Ok(ProjectFlows::new(settings.clone(), now(session)).by_name()?)
}

/// Where this machine's flow runs are kept: inside a local store, else in `./store`.
fn flow_runs_path(settings: &Settings) -> Result<PathBuf, Fault> {
    let uri: StoreUri = settings.store.parse()?;
    Ok(uri.folder().map_or_else(|| PathBuf::from("./store"), |folder| folder.to_owned()).join("flow.db"))
}

async fn open_flow_runs(settings: &Settings) -> Result<FlowRuns, Fault> {
    // A store that is none is said to be that, and not that its flow runs cannot be kept.
    settings.store.parse::<StoreUri>()?.open()?;
    Ok(FlowRuns::open(flow_runs_path(settings)?).await?)
}

/// Refuses a tracker that other machines do not see, where they see the store.
fn check_shared(settings: &Settings) -> Result<(), Fault> {
    let store: StoreUri = settings.store.parse()?;
    let tracking = tracking_uri(settings.tracking.as_deref(), &store);
    if store.folder().is_none() && tracking.starts_with("embedded:") {
        return Err(PipelineError::TrackerNotShared { store: settings.store.clone(), tracking }.into());
    }
    Ok(())
}

/// Where a process says how it fares.
fn health_address(listen: Option<SocketAddr>, settings: &Settings) -> SocketAddr {
    listen.unwrap_or(settings.flow.health)
}
