//! Writes `docs/accuracy.md`: every figure of it is computed here, from the data that the command line names, and nothing is
//! left out because it failed. `make accuracy` calls it.

mod measure;
mod page;
mod speed;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use covid_cli::CommonArgs;

/// Measure accuracy, calibration and speed of all candidates, and write the page
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    common: CommonArgs,
    /// The folder with `jhu` and `kaggle_week2`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// What another program printed of the speed, to stand in the page; may be given again
    #[arg(long, value_name = "FILE")]
    printed: Vec<PathBuf>,
    /// The page
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    covid_cli::run(|| {
        let session = covid_cli::start(&args.common)?;
        let runtime = tokio::runtime::Runtime::new()?;
        let measured = runtime.block_on(measure::all(&session, &args.data))?;
        let printed = args.printed.iter().map(|file| speed::printed(file)).collect::<anyhow::Result<Vec<String>>>()?;
        std::fs::write(&args.out, page::render(&measured, &printed))?;
        Ok(ExitCode::SUCCESS)
    })
}
