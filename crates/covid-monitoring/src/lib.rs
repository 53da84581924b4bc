#![doc = include_str!("../README.md")]

mod alert;
mod baseline;
mod drift;
mod due;
mod error;
mod monitor;
mod notify;
mod rules;
mod score;
mod settings;
mod standing;
mod summary;
mod tally;

pub use alert::{Alert, Blame, Event, Notice, Severity};
pub use baseline::{Baseline, OriginScores, Side};
pub use drift::{
    DRIFT_WINDOW, DataReport, Drift, EmptyDays, Extent, Jumped, LastSeen, Missing, NewPlace, PastShares, Quantity,
    RenamedPlace, Revised, Shares, Stalled, Usual, usual,
};
pub use error::MonitoringError;
pub use monitor::{Monitored, Monitoring, Request, ScoredRun, monitor, monitoring_ledger, scores, tallies};
pub use notify::{AlertSettings, Outcome, Told, tell};
pub use rules::{DataScore, Evidence, Finding, Rule, RuleSettings, Score, Windows, data_scores};
pub use score::ScoreRow;
pub use settings::MonitoringSettings;
pub use standing::{Broken, Standing};
pub use summary::{HorizonScore, LocationScore, Scores, Summary};
pub use tally::{Group, Sums, Tally, Window, skill};
