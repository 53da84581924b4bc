//! The first stage: look at the data before anything is learned from them.

mod args;
mod fetch;
mod figures;
mod page;
mod picture;
mod report;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    covid_cli::run(|| {
        let session = covid_cli::start(&args.common)?;
        tokio::runtime::Runtime::new()?.block_on(args::execute(&args, &session))?;
        Ok(ExitCode::SUCCESS)
    })
}
