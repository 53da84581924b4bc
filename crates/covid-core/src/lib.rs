#![doc = include_str!("../README.md")]

mod digest;
mod fault;
mod forecast;
mod location;
pub mod metrics;
mod panel;
mod redact;
mod select;
mod target;

pub use digest::{Digest, sha256_hex};
pub use fault::{Explain, Fault, FaultKind};
pub use forecast::{Forecast, LEVELS, MAX_COUNT, MAX_HORIZON, Predicted, WEEKS_AHEAD, WeeklyForecast};
pub use jiff::{Timestamp, civil::Date};
pub use location::{Location, one_line};
pub use panel::{Panel, PanelError, PanelView, add_days, log_count};
pub use redact::{REDACTED, redact};
pub use select::{SelectError, Selection, SelectionKind, close_matches};
pub use target::{Measure, Target};
