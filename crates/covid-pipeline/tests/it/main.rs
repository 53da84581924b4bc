//! The flows' own tests, in one binary.
#![allow(clippy::unwrap_used)]

mod browser;
mod example;
mod monitoring_page;
