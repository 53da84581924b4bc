#![doc = include_str!("../README.md")]

mod alert;
mod drift;
mod error;
mod monitor;
mod score;
mod summary;

pub use alert::{Alert, Blame, Event, Notice, Severity};
pub use drift::{
    DRIFT_WINDOW, DataReport, Drift, EmptyDays, Extent, Jumped, LastSeen, Missing, NewPlace, PastShares, Quantity,
    RenamedPlace, Revised, Shares, Stalled, Usual, usual,
};
pub use error::MonitoringError;
pub use monitor::{Monitored, Monitoring, MonitoringSettings, Request, ScoredRun, monitor, monitoring_ledger};
pub use score::ScoreRow;
pub use summary::{HorizonScore, LocationScore, Scores, Summary};
