//! Results go to stdout, and through here alone.

use std::io::{self, Write as _};

use anyhow::Context as _;

/// Whoever read stdout has gone: no failure, but no reason to go on either.
#[derive(Debug, thiserror::Error)]
#[error("stdout was closed")]
pub(crate) struct StdoutClosed;

/// Prints a result, and the line's end if it has none.
///
/// # Errors
/// If stdout cannot be written; if its reader has gone, [`crate::run`] ends the program quietly with exit 0.
pub fn print_stdout(result: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    let end: &[u8] = if result.is_empty() || result.ends_with('\n') { b"" } else { b"\n" };
    let written =
        stdout.write_all(result.as_bytes()).and_then(|()| stdout.write_all(end)).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(StdoutClosed.into()),
        written => written.context("cannot write to stdout"),
    }
}

/// Prints a result as one indented JSON document.
///
/// # Errors
/// As [`print_stdout`]; or if the result cannot be written as JSON.
pub fn print_json(result: &impl serde::Serialize) -> anyhow::Result<()> {
    print_stdout(&serde_json::to_string_pretty(result).context("cannot write the result as JSON")?)
}
