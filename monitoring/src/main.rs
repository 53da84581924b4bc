//! The fourth stage: what was forecast, against what happened.

mod args;

use std::{process::ExitCode, sync::Arc};

use clap::Parser;
use covid_pipeline::Project;

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    covid_cli::run(|| {
        let session = covid_cli::start(&args.common)?;
        let clock = session.clock;
        tokio::runtime::Runtime::new()?.block_on(async {
            let project = Project::open(session.settings(&[])?, Arc::new(move || clock.now())).await?;
            args::execute(&session, &project).await
        })
    })
}
