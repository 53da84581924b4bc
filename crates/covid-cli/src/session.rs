//! What a stage's `main` needs once its arguments are parsed.

use std::env;

use covid_core::Fault;
use serde::de::DeserializeOwned;
use tracing_subscriber::{Layer, Registry, layer::Identity};

use crate::{Clock, CommonArgs, Format, Progress, logging, settings};

/// A started program: logging is on, and the rest is here.
#[derive(Debug, Clone)]
pub struct Session {
    /// What time it is.
    pub clock: Clock,
    /// Where progress is shown, if it is.
    pub progress: Progress,
    /// How results are to be written.
    pub format: Format,
    args: CommonArgs,
}

/// Starts a program: logging, progress, clock.
///
/// # Errors
/// If `COVID_NOW` is not an instant.
pub fn start(args: &CommonArgs) -> Result<Session, Fault> {
    start_with(args, Identity::new())
}

/// Starts a program whose events somebody else is told, too, from level `INFO` on, whatever stderr shows.
///
/// # Errors
/// As [`start`].
pub fn start_with(args: &CommonArgs, also: impl Layer<Registry> + Send + Sync) -> Result<Session, Fault> {
    let progress = Progress::new(!args.no_progress && !args.quiet);
    logging::init(args, &progress, also);
    let covid_now = environment().find_map(|(name, value)| (name == "COVID_NOW").then_some(value));
    let clock = Clock::new(covid_now.as_deref())?;
    Ok(Session { clock, progress, format: args.format, args: args.clone() })
}

impl Session {
    /// The settings, with the process's environment; `overrides` are the stage's own flags as dotted keys and values.
    ///
    /// # Errors
    /// As [`settings`].
    pub fn settings<T: DeserializeOwned>(&self, overrides: &[(&str, toml::Value)]) -> Result<T, Fault> {
        Ok(settings(&self.args, overrides, environment())?)
    }
}

/// The process's environment. What is not Unicode is read as well as it can be: `std::env::vars` would panic.
fn environment() -> impl Iterator<Item = (String, String)> {
    env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}
