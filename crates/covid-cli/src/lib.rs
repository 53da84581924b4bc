#![doc = include_str!("../README.md")]

mod args;
mod clock;
mod exit;
mod logging;
mod output;
mod progress;
mod session;
mod settings;

pub use args::{CommonArgs, Format, days_arg};
pub use clock::{Clock, ClockError};
pub use exit::{ending, exit_code, run};
pub use output::{print_json, print_stdout};
pub use progress::{Bar, Progress};
pub use session::{Session, start, start_with};
pub use settings::{DEFAULTS, Origin, SettingsError, settings};
