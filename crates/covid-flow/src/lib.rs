#![doc = include_str!("../README.md")]

mod clock;
mod context;
mod cron;
mod engine;
mod error;
mod flow;
mod health;
mod kept;
mod local;
mod logs;
mod observer;
mod run;
mod serve;
mod settings;
mod signals;
mod state;
mod task;

pub use clock::{Clock, WallClock};
pub use context::Context;
pub use cron::CronSchedule;
pub use engine::{Ended, Engine};
pub use error::FlowError;
pub use flow::{AnyFlow, Flow, Flows};
pub use health::{Board, Health, HealthServer, HealthStatus, LastRun, ScheduleHealth, ask_health};
pub use kept::{Filter, FlowRunDetails, FlowRuns, KeptFlowRun, KeptTaskRun};
pub use local::LocalRunner;
pub use logs::FlowLogs;
pub use observer::{Event, Observer};
pub use run::{Artifact, Content, FlowRun, LogLine, TaskRun};
pub use schemars;
pub use serve::{Schedule, Scheduler};
pub use settings::FlowSettings;
pub use signals::cancelled_by_signals;
pub use state::{IllegalTransition, Lifecycle, State, StateKind};
pub use task::TaskOptions;
pub use tokio_util::sync::CancellationToken;
