//! The command line, and what each command does.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use covid_cli::{CommonArgs, Format, Session, print_json, print_stdout};
use covid_core::Fault;
use covid_data::{Simulation, write_jhu};
use covid_pipeline::Project;

use crate::{comparison::Comparison, fetch::fetch, files::Files, page::page, picture::Picture, report};

/// Look at a source: summary and quality in the terminal, a report to open in a browser
#[derive(Debug, clap::Parser)]
#[command(name = "eda", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: CommonArgs,

    /// Tell what changed between another vintage of the same data and the source
    #[arg(long, value_name = "SOURCE")]
    compare: Option<String>,

    #[command(subcommand)]
    command: Option<Command>,
}

impl Args {
    /// The arguments, or the end of the program with a word on what is wrong with them.
    pub(crate) fn parse_checked() -> Self {
        let args = Self::parse();
        if args.compare.is_some() && args.command.is_some() {
            let why = "--compare goes with no subcommand: it belongs to looking at a source";
            Self::command().error(ErrorKind::ArgumentConflict, why).exit()
        }
        args
    }
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
        None => look(session, args.compare.as_deref()).await,
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

async fn look(session: &Session, other: Option<&str>) -> Result<()> {
    let clock = session.clock;
    let project = Project::look(session.settings(&[])?, Arc::new(move || clock.now())).await?;
    let mut files = Files::new(&project);
    files.put_repairs(&project).await?;
    let comparison = match other {
        Some(source) => Some(compare(&project, source, &mut files).await?),
        None => None,
    };
    let picture = Picture::of(&project, comparison)?;
    files.put_quality(&project, &picture.quality).await?;
    files.put_report(&project, page(&picture, &files).map_err(Fault::from)?).await?;
    match session.format {
        Format::Text => print_stdout(&report::text(&picture, &files)),
        Format::Json => print_json(&report::Document { picture: &picture, files: &files }),
    }
}

async fn compare(project: &Project, source: &str, files: &mut Files) -> Result<Comparison, Fault> {
    let other = project.load_other(source).await?;
    let (comparison, listing) = Comparison::of(project, &other)?;
    files.put_revisions(project, listing).await?;
    Ok(comparison)
}
