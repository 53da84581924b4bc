//! The fifth stage as a user runs it.
#![allow(clippy::unwrap_used)]

use covid_testing::{Output, Sandbox, assert_run};

fn run(sandbox: &Sandbox, args: &[&str]) -> Output {
    sandbox.run(env!("CARGO_BIN_EXE_delivery"), args)
}

#[test]
fn the_loop_runs_once_and_has_nothing_to_do_the_second_time() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &[]), @"
    exit: 0
    ----- stdout -----
    1. monitor
    back-dated forecast (none was due) against what was published up to 2021-06-04: RMSLE 0.0139, no change 0.0286: 51 % better than no change (48 locations)
    (no model saw data after its day; the recipe itself may have been chosen with later data)
    scored: <run> (as of 2021-05-28)
    Target           RMSLE  No change  Bias (log)    WIS  In 50 %  In 80 %  In 95 %  Rows
    ─────────────────────────────────────────────────────────────────────────────────────
    ConfirmedCases  0.0166     0.0406     +0.0006  2,032     51 %     78 %     91 %   336
    Fatalities      0.0112     0.0166     +0.0036     13     59 %     80 %     93 %   336
    Days ahead   RMSLE  No change
    ─────────────────────────────
             1  0.0046     0.0063
             2  0.0067     0.0106
             3  0.0102     0.0169
             4  0.0137     0.0241
             5  0.0179     0.0327
             6  0.0198     0.0382
             7  0.0166     0.0467
    Worst locations                  RMSLE  No change
    ─────────────────────────────────────────────────
    Rustacea                        0.0595     0.0439
    North Tensoria, Tensoria        0.0239     0.0450
    North Lassonia, Lassonia        0.0221     0.0330
    South Featuristan, Featuristan  0.0220     0.0423
    North Sigmoidia, Sigmoidia      0.0191     0.0543
    committed: run <run>, 672 rows
    manifest: ./store/sample/backdated/monitoring/commits/as_of=2021-06-04/<run>.json
    csv:      ./store/sample/backdated/monitoring/csv/as_of=2021-06-04/<run>.csv
    2. retrain: skill against no change 0.515, at least 0 wanted: the champion stays
       ensemble is registered as version 1 of covid-predictor-sample, its first champion
    3. predict: 7 days after 2021-06-04 by covid-predictor-sample 1 (ensemble), committed: run <run>, 672 rows
       ./store/sample/predictions/commits/as_of=2021-06-04/<run>.json
       ./store/sample/predictions/csv/as_of=2021-06-04/<run>.csv
    ----- stderr -----
    simulated sample (simulated, 48 locations x 500 days, seed 1): 48 locations x 500 days up to 2021-06-04; repair: 171 counts in 29 series lowered
    no champion of covid-predictor-sample yet: training one first
    ensemble is registered as version 1 of covid-predictor-sample, its first champion
    ");
    let second = run(&sandbox, &["-q"]);
    assert!(second.success(), "{second}");
    assert_eq!(second.stdout.matches("already done: run ").count(), 2, "{second}");
}

#[test]
fn day_after_day_it_scores_what_it_forecast_the_week_before() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q", "--as-of", "2021-05-20"]).success());
    let next = run(&sandbox, &["-q", "--as-of", "2021-05-27"]);
    assert!(next.stdout.contains("committed forecasts against what was published up to 2021-05-27"), "{next}");
    assert!(next.stdout.contains("the champion stays"), "{next}");
}

#[test]
fn a_champion_that_is_not_good_enough_is_challenged() {
    // Better than no change by 99 % is more than any model can be: the rule must fire.
    let sandbox = Sandbox::new().env("COVID_DELIVERY_MIN_SKILL", "0.99");
    assert!(run(&sandbox, &["-q", "--as-of", "2021-05-20"]).success());
    let next = run(&sandbox, &["-q", "--as-of", "2021-05-27"]);
    assert!(next.stdout.contains("a challenger is trained"), "{next}");
    assert!(next.stdout.contains("is registered as version 2 of covid-predictor-sample, promoted"), "{next}");
    assert!(next.stdout.contains("by covid-predictor-sample 2 (ensemble"), "{next}");
}
