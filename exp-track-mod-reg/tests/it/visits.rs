//! A count that is none of an epidemic, and without anything like deaths, goes through this stage as cases do.

use covid_testing::{Sandbox, assert_run, visits};

use crate::run;

const SOURCE: [&str; 4] = ["--source", "visits.csv", "--cases-column", "visits"];

#[test]
fn the_score_is_that_of_the_one_target() {
    let sandbox = Sandbox::new();
    sandbox.write("visits.csv", visits());
    assert_run!(run(&sandbox, &SOURCE), @"");
    let backtest = ["backtest", "--from", "2024-05-01", "--every", "28d", "--models", "persistence,damped-growth"];
    assert_run!(run(&sandbox, &[&backtest[..], &SOURCE, &["--out", "backtest.csv"]].concat()), @"");
    let rows = sandbox.read("backtest.csv");
    assert!(rows.contains(",ConfirmedCases,") && !rows.contains(",Fatalities,"), "{rows}");
}
