//! The fifth stage as a user runs it.
#![allow(clippy::unwrap_used)]

mod bad_days;
mod deployed;
mod package;
mod replay;
mod s3;
mod under_prefect;

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
    2. retrain: nothing to judge the champion by
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
    let next = run(&sandbox, &["-q", "--as-of", "2021-05-25"]);
    assert!(next.stdout.contains("committed forecasts against what was published up to 2021-05-25"), "{next}");
    assert!(next.stdout.contains("2. retrain: no rule asks for a challenger"), "{next}");
    // A week after its training the champion is stale, which is no alert.
    let later = run(&sandbox, &["-q", "--as-of", "2021-05-27"]);
    assert!(later.stdout.contains("rule stale: days since the champion was trained 7, at most 6 wanted"), "{later}");
    assert!(later.success() && later.stdout.starts_with("1. monitor\nNo alert stands: RMSLE"), "{later}");
}

/// Better than no change by 99 % is more than any model can be: the rule must be broken.
fn asking_too_much() -> Sandbox {
    Sandbox::new().env("COVID_MONITORING_RULES_NAIVE_BELOW", "0.99")
}

#[test]
fn a_champion_that_is_not_good_enough_is_challenged() {
    let sandbox = asking_too_much();
    assert!(run(&sandbox, &["-q", "--as-of", "2021-05-20"]).success());
    let next = run(&sandbox, &["-q", "--as-of", "2021-05-27"]);
    assert_eq!(next.code, Some(5), "an alert stands: {next}");
    assert!(next.stdout.contains("critical, naive (model) since 2021-05-27: skill against no change"), "{next}");
    assert!(next.stdout.contains("a challenger is trained"), "{next}");
    assert!(next.stdout.contains("is registered as version 2 of covid-predictor-sample, promoted"), "{next}");
    assert!(next.stdout.contains("by covid-predictor-sample 2 (ensemble"), "{next}");
    let record = sandbox.files().into_iter().find(|file| file.starts_with("store/sample/deliveries/as_of=2021-05-27/"));
    let record: serde_json::Value = serde_json::from_str(&sandbox.read(&record.unwrap())).unwrap();
    assert_eq!(record["asked_by"], serde_json::json!(["naive", "stale"]));
    assert_eq!(record["training"]["version"], 2);
}

#[test]
fn a_cooldown_keeps_it_from_training_every_day() {
    let sandbox = asking_too_much();
    assert!(run(&sandbox, &["-q", "--as-of", "2021-05-20"]).success());
    let next = run(&sandbox, &["-q", "--as-of", "2021-05-24"]);
    let why = "no challenger is trained: the last training was as of 2021-05-20, and the next one may be on 2021-05-27";
    assert!(next.stdout.contains(why), "{next}");
    assert!(next.stdout.contains("by covid-predictor-sample 1 (ensemble"), "{next}");
}

#[test]
fn retraining_and_promotion_can_be_turned_off() {
    let sandbox = asking_too_much().env("COVID_DELIVERY_RETRAIN", "false");
    assert!(run(&sandbox, &["-q", "--as-of", "2021-05-20"]).success());
    let next = run(&sandbox, &["-q", "--as-of", "2021-05-27"]);
    assert!(next.stdout.contains("no challenger is trained: retraining is turned off"), "{next}");

    let sandbox = asking_too_much().env("COVID_DELIVERY_PROMOTE", "false");
    assert!(run(&sandbox, &["-q", "--as-of", "2021-05-20"]).success());
    let next = run(&sandbox, &["-q", "--as-of", "2021-05-27"]);
    assert!(next.stdout.contains("was not promoted: promotion is turned off"), "{next}");
    assert!(next.stdout.contains("by covid-predictor-sample 1 (ensemble"), "{next}");
    // The challenger forecasts in the champion's shadow, and is compared with it.
    assert!(next.stdout.contains("the challenger, covid-predictor-sample 2 (ensemble), predicted the same"), "{next}");
    let later = run(&sandbox, &["-q", "--as-of", "2021-05-30"]);
    assert!(later.stdout.contains("scored: "), "{later}");
    let scores =
        sandbox.files().into_iter().find(|file| file.starts_with("store/sample/monitoring/csv/as_of=2021-05-30/"));
    let shadows = sandbox
        .read(&scores.unwrap())
        .lines()
        .filter(|line| line.contains(",2,") && line.ends_with(",1,1,1,1"))
        .count();
    assert!(shadows > 0, "{later}");
}

#[test]
fn a_rule_of_one_s_own_is_obeyed_and_a_bad_one_refused() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "mine.toml",
        "[monitoring.rules.narrow]\nscore = \"coverage50\"\nbelow = 0.99\nseverity = \"warning\"\n",
    );
    assert!(run(&sandbox, &["-q", "--as-of", "2021-05-20"]).success());
    let next = run(&sandbox, &["-q", "--as-of", "2021-05-27", "--config", "mine.toml"]);
    assert_eq!(next.code, Some(5), "{next}");
    assert!(
        next.stdout.contains("warning, narrow (model) since 2021-05-27: share of counts in the 50 % interval"),
        "{next}"
    );
    sandbox.write("bad.toml", "[monitoring.rules.narrow]\nscore = \"coverage50\"\nbelow = \"often\"\n");
    assert_run!(run(&sandbox, &["-q", "--config", "bad.toml"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: monitoring.rules.narrow.below must be a number, or `usual`, not often
    hint: change monitoring.rules.narrow.below in the settings
    ");
    sandbox.write("bad.toml", "[monitoring.rules.narrow]\nscore = \"coverage50\"\nbeloww = 1\n");
    assert_run!(run(&sandbox, &["-q", "--config", "bad.toml"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the settings file `bad.toml` sets `monitoring.rules.narrow.beloww`, which is not a setting
    hint: did you mean `monitoring.rules.naive.below`?
    ");
}
