//! The storage backends, each through the conformance suite and through tests of its own.

// Clippy's `allow-unwrap-in-tests` does not reach the helper functions of an integration test.
#![allow(clippy::unwrap_used)]

mod folder;
mod memory;
mod s3;
mod s3_faults;
mod uri;
