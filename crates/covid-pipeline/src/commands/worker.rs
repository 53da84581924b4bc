//! `worker`.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Result;
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
}

pub(super) async fn execute(args: &Args, session: &Session, settings: Settings) -> Result<()> {
    check_shared(&settings)?;
    let prefect = Prefect::of_settings(&settings.prefect).map_err(Fault::from)?;
    let flows = flows(session, &settings)?;
    let clock = clock(session);
    let board = Arc::new(Board::new(clock.clone()));
    let pool = args.pool.as_deref().unwrap_or(&settings.prefect.pool);
    let name = args.name.clone().unwrap_or_else(machine);
    let limit = args.limit.unwrap_or(settings.prefect.limit);
    let worker = Worker::new(prefect, flows, clock, pool, &name, limit).map_err(Fault::from)?.shown_on(board.clone());
    let stop = cancelled_by_signals().map_err(Fault::from)?;
    let server = HealthServer::start(health_address(args.listen, &settings), board).await.map_err(Fault::from)?;
    tracing::info!("health: http://{}/healthz", server.address());
    worker.run(stop).await.map_err(Fault::from)?;
    Ok(())
}

fn machine() -> String {
    hostname::get().map_or_else(|_| "worker".to_owned(), |name| name.to_string_lossy().into_owned())
}
