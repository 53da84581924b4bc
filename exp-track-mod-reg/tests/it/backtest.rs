//! The backtest and its file.

use covid_testing::{Sandbox, assert_run};

use crate::run;

#[test]
fn scores_can_be_recomputed_from_the_file() {
    let sandbox = Sandbox::new();
    let args =
        "backtest -q --from 2021-03-01 --every 28d --horizon 7 --models persistence,damped-growth-7-0.9 --out b.csv";
    assert_run!(run(&sandbox, &args.split(' ').collect::<Vec<_>>()), @"
    exit: 0
    ----- stdout -----
    RMSLE 7 days ahead of 48 locations, mean over 4 origins from 2021-03-01 to 2021-05-24
    Model                 RMSLE  of cases  of deaths  WIS of cases  of deaths  Exploded origins
    ───────────────────────────────────────────────────────────────────────────────────────────
    persistence          0.0433    0.0560     0.0306             -          -                 0
    damped-growth-7-0.9  0.0250    0.0308     0.0192             -          -                 0
    WIS: of weekly new counts, as a share of that of hub-baseline; all scores: --format json
    every forecast is in b.csv
    ----- stderr -----
    ");
    let file = sandbox.read("b.csv");
    let columns = "origin,location,Admin2,Province_State,Country_Region,target,measure,date,horizon,model,point,\
                   q025,q10,q25,q50,q75,q90,q975";
    assert_eq!(file.lines().next(), Some(columns));
    // Origins x locations x targets x (days and weeks) x models, and the header.
    assert_eq!(file.lines().count(), 4 * 48 * 2 * (7 + 1) * 2 + 1);
    assert_eq!(sandbox.files(), ["b.csv"], "a backtest touches neither store nor registry");
}

#[test]
fn an_origin_whose_horizon_is_not_observed_is_left_out_and_none_at_all_is_an_error() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &["backtest", "-q", "--from", "2021-06-01"]), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: 500 days of data up to 2021-06-04 are too few: an origin on 2021-06-01 with 7 days after it needs 504
    hint: give a later --as-of, or a source with a longer history
    "#);
    assert_run!(run(&sandbox, &["backtest", "-q", "--from", "2020-01-25"]), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: 4 days of data up to 2021-06-04 are too few: an origin on 2020-01-25 needs 28
    hint: give a later --as-of, or a source with a longer history
    "#);
    assert_run!(run(&sandbox, &["backtest", "-q", "--from", "today"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: --from must be a date like 2020-04-01, not `today`
    hint: change --from on the command line or in the settings
    "#);
    assert_run!(run(&sandbox, &["backtest", "-q", "--horizon", "61"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: horizon must be from 1 to 60 days, not 61
    hint: change horizon on the command line or in the settings
    "#);
    assert_run!(run(&sandbox, &["backtest", "-q", "--every", "0d"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: every must be at least 1 day, not 0
    hint: change every on the command line or in the settings
    "#);
    assert_run!(run(&sandbox, &["backtest", "-q", "--models", "oracle"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no model `oracle`
    hint: known are persistence, hub-baseline, polynomial, damped-growth, linear-drift, shrunk-growth, weekly-trend, lagged-deaths, ets, blend, ensemble, residual-ridge, and ones with numbers of their own like polynomial-2 or ets-90
    ");
    assert_run!(run(&sandbox, &["backtest", "-q", "--from", "2021-05-01", "--out", "b.xlsx"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: --out must be a .csv or .parquet file, not `b.xlsx`
    hint: change --out on the command line or in the settings
    "#);
    assert_run!(run(&sandbox, &["backtest", "-q", "--from", "2021-05-01", "--out", "no/folder/b.csv"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `no/folder/b.csv` cannot be written: No such file or directory (os error 2)
    hint: choose a place that you may write to
    "#);
}
