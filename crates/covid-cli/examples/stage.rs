//! A whole stage program, as small as one can be: what the tests run, and where to start a new one.

use std::{io, process::ExitCode};

use clap::Parser;
use covid_core::{Explain, Fault, FaultKind};

/// Prints its settings, or ends in a chosen way
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    common: covid_cli::CommonArgs,
    /// Days ahead
    #[arg(long, value_name = "DAYS")]
    horizon: Option<i64>,
    #[command(subcommand)]
    end: Option<End>,
}

#[derive(clap::Subcommand)]
enum End {
    /// Say something at every level
    Talk,
    /// Print without end
    Flood,
    /// Fail with an explained error
    Explained,
    /// Fail with another error
    Unexplained,
    /// Panic
    Panic,
}

#[derive(serde::Deserialize, serde::Serialize)]
struct Settings {
    source: String,
    as_of: Option<covid_core::Date>,
    prediction: Prediction,
}

#[derive(serde::Deserialize, serde::Serialize)]
struct Prediction {
    horizon: u32,
}

#[derive(Debug, thiserror::Error)]
#[error("the forecast server at http://example.invalid is down")]
struct Down;

impl Explain for Down {
    fn kind(&self) -> FaultKind {
        FaultKind::Remote
    }

    fn hint(&self) -> Option<String> {
        Some("try again later".into())
    }
}

fn main() -> ExitCode {
    covid_cli::run(|| {
        let args = Args::parse();
        let session = covid_cli::start(&args.common)?;
        let own = args.horizon.map(|days| ("prediction.horizon", days.into()));
        let settings: Settings = session.settings(own.as_slice())?;
        end(args.end, &session, &settings)?;
        Ok(ExitCode::SUCCESS)
    })
}

fn end(end: Option<End>, session: &covid_cli::Session, settings: &Settings) -> anyhow::Result<()> {
    match end {
        None if session.format == covid_cli::Format::Json => covid_cli::print_json(settings),
        None => covid_cli::print_stdout(&format!("{} days of `{}`", settings.prediction.horizon, settings.source)),
        Some(End::Talk) => {
            tracing::error!(target: "covid_example", "an error");
            tracing::warn!(target: "covid_example", rows = 3, "a warning");
            tracing::info!(target: "covid_example", "what is in order");
            tracing::info!(target: "elsewhere", "what others say");
            tracing::debug!(target: "covid_example", "a detail");
            covid_cli::print_stdout(&session.clock.today().to_string())
        }
        Some(End::Flood) => loop {
            covid_cli::print_stdout("and again")?;
        },
        Some(End::Explained) => Err(anyhow::Error::new(Fault::from(Down)).context("cannot sync")),
        Some(End::Unexplained) => {
            Err(anyhow::Error::new(io::Error::other("the disk is\nfull")).context("cannot write"))
        }
        Some(End::Panic) => panic!("two and two are five"),
    }
}
