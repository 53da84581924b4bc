//! The registry's backends, each through the conformance suite and through tests of its own.

// Clippy's `allow-unwrap-in-tests` does not reach the helper functions of an integration test.
#![allow(clippy::unwrap_used)]

#[cfg(unix)]
mod crash;
mod embedded;
mod golden;
mod mlflow;
mod mlflow_faults;
mod sync;
mod uri;
