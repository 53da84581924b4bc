//! `flow-runs`.

use std::fmt::Write as _;

use anyhow::Result;
use covid_cli::{Format, Session, print_json, print_stdout};
use covid_core::{Fault, Timestamp};
use covid_flow::{Content, Filter, FlowRunDetails, KeptFlowRun, StateKind};
use covid_report::{Column, Table};

use super::{flow_runs_path, open_flow_runs};
use crate::Settings;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show this one, by its name or id
    run: Option<String>,
    /// Only those of this flow: predict, monitor, deliver, train-and-promote
    #[arg(long, value_name = "NAME")]
    flow: Option<String>,
    /// Only those in this state: Completed, Failed, Crashed, Cancelled, Running
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<StateKind>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

fn state(text: &str) -> Result<StateKind, String> {
    StateKind::parse(text).ok_or_else(|| format!("the states are {}", StateKind::ALL.map(StateKind::name).join(", ")))
}

pub(super) async fn execute(args: &Args, session: &Session, settings: &Settings) -> Result<()> {
    let now = session.clock.now();
    if let Some(run) = &args.run {
        let details = open_flow_runs(settings).await?.details(run, now).await.map_err(Fault::from)?;
        return match session.format {
            Format::Json => print_json(&details),
            Format::Text => print_stdout(&shown(&details)),
        };
    }
    let filter = Filter { flow: args.flow.clone(), state: args.state, limit: args.limit, schedule: None };
    // Looking makes no database where there is none.
    let runs = match flow_runs_path(settings)?.exists() {
        true => open_flow_runs(settings).await?.list(filter, now).await.map_err(Fault::from)?,
        false => Vec::new(),
    };
    match session.format {
        Format::Json => print_json(&runs),
        Format::Text => print_stdout(&listed(&runs)),
    }
}

fn listed(runs: &[KeptFlowRun]) -> String {
    if runs.is_empty() {
        return "no flow runs".to_owned();
    }
    let text = ["Flow run", "State", "Began (UTC)"].map(Column::text);
    let mut table = Table::new(text.into_iter().chain([
        Column::number("Seconds"),
        Column::text("Schedule"),
        Column::text("Message"),
    ]));
    for KeptFlowRun { run, state, started_at, ended_at } in runs {
        table.row([
            run.name.clone(),
            state.kind.to_string(),
            started_at.map_or_else(|| "-".to_owned(), time),
            seconds(*started_at, *ended_at),
            run.schedule.clone().unwrap_or_else(|| "-".to_owned()),
            state.message.clone(),
        ]);
    }
    table.to_string()
}

fn shown(details: &FlowRunDetails) -> String {
    let KeptFlowRun { run, state, started_at, ended_at } = &details.run;
    let mut text = format!("{} ({}): {}", run.name, run.id, state.kind);
    if !state.message.is_empty() {
        let _ = write!(text, ", {}", state.message);
    }
    let _ = write!(text, "\nparameters: {}\nseconds: {}\n\n", run.parameters, seconds(*started_at, *ended_at));
    let columns = [Column::text("Task"), Column::text("State"), Column::number("Seconds"), Column::text("Message")];
    let mut tasks = Table::new(columns);
    for task in &details.tasks {
        let name = if task.task.index == 0 {
            task.task.task.clone()
        } else {
            format!("{} {}", task.task.task, task.task.index + 1)
        };
        let took = seconds(task.started_at, task.ended_at);
        tasks.row([name, task.state.kind.to_string(), took, task.state.message.clone()]);
    }
    let _ = write!(text, "{tasks}");
    for line in &details.logs {
        let _ = write!(text, "\n{} {:<5} {}", time(line.at), line.level, line.message);
    }
    for artifact in &details.artifacts {
        let _ = write!(text, "\n\n{}: {}", artifact.key, artifact.description);
        if let Content::Markdown(markdown) = &artifact.content {
            let _ = write!(text, "\n{markdown}");
        }
    }
    text
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn seconds(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("{:.1}", to.duration_since(from).as_secs_f64()),
        _ => "-".to_owned(),
    }
}
