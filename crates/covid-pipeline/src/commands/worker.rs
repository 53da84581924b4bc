//! `worker`.

use std::{env, net::SocketAddr, process::Command, sync::Arc};

use anyhow::{Context as _, Result};
use covid_cli::Session;
use covid_core::Fault;
use covid_flow::{
    Board, HealthServer, cancelled_by_signals,
    prefect::{Prefect, Worker},
};

use super::{check_shared, clock, flows, health_address};
use crate::Settings;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The work pool [default: the setting `prefect.pool`]
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,
    /// The most flow runs at once [default: the setting `prefect.limit`]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// A name for people [default: the name of this machine]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where to serve /healthz and /metrics [default: the setting `flow.health`]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<SocketAddr>,
    /// Run each flow run in a child process: one that takes all memory ends alone, and is Crashed
    #[arg(long)]
    isolated: bool,
    #[command(flatten)]
    claimed: Claimed,
}

/// What a worker adds to its own arguments for its child process.
#[derive(Debug, clap::Args)]
struct Claimed {
    /// The flow run to run
    #[arg(long, hide = true, value_name = "ID", requires = "claimed_by")]
    flow_run: Option<String>,
    /// The worker that has claimed it
    #[arg(long, hide = true, value_name = "NAME", requires = "flow_run")]
    claimed_by: Option<String>,
}

pub(super) async fn execute(args: &Args, session: &Session, settings: Settings) -> Result<()> {
    check_shared(&settings)?;
    let prefect = Prefect::of_settings(&settings.prefect).map_err(Fault::from)?;
    let flows = flows(session, &settings)?;
    let stop = cancelled_by_signals().map_err(Fault::from)?;
    if let Claimed { flow_run: Some(flow_run), claimed_by: Some(worker) } = &args.claimed {
        let clock = clock(session);
        return Ok(Worker::run_claimed(prefect, flows, clock, worker, flow_run, stop).await.map_err(Fault::from)?);
    }
    let clock = clock(session);
    let board = Arc::new(Board::new(clock.clone()));
    let pool = args.pool.as_deref().unwrap_or(&settings.prefect.pool);
    let name = args.name.clone().unwrap_or_else(machine);
    let limit = args.limit.unwrap_or(settings.prefect.limit);
    let worker = Worker::new(prefect, flows, clock, pool, &name, limit).map_err(Fault::from)?.shown_on(board.clone());
    let worker = if args.isolated { isolated(worker)? } else { worker };
    let server = HealthServer::start(health_address(args.listen, &settings), board).await.map_err(Fault::from)?;
    tracing::info!("health: http://{}/healthz", server.address());
    worker.run(stop).await.map_err(Fault::from)?;
    Ok(())
}

/// A worker whose flow runs are this program again, with the same arguments and so the same settings.
fn isolated(worker: Worker) -> Result<Worker> {
    let program = env::current_exe().context("this program's own file is not known, so no other process can run it")?;
    Ok(worker.isolated(move |flow_run, worker| {
        let mut command = Command::new(&program);
        command.args(env::args_os().skip(1)).args(["--flow-run", flow_run, "--claimed-by", worker]);
        command
    }))
}

fn machine() -> String {
    hostname::get().map_or_else(|_| "worker".to_owned(), |name| name.to_string_lossy().into_owned())
}
