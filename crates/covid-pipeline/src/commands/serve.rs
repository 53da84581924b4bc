//! `serve`.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Result;
use covid_cli::{Format, Session, print_json, print_stdout};
use covid_core::Fault;
use covid_flow::{
    Board, CronSchedule, Ended, Flows, HealthServer, LocalRunner, Schedule, Scheduler, cancelled_by_signals,
};
use serde_json::json;

use super::{clock, flows, health_address, open_flow_runs};
use crate::{Parameters, Settings};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// When: minute, hour, day of the month, month, day of the week. `FLOW=CRON` runs another flow of the project, and the
    /// flag may be given again
    #[arg(long, value_name = "CRON", required = true)]
    cron: Vec<String>,
    /// The time zone of the schedule, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    timezone: String,
    /// Run once, now, whatever the times, and end
    #[arg(long)]
    once: bool,
    /// Where to serve /healthz and /metrics [default: the setting `flow.health`]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<SocketAddr>,
}

pub(super) async fn execute(args: &Args, session: &Session, settings: Settings, own: &str) -> Result<()> {
    let flows = flows(session, &settings)?;
    let schedules = schedules(args, &settings, &flows, own)?;
    let stop = cancelled_by_signals().map_err(Fault::from)?;
    let clock = clock(session);
    let runner = LocalRunner::new(open_flow_runs(&settings).await?, clock.clone());
    let board = Arc::new(Board::new(clock.clone()));
    for schedule in schedules.iter().filter(|_| !args.once) {
        let next = schedule.times.next_after(clock.now());
        let next = next.map_or_else(|| "never".to_owned(), |next| format!("next at {next}"));
        tracing::info!("{}: `{}` in {}, {next}", schedule.name, schedule.times.pattern(), schedule.times.time_zone());
    }
    let scheduler = Scheduler::new(&flows, schedules, runner, board.clone(), &settings.flow).map_err(Fault::from)?;
    if args.once {
        return ended(session, scheduler.once(stop).await.map_err(Fault::from)?);
    }
    let server = HealthServer::start(health_address(args.listen, &settings), board).await.map_err(Fault::from)?;
    tracing::info!("health: http://{}/healthz", server.address());
    scheduler.serve(stop).await.map_err(Fault::from)?;
    Ok(())
}

/// The schedules, each named after its flow.
fn schedules(args: &Args, settings: &Settings, flows: &Flows, own: &str) -> Result<Vec<Schedule>, Fault> {
    let parameters = Parameters::of(settings)?.document()?;
    let mut schedules: Vec<Schedule> = Vec::new();
    for cron in &args.cron {
        let (flow, pattern) = flow_and_pattern(cron, own);
        let flow = flows.get(flow)?.name().to_owned();
        let before = schedules.iter().filter(|schedule| schedule.flow == flow).count();
        let name = if before == 0 { flow.clone() } else { format!("{flow}-{}", before + 1) };
        let times = CronSchedule::new(pattern, &args.timezone)?;
        schedules.push(Schedule { name, flow, parameters: parameters.clone(), times });
    }
    Ok(schedules)
}

/// Which flow runs when: `FLOW=CRON`, or `CRON` for the program's own.
pub(super) fn flow_and_pattern<'a>(cron: &'a str, own: &'a str) -> (&'a str, &'a str) {
    let (flow, pattern) = cron.split_once('=').unwrap_or((own, cron));
    (flow.trim(), pattern)
}

/// Says how the runs ended; the first that failed is the error.
fn ended(session: &Session, ended: Vec<Ended>) -> Result<()> {
    match session.format {
        Format::Json => {
            let runs = ended.iter().map(|Ended { run, state, .. }| json!({ "flow_run": run, "state": state }));
            print_json(&runs.collect::<Vec<_>>())?;
        }
        Format::Text => {
            let lines = ended.iter().map(|Ended { run, state, .. }| format!("{}: {}", run.name, state.kind));
            print_stdout(&lines.collect::<Vec<_>>().join("\n"))?;
        }
    }
    for Ended { result, .. } in ended {
        result?;
    }
    Ok(())
}
