//! The first stage: look at the data before anything is learned from them.

mod args;
mod comparison;
mod fetch;
mod figures;
mod files;
mod page;
mod picture;
mod quality_section;
mod report;
mod revisions_section;

use std::process::ExitCode;

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse_checked();
    covid_cli::run(|| {
        let session = covid_cli::start(&args.common)?;
        tokio::runtime::Runtime::new()?.block_on(args::execute(&args, &session))?;
        Ok(ExitCode::SUCCESS)
    })
}
