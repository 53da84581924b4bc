//! `health`.

use std::net::SocketAddr;

use anyhow::Result;
use covid_cli::{Format, Session, print_json, print_stdout};
use covid_core::Fault;
use covid_flow::{Health, ask_health};

use crate::Settings;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The address of its health endpoint [default: the setting `flow.health`]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<SocketAddr>,
}

pub(super) async fn execute(args: &Args, session: &Session, settings: &Settings) -> Result<()> {
    let address = super::health_address(args.listen, settings);
    let health = ask_health(address).await.map_err(Fault::from)?;
    match session.format {
        Format::Json => print_json(&health),
        Format::Text => print_stdout(&text(&health)),
    }?;
    health.checked(address).map_err(Fault::from)?;
    Ok(())
}

fn text(health: &Health) -> String {
    let mut lines = vec![format!("{} at {}", health.status, health.now)];
    if let Some(worker) = &health.worker {
        lines.push(format!(
            "worker {} of the work pool {}: last round at {}",
            worker.name,
            worker.pool,
            worker.last_round.map_or_else(|| "-".to_owned(), |at| at.to_string())
        ));
    }
    for (name, schedule) in &health.schedules {
        let next = schedule.next.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let last = schedule.last_run.as_ref().map_or_else(
            || "no run yet".to_owned(),
            |last| format!("last run {} is {} since {}", last.name, last.state, last.at),
        );
        lines.push(format!(
            "{name} ({} {}): next at {next}; {last}; missed: {}",
            schedule.cron, schedule.time_zone, schedule.missed
        ));
    }
    lines.join("\n")
}
