//! A count that is none of an epidemic, and without anything like deaths, goes through this stage as cases do.

use covid_testing::{Sandbox, assert_run, visits};

use crate::run;

const SOURCE: [&str; 4] = ["--source", "visits.csv", "--cases-column", "visits"];

#[test]
fn there_are_rows_of_the_one_target() {
    let sandbox = Sandbox::new();
    sandbox.write("visits.csv", visits());
    assert_run!(run(&sandbox, &SOURCE), @"");
    assert_run!(run(&sandbox, &[&["show", "--location", "Market", "-q"][..], &SOURCE].concat()), @"");
}
