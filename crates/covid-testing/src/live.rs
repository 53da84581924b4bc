//! The real servers that a test may ask for.

use std::env;

/// The value of a `COVID_TEST_*` variable that names a server or what belongs to one. Without it the test says so, is
/// skipped, and has to return.
#[allow(clippy::print_stdout)] // The one line that tells a skipped test from a passed one.
pub fn live(variable: &str) -> Option<String> {
    let value = env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        println!("skipped: {variable} is not set");
    }
    value
}
