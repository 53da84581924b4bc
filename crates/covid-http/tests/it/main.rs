//! Integration tests: the real client against a server on this machine that misbehaves.

// Helpers outside of test functions may fail as tests do.
#![allow(clippy::unwrap_used)]

mod call;
mod download;
