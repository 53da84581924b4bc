//! The command line, and what each command does.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use covid_cli::{CommonArgs, Format, Session, print_json, print_stdout};
use covid_core::Date;
use covid_pipeline::{
    Project, ProjectFlows, Settings,
    commands::{self, FlowCommand},
    committed_runs, export, flows, show, sweep,
};

use crate::render;

/// Forecast cumulative COVID-19 cases and deaths of every location, and commit the forecasts
///
/// With no command: predicts with the champion (trains one first if there is none) and commits the run to the store.
#[derive(Debug, clap::Parser)]
#[command(name = "deployment", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: CommonArgs,

    /// Days ahead, 1 to 60 [default: 7]
    #[arg(long, global = true, value_name = "DAYS")]
    horizon: Option<i64>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show what is to be expected in one place, a country or `World`; commits nothing
    Show {
        /// `Madrid, Spain`, `Madrid`, `Spain/Madrid`, `Italy`, `World`; `France/*` for a country's sum
        #[arg(long, value_name = "NAME")]
        location: String,
        /// Only this date, or `today`
        #[arg(long, value_name = "YYYY-MM-DD")]
        on: Option<String>,
    },
    /// List the committed prediction runs
    Runs,
    /// Write the rows of the current run (of --as-of, else the latest) to a .csv or .parquet file
    Export {
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Without the columns as_of and run: the same bytes for the same forecasts
        #[arg(long)]
        data_only: bool,
    },
    /// Remove parts of runs that were never committed
    Sweep,
    #[command(flatten)]
    Flow(FlowCommand),
}

pub(crate) async fn execute(args: &Args, session: &Session) -> Result<ExitCode> {
    let overrides: Vec<_> = args.horizon.map(|days| ("prediction.horizon", days.into())).into_iter().collect();
    let settings: Settings = session.settings(&overrides)?;
    match &args.command {
        None => predict(session, settings).await?,
        Some(Command::Flow(command)) => return commands::execute(command, session, settings, flows::PREDICT).await,
        Some(command) => {
            let project = Project::open(settings, commands::now(session)).await?;
            read(command, session, &project).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn predict(session: &Session, settings: Settings) -> Result<()> {
    let flows = ProjectFlows::new(settings.clone(), commands::now(session));
    let report = commands::run_here(session, &settings, &flows.predict).await?;
    match session.format {
        Format::Text => print_stdout(&render::prediction(&report)?),
        Format::Json => print_json(&report),
    }
}

/// The commands about what was committed.
async fn read(command: &Command, session: &Session, project: &Project) -> Result<()> {
    let text = session.format == Format::Text;
    match command {
        Command::Show { location, on } => {
            let on = on.as_deref().map(|text| date(text, session)).transpose()?;
            let report = show(project, project.registry().await?.as_ref(), location, on).await?;
            if text { print_stdout(&render::show(&report)) } else { print_json(&report) }
        }
        Command::Runs => {
            let runs = committed_runs(project).await?;
            if text { print_stdout(&render::runs(&runs)) } else { print_json(&runs) }
        }
        Command::Export { out, data_only } => {
            let run = export(project, out, *data_only).await?;
            if text { print_stdout(&render::exported(&run, out)) } else { print_json(&run) }
        }
        Command::Sweep => {
            let swept = sweep(project).await?;
            if text { print_stdout(&render::swept(swept)) } else { print_json(&swept) }
        }
        // Done before, without a project.
        Command::Flow(_) => Ok(()),
    }
}

fn date(text: &str, session: &Session) -> Result<Date> {
    match text {
        "today" => Ok(session.clock.today()),
        text => Ok(covid_pipeline::parse_date("--on", text)?),
    }
}
