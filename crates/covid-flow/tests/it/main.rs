//! Flows of the crate's own, on this machine.

// Clippy's `allow-unwrap-in-tests` does not reach the helper functions of an integration test.
#![allow(clippy::unwrap_used)]

mod fake_clock;
mod flows;
mod golden;
mod health;
#[cfg(unix)]
mod isolated;
mod kept;
mod logs;
mod prefect;
mod prefect_faults;
mod prefect_server;
mod proxy;
mod recorder;
mod serve;
#[cfg(unix)]
mod signals;

use std::{path::Path, sync::Arc};

use covid_core::{Explain, FaultKind, Timestamp};
use covid_flow::{FlowRuns, LocalRunner, WallClock, schemars};
use serde::{Deserialize, Serialize};

/// Parameters of the tests' flows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(crate = "covid_flow::schemars")]
#[serde(default, deny_unknown_fields)]
struct Parameters {
    /// The number that is worked on.
    number: u32,
}

/// An error that may pass, or not.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Trouble(&'static str, FaultKind);

impl Explain for Trouble {
    fn kind(&self) -> FaultKind {
        self.1
    }
}

const PASSING: Trouble = Trouble("the server is busy", FaultKind::Remote);

fn wall_clock() -> Arc<WallClock> {
    Arc::new(WallClock::new(Arc::new(Timestamp::now)))
}

async fn runner(folder: &Path) -> LocalRunner {
    LocalRunner::new(FlowRuns::open(folder.join("flow.db")).await.unwrap(), wall_clock())
}
