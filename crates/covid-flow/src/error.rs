//! What can go wrong with flows and their schedules.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use covid_core::{Explain, FaultKind};
use covid_http::HttpError;

/// Why a flow did not run, or did not end well, beyond its own errors.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// A name that Prefect would refuse.
    #[error("`{}` cannot be the {what}: {reason}", name.escape_debug())]
    BadName {
        /// What it was to name.
        what: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two flows or two schedules of one name.
    #[error("there are two {what} of the name `{name}`")]
    NameTaken {
        /// What they are.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// No such flow.
    #[error("there is no flow `{name}`: the flows are {known}")]
    UnknownFlow {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// No such flow run.
    #[error("there is no flow run `{id}` in {}", path.display())]
    UnknownFlowRun {
        /// What was asked for.
        id: String,
        /// The database.
        path: PathBuf,
    },
    /// Parameters that do not fit the flow.
    #[error("the flow `{flow}` cannot take these parameters: {reason}")]
    BadParameters {
        /// The flow.
        flow: String,
        /// What is wrong with them.
        reason: String,
    },
    /// A setting out of its range.
    #[error("`{name}` cannot be {value}: it must be {range}")]
    OutOfRange {
        /// The dotted key.
        name: &'static str,
        /// What it may be.
        range: &'static str,
        /// What it was set to.
        value: String,
    },
    /// A pattern that is no cron pattern, or has no time.
    #[error("`{pattern}` cannot be a schedule: {reason}")]
    BadCron {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No such time zone.
    #[error("there is no time zone `{name}`")]
    BadTimeZone {
        /// The name.
        name: String,
    },
    /// Somebody else serves the schedule.
    #[error("the schedule `{name}` is served by another process already")]
    ServedElsewhere {
        /// The schedule.
        name: String,
    },
    /// The flow run was asked to stop.
    #[error("the flow run was cancelled")]
    Cancelled,
    /// A task took longer than it may.
    #[error("the task `{task}` was not done within {} s", limit.as_secs_f64())]
    TimedOut {
        /// The task.
        task: String,
        /// The time that it had.
        limit: Duration,
    },
    /// The flow panicked.
    #[error("the flow `{flow}` met a bug: {reason}")]
    Crashed {
        /// The flow.
        flow: String,
        /// The panic's message.
        reason: String,
    },
    /// The database of flow runs or its folder cannot be created or written to.
    #[error("the database of flow runs {} cannot be written to: {cause}", path.display())]
    Unwritable {
        /// The database or what is beside it.
        path: PathBuf,
        /// What SQLite or the operating system said.
        cause: String,
    },
    /// The file is no database of flow runs, or damaged.
    #[error("{} cannot be read as a database of flow runs: {reason}", path.display())]
    NotFlowRuns {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// The database was written by a newer release.
    #[error("the database of flow runs {} has schema version {found}, and this program knows versions up to {known}", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The latest version this program knows.
        known: i64,
    },
    /// Another program held the database for too long.
    #[error("the database of flow runs {} is in use by another program: {cause}", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        cause: String,
    },
    /// Any other failure of the database.
    #[error("the database of flow runs {} failed: {cause}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        cause: rusqlite::Error,
    },
    /// The background work ended without an answer: the program is shutting down, or has a bug.
    #[error("work on {} was stopped before it was done: {cause}", path.display())]
    Stopped {
        /// The database.
        path: PathBuf,
        /// What the runtime said.
        #[source]
        cause: tokio::task::JoinError,
    },
    /// Signals, or a worker's word to its child process, could not be listened for.
    #[error("requests to stop cannot be listened for: {cause}")]
    NoSignals {
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The address of the health endpoint cannot be used.
    #[error("the health endpoint cannot listen at {address}: {cause}")]
    NoEndpoint {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The health endpoint was not reached.
    #[error(transparent)]
    Remote(#[from] HttpError),
    /// Something else than a health endpoint answered.
    #[error("{url} does not answer as a health endpoint does: {reason}")]
    NotHealth {
        /// The address.
        url: String,
        /// What was wrong with the answer.
        reason: String,
    },
    /// Somebody serves, but not well.
    #[error("{url} is not healthy: {reason}")]
    Unhealthy {
        /// The address.
        url: String,
        /// What is wrong.
        reason: String,
    },
}

impl Explain for FlowError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::BadName { .. }
            | Self::NameTaken { .. }
            | Self::UnknownFlow { .. }
            | Self::UnknownFlowRun { .. }
            | Self::BadParameters { .. }
            | Self::OutOfRange { .. }
            | Self::BadCron { .. }
            | Self::BadTimeZone { .. }
            | Self::ServedElsewhere { .. }
            | Self::NoEndpoint { .. }
            | Self::Unwritable { .. } => FaultKind::Usage,
            Self::NotFlowRuns { .. } | Self::NewerSchema { .. } => FaultKind::Data,
            Self::TimedOut { .. } | Self::NotHealth { .. } | Self::Unhealthy { .. } => FaultKind::Remote,
            Self::Remote(cause) => cause.kind(),
            Self::Cancelled
            | Self::Crashed { .. }
            | Self::Busy { .. }
            | Self::Database { .. }
            | Self::Stopped { .. }
            | Self::NoSignals { .. } => FaultKind::Unexpected,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::BadName { .. } | Self::NameTaken { .. } => "choose another name",
            Self::UnknownFlow { .. } => "name one of them",
            Self::UnknownFlowRun { .. } => "list what is there with `flow-runs`, and check `--store`",
            Self::BadParameters { .. } => "give parameters of the flow's schema",
            Self::OutOfRange { .. } => "config/default.toml describes every setting",
            Self::BadCron { .. } => {
                "write minute, hour, day of the month, month and day of the week: `20 12 * * *` is 12:20 on every day"
            }
            Self::BadTimeZone { .. } => "give a name of the IANA time zone database, such as `Europe/Berlin`, or `UTC`",
            Self::ServedElsewhere { .. } => "stop the other process, or give the schedule another name",
            Self::Cancelled => "run the command again: what was done is kept, and the rest is done then",
            Self::TimedOut { .. } => "try again later, or set a longer time-out",
            Self::Crashed { .. } => "please report this with the command that led to it",
            Self::Unwritable { .. } => "choose a path that you may write to (`--store file:PATH`)",
            Self::NotFlowRuns { .. } => "move that file away to start anew",
            Self::NewerSchema { .. } => "use the newer release of this program, or another store",
            Self::Busy { .. } => "wait until the other program is done, and run the command again",
            Self::Database { .. } => "check the disk, and that nothing else changes that file",
            Self::Stopped { .. } => "run the command again; what was being written is there whole or not at all",
            Self::NoSignals { .. } => "this is a fault of the machine: please report it",
            Self::NoEndpoint { .. } => {
                "choose another address with a free port: `--listen`, or the setting `flow.health`"
            }
            Self::Remote(_) => {
                "start `serve` or `worker`, and check the address of its health endpoint (`--listen`, or the setting `flow.health`)"
            }
            Self::NotHealth { .. } => "check the address of the health endpoint (`flow.health`)",
            Self::Unhealthy { .. } => "look at the flow runs with `flow-runs`",
        };
        Some(hint.to_owned())
    }
}
