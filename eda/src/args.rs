//! The command line, and what each command does.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use covid_cli::{CommonArgs, Format, Session, print_json, print_stdout};
use covid_core::Fault;
use covid_data::{Simulation, write_jhu};
use covid_pipeline::Project;
use covid_storage::PutMode;

use crate::{fetch::fetch, page::page, picture::Picture, report};

/// Look at a source: summary and quality in the terminal, a report to open in a browser
#[derive(Debug, clap::Parser)]
#[command(name = "eda", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: CommonArgs,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Download JHU's global series to the cache folder, from which `--source jhu` reads; needs the network
    Fetch,
    /// Simulate epidemics of invented places, and write them in the layout of JHU's time series
    Simulate {
        /// Number of locations
        #[arg(long, value_name = "N", default_value_t = 48)]
        locations: usize,
        /// Number of days
        #[arg(long, value_name = "D", default_value_t = 500)]
        days: usize,
        /// The same seed gives the same counts
        #[arg(long, value_name = "S", default_value_t = 1)]
        seed: u64,
        /// The folder to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

pub(crate) async fn execute(args: &Args, session: &Session) -> Result<()> {
    match &args.command {
        None => look(session).await,
        Some(Command::Fetch) => fetch(session).await,
        Some(Command::Simulate { locations, days, seed, out }) => {
            let simulation = Simulation::new(*locations, *days, *seed).map_err(Fault::from)?;
            let files = write_jhu(&simulation.panel(), out).map_err(Fault::from)?;
            match session.format {
                Format::Text => print_stdout(&report::simulated(&simulation, &files)),
                Format::Json => print_json(&files),
            }
        }
    }
}

async fn look(session: &Session) -> Result<()> {
    let clock = session.clock;
    let project = Project::look(session.settings(&[])?, Arc::new(move || clock.now())).await?;
    let picture = Picture::of(&project)?;
    let key = format!("{}/eda/as_of={}/report.html", project.dataset, project.as_of);
    let page = page(&picture).map_err(Fault::from)?;
    project.store.put(&key, page.into(), PutMode::Overwrite).await.map_err(Fault::from)?;
    match session.format {
        Format::Text => print_stdout(&report::text(&picture, &project.place_of(&key))),
        Format::Json => print_json(&picture),
    }
}
