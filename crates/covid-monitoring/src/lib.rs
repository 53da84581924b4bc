#![doc = include_str!("../README.md")]

mod alert;
mod error;
mod monitor;
mod notify;
mod score;
mod summary;

pub use alert::{Alert, Blame, Event, Notice, Severity};
pub use error::MonitoringError;
pub use monitor::{Monitored, Monitoring, MonitoringSettings, Request, ScoredRun, monitor, monitoring_ledger};
pub use notify::{AlertSettings, Outcome, Told, tell};
pub use score::ScoreRow;
pub use summary::{HorizonScore, LocationScore, Scores, Summary};
