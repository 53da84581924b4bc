//! Tests on real data.

use std::{env, path::PathBuf};

/// The folder of real data that `COVID_TEST_DATA` names. Without it the test that asks says in one line that it is
/// skipped, and has to return.
#[allow(clippy::print_stdout)] // The one line that tells a skipped test from a passed one.
pub fn real_data() -> Option<PathBuf> {
    let folder = env::var_os("COVID_TEST_DATA").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: COVID_TEST_DATA is not set");
    }
    folder
}
