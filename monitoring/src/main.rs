//! The fourth stage: what was forecast, against what happened.

mod args;

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
