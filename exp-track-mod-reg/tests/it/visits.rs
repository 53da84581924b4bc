//! A count that is none of an epidemic, and without anything like deaths, goes through this stage as cases do.

use covid_testing::{Sandbox, assert_run, visits};

use crate::run;

const SOURCE: [&str; 4] = ["--source", "visits.csv", "--cases-column", "visits"];

#[test]
fn the_score_is_that_of_the_one_target() {
    let sandbox = Sandbox::new();
    sandbox.write("visits.csv", visits());
    assert_run!(run(&sandbox, &SOURCE), @"
    exit: 0
    ----- stdout -----
    covid-predictor-visits: RMSLE 7 days ahead, mean over 8 origins from 2024-05-03 to 2024-06-21
    Candidate       Chosen                 Tracking run                       RMSLE  of cases  of deaths
    ────────────────────────────────────────────────────────────────────────────────────────────────────
    weekly-trend    weekly-trend           <id>  0.0071    0.0071          -
    lagged-deaths   lagged-deaths          <id>  0.0071    0.0071          -
    hub-baseline    hub-baseline           <id>  0.0074    0.0074          -
    linear-drift    linear-drift           <id>  0.0074    0.0074          -
    blend           blend                  <id>  0.0079    0.0079          -
    damped-growth   damped-growth-14-0.95  <id>  0.0088    0.0088          -
    ensemble        ensemble               <id>  0.0091    0.0091          -
    residual-ridge  residual-ridge         <id>  0.0091    0.0091          -
    polynomial      polynomial-3           <id>  0.0100    0.0100          -
    shrunk-growth   shrunk-growth          <id>  0.0109    0.0109          -
    ets             ets                    <id>  0.0364    0.0364          -
    persistence     persistence            <id>  0.0741    0.0741          -
    weekly-trend is registered as version 1 of covid-predictor-visits, its first champion
    ----- stderr -----
    long table (visits.csv; revised data): 4 locations x 120 days up to 2024-06-28; repair: 0 counts in 0 series lowered
    ");
    let backtest = ["backtest", "--from", "2024-05-01", "--every", "28d", "--models", "persistence,damped-growth"];
    assert_run!(run(&sandbox, &[&backtest[..], &SOURCE, &["--out", "backtest.csv"]].concat()), @"
    exit: 0
    ----- stdout -----
    RMSLE 7 days ahead of 4 locations, mean over 2 origins from 2024-05-01 to 2024-05-29
    Model           RMSLE  of cases  of deaths  WIS of cases  of deaths  Exploded origins
    ─────────────────────────────────────────────────────────────────────────────────────
    persistence    0.0819    0.0819          -             -          -                 0
    damped-growth  0.0094    0.0094          -             -          -                 0
    WIS: of weekly new counts, as a share of that of hub-baseline; all scores: --format json
    every forecast is in backtest.csv
    ----- stderr -----
    long table (visits.csv; revised data): 4 locations x 120 days up to 2024-06-28; repair: 0 counts in 0 series lowered
    ");
    let rows = sandbox.read("backtest.csv");
    assert!(rows.contains(",ConfirmedCases,") && !rows.contains(",Fatalities,"), "{rows}");
}
