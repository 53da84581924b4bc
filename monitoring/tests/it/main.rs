//! The fourth stage as a user runs it.
#![allow(clippy::unwrap_used)]

mod browser;
mod s3;
mod visits;

use covid_testing::{Output, Sandbox, assert_run};

fn run(sandbox: &Sandbox, args: &[&str]) -> Output {
    sandbox.run(env!("CARGO_BIN_EXE_monitoring"), args)
}

#[test]
fn with_nothing_due_it_scores_a_backdated_forecast_and_the_second_run_is_already_done() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &[]), @"
    exit: 0
    ----- stdout -----
    No committed forecast was due; a back-dated one is scored.
    RMSLE of 7 days, 7 days up to 2021-06-04: ▁▂▃▅▆██ 0.0139 (no change 0.0286)
    Location                         RMSLE  No change  Bias (log)  Its data
    ────────────────────────────────────────────────────────────────────────────
    Rustacea                        0.0593     0.0439     +0.0476  no fault seen
    North Tensoria, Tensoria        0.0223     0.0450     -0.0218  no fault seen
    North Lassonia, Lassonia        0.0220     0.0330     +0.0198  no fault seen
    South Featuristan, Featuristan  0.0218     0.0423     +0.0080  no fault seen
    Logarithmia                     0.0208     0.0273     -0.0191  no fault seen
    back-dated forecast (none was due) against what was published up to 2021-06-04: RMSLE 0.0139, no change 0.0286: 52 % better than no change (48 locations)
    (no model saw data after its day; the recipe itself may have been chosen with later data)
    scored: <run> (as of 2021-05-28)
    Target           RMSLE  No change  Bias (log)    WIS  In 50 %  In 80 %  In 95 %  Rows
    ─────────────────────────────────────────────────────────────────────────────────────
    ConfirmedCases  0.0164     0.0406     +0.0005  1,960     52 %     78 %     92 %   336
    Fatalities      0.0113     0.0166     +0.0036     13     59 %     80 %     93 %   336
    Days ahead   RMSLE  No change
    ─────────────────────────────
             1  0.0050     0.0063
             2  0.0070     0.0106
             3  0.0103     0.0169
             4  0.0138     0.0241
             5  0.0179     0.0327
             6  0.0198     0.0382
             7  0.0161     0.0467
    committed: run <run>, 672 rows
    manifest: ./store/sample/backdated/monitoring/commits/as_of=2021-06-04/<run>.json
    page:     ./store/sample/backdated/monitoring/reports/as_of=2021-06-04/report.html
    csv:      ./store/sample/backdated/monitoring/csv/as_of=2021-06-04/<run>.csv
    ----- stderr -----
    simulated sample (simulated, 48 locations x 500 days, seed 1): 48 locations x 500 days up to 2021-06-04; repair: 171 counts in 29 series lowered
    no champion of covid-predictor-sample yet: training one first
    ensemble is registered as version 1 of covid-predictor-sample, its first champion
    ");
    let second = run(&sandbox, &["-q"]);
    assert!(second.success() && second.stdout.contains("already done: run "), "{second}");
    let real = sandbox.files().into_iter().filter(|file| file.starts_with("store/sample/predictions"));
    assert_eq!(real.count(), 0, "a back-dated forecast is never among the real ones");
}

#[test]
fn a_report_for_programs_has_the_same_figures() {
    let sandbox = Sandbox::new();
    let output = run(&sandbox, &["-q", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(report["backdated"], true);
    assert_eq!(report["summary"]["rows"], 672);
    assert_eq!(report["summary"]["horizons"].as_array().unwrap().len(), 7);
    assert!(
        report["summary"]["headline"].as_f64().unwrap() < report["summary"]["persistence_headline"].as_f64().unwrap()
    );
}

#[test]
fn a_history_too_short_to_go_back_is_an_error() {
    assert_run!(run(&Sandbox::new(), &["-q", "--as-of", "2020-01-25"]), @"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: 4 days of data up to 2020-01-25 are too few: a comparison 7 days ahead needs 35
    hint: give a later --as-of, or a source with a longer history
    ");
}
