//! How the flow runs of a process fare: for a health check, and for Prometheus.

mod board;
mod client;
mod metrics;
mod server;

use std::{collections::BTreeMap, fmt};

use covid_core::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{board::Board, client::ask_health, server::HealthServer};
use crate::StateKind;

/// What a process says of its health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The worst of the schedules.
    pub status: HealthStatus,
    /// When this was said.
    pub now: Timestamp,
    /// By name.
    pub schedules: BTreeMap<String, ScheduleHealth>,
    /// The worker, in a process that is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerHealth>,
}

/// How a worker of a work pool fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerHealth {
    /// The name by which Prefect knows it.
    pub name: String,
    /// Its work pool.
    pub pool: String,
    /// When it last began to look after its flow runs and for new ones; that Prefect is away does not keep it from that.
    pub last_round: Timestamp,
    /// When Prefect last answered all that a round asks; none if it never did. A worker without an answer goes on with what it
    /// has at work, so that it is called stalled only after many minutes.
    pub last_answer: Option<Timestamp>,
    /// When it began.
    pub since: Timestamp,
}

/// Whether all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// All is well.
    Healthy,
    /// A last run Failed or Crashed.
    Failing,
    /// A time has passed by more than a minute, and its run has not begun; or a worker makes no more rounds, or
    /// has had no answer for many minutes.
    Stalled,
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Failing => "failing",
            Self::Stalled => "stalled",
        })
    }
}

/// How a schedule fares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleHealth {
    /// The flow's name.
    pub flow: String,
    /// The cron pattern.
    pub cron: String,
    /// Its time zone.
    pub time_zone: String,
    /// The next time.
    pub next: Option<Timestamp>,
    /// The last run, which may be at work.
    pub last_run: Option<LastRun>,
    /// When a run was last Completed.
    pub last_success: Option<Timestamp>,
    /// Times missed since the process began.
    pub missed: u64,
}

/// The last run of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: StateKind,
    /// When it came to that.
    pub at: Timestamp,
    /// When it was to begin.
    pub scheduled_at: Option<Timestamp>,
}
