//! `health`.

use std::net::SocketAddr;

use anyhow::Result;
use covid_cli::{Format, Session, print_json, print_stdout};
use covid_core::{Fault, Timestamp};
use covid_flow::{Health, WorkerHealth, ask_health};

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
    let mut lines = vec![format!("{} at {}", health.status, seconds(health.now))];
    if let Some(worker) = &health.worker {
        let answered = worker.last_answer.map_or_else(
            || format!("Prefect has not answered since the beginning, {}", seconds(worker.since)),
            |at| format!("Prefect last answered at {}", seconds(at)),
        );
        let WorkerHealth { name, pool, last_round, .. } = worker;
        lines
            .push(format!("worker {name} of the work pool {pool}: last round at {}; {answered}", seconds(*last_round)));
    }
    for (name, schedule) in &health.schedules {
        let next = schedule.next.map_or_else(|| "-".to_owned(), seconds);
        let last = schedule.last_run.as_ref().map_or_else(
            || "no run yet".to_owned(),
            |last| format!("last run {} is {} since {}", last.name, last.state, seconds(last.at)),
        );
        lines.push(format!(
            "{name} ({} {}): next at {next}; {last}; missed: {}",
            schedule.cron, schedule.time_zone, schedule.missed
        ));
    }
    lines.join("\n")
}

/// An instant without parts of seconds.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
