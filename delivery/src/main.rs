//! The fifth stage: the loop in one flow: monitor, retrain if a rule says so, promote if the gate says so, predict.

mod args;
mod package;
mod render;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    covid_cli::run(|| {
        let session = covid_pipeline::commands::start(&args.common)?;
        tokio::runtime::Runtime::new()?.block_on(args::execute(&args, &session))
    })
}
