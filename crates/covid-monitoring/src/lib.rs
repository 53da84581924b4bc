#![doc = include_str!("../README.md")]

mod error;
mod monitor;
mod score;
mod summary;

pub use error::MonitoringError;
pub use monitor::{Monitored, Monitoring, MonitoringSettings, Request, ScoredRun, monitor, monitoring_ledger};
pub use score::ScoreRow;
pub use summary::{HorizonScore, LocationScore, Scores, Summary};
