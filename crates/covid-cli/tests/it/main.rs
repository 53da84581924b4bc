//! Integration tests of the command line's common part.

#![allow(clippy::unwrap_used)] // The configuration allows it in tests, but forgets their helpers.

mod settings;
mod stage;
