#![doc = include_str!("../README.md")]

mod clock;
mod context;
mod engine;
mod error;
mod flow;
mod logs;
mod observer;
mod run;
mod state;
mod task;

pub use clock::{Clock, WallClock};
pub use context::Context;
pub use engine::{Ended, Engine};
pub use error::FlowError;
pub use flow::{AnyFlow, Flow, Flows};
pub use logs::FlowLogs;
pub use observer::{Event, Observer};
pub use run::{Artifact, Content, FlowRun, LogLine, TaskRun};
pub use schemars;
pub use state::{IllegalTransition, Lifecycle, State, StateKind};
pub use task::TaskOptions;
pub use tokio_util::sync::CancellationToken;
