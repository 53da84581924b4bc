//! The command line, and what each command does.

use std::path::PathBuf;

use anyhow::Result;
use covid_cli::{CommonArgs, Format, Session, print_json, print_stdout};
use covid_core::Date;
use covid_pipeline::{Project, committed_runs, export, predict, show, sweep};
use covid_prediction::Branch;

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
}

impl Args {
    /// The settings that flags of this program give.
    pub(crate) fn overrides(&self) -> Vec<(&'static str, toml::Value)> {
        self.horizon.map(|days| ("prediction.horizon", days.into())).into_iter().collect()
    }
}

pub(crate) async fn execute(args: &Args, session: &Session, project: &Project) -> Result<()> {
    let text = session.format == Format::Text;
    match &args.command {
        None => {
            let report = predict(project, project.registry().await?.as_ref(), Branch::Real).await?;
            if text { print_stdout(&render::prediction(&report)?) } else { print_json(&report) }
        }
        Some(Command::Show { location, on }) => {
            let on = on.as_deref().map(|text| date(text, session)).transpose()?;
            let report = show(project, project.registry().await?.as_ref(), location, on).await?;
            if text { print_stdout(&render::show(&report)) } else { print_json(&report) }
        }
        Some(Command::Runs) => {
            let runs = committed_runs(project).await?;
            if text { print_stdout(&render::runs(&runs)) } else { print_json(&runs) }
        }
        Some(Command::Export { out, data_only }) => {
            let run = export(project, out, *data_only).await?;
            if text { print_stdout(&render::exported(&run, out)) } else { print_json(&run) }
        }
        Some(Command::Sweep) => {
            let swept = sweep(project).await?;
            if text { print_stdout(&render::swept(swept)) } else { print_json(&swept) }
        }
    }
}

fn date(text: &str, session: &Session) -> Result<Date> {
    match text {
        "today" => Ok(session.clock.today()),
        text => Ok(covid_pipeline::parse_date("--on", text)?),
    }
}
