//! What the gate lets through, and what it does not.

use covid_testing::{Sandbox, assert_run};

use crate::run;

/// On the sample `weekly-trend` beats `ensemble` by the test as of this date, which is a bit better two months later.
const WEEKLY_TREND_WINS: &str = "2020-09-01";
const ENSEMBLE_IS_BETTER: &str = "2020-11-01";

/// The last line that a training prints: what it decided.
fn decision(sandbox: &Sandbox, as_of: &str) -> String {
    let run = run(sandbox, &["-q", "--as-of", as_of]);
    assert!(run.success(), "{run}");
    run.stdout.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn another_recipe_must_win_the_paired_test() {
    for (level, decided) in [("0.05", "was not promoted"), ("0.3", "promoted to champion")] {
        let sandbox = Sandbox::new();
        let first = decision(&sandbox, WEEKLY_TREND_WINS);
        assert_eq!(first, "weekly-trend is registered as version 1 of covid-predictor-sample, its first champion");
        let second = decision(&sandbox.env("COVID_GATE_LEVEL", level), ENSEMBLE_IS_BETTER);
        let evidence = format!("on 8 origins, paired test p = 0.238, needed below {level}");
        assert!(second.contains(decided) && second.ends_with(&evidence), "{second}");
    }
}

#[test]
fn another_recipe_than_ensemble_must_win_the_paired_test() {
    let sandbox = Sandbox::new();
    let taken = run(&sandbox, &["-q", "--as-of", "2020-10-01"]);
    let told = "shrunk-growth is not taken: that it beats ensemble has p = 0.387 by the paired test\n\
                ensemble is registered as version 1";
    assert!(taken.stdout.contains(told), "{taken}");
}

/// With 8 origins no result is less likely than 1 in 256: no other recipe can pass at this level.
#[test]
fn the_same_recipe_needs_no_test() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q", "--as-of", "2020-04-01"]).success());
    let strict = sandbox.env("COVID_GATE_LEVEL", "0.001");
    assert_run!(run(&strict, &["-q", "--as-of", "2020-08-01"]), @"
    exit: 0
    ----- stdout -----
    covid-predictor-sample: RMSLE 7 days ahead, mean over 8 origins from 2020-06-06 to 2020-07-25
    Candidate       Chosen                 Tracking run                       RMSLE  of cases  of deaths
    ────────────────────────────────────────────────────────────────────────────────────────────────────
    ensemble        ensemble               <id>  0.0443    0.0500     0.0386
    residual-ridge  residual-ridge         <id>  0.0444    0.0501     0.0388
    weekly-trend    weekly-trend           <id>  0.0457    0.0517     0.0396
    blend           blend                  <id>  0.0466    0.0533     0.0398
    linear-drift    linear-drift           <id>  0.0483    0.0553     0.0413
    hub-baseline    hub-baseline           <id>  0.0484    0.0553     0.0414
    shrunk-growth   shrunk-growth          <id>  0.0513    0.0596     0.0429
    damped-growth   damped-growth-14-0.85  <id>  0.0519    0.0604     0.0433
    ets             ets                    <id>  0.0535    0.0620     0.0449
    lagged-deaths   lagged-deaths          <id>  0.0653    0.0517     0.0788
    polynomial      polynomial-2           <id>  0.0781    0.0894     0.0668
    persistence     persistence            <id>  0.0861    0.0964     0.0758
    ensemble is registered as version 2 of covid-predictor-sample, promoted to champion: the champion's recipe on newer data: mean RMSLE 0.0443 against 0.0550 as trained on 2020-04-01, on 8 origins since, may be worse by 25 %
    ----- stderr -----
    ");
    assert_run!(run(&strict, &["models", "-q"]), @"
    exit: 0
    ----- stdout -----
    Version  Aliases   Model stage  Model     Trained as of  Registered             RMSLE
    ─────────────────────────────────────────────────────────────────────────────────────
    2        champion  Production   ensemble  2020-08-01     2030-01-02T03:04:05Z  0.0443
    1                  Archived     ensemble  2020-04-01     2030-01-02T03:04:05Z  0.2343
    version 2, promote (the champion's recipe on newer data: mean RMSLE 0.0443 against 0.0550 as trained on 2020-04-01, on 8 origins since, may be worse by 25 %) at 2030-01-02T03:04:05Z
    version 1, promote (the registry had no champion) at 2030-01-02T03:04:05Z

    What each version forecast best: its RMSLE as a share of that of persistence, on the origins of its own training
    Version  Target  Share  Best days ahead  Best counts at origin  Best of all versions at
    ───────────────────────────────────────────────────────────────────────────────────────────────
    2        cases    0.52  7 (0.47)         100-9999 (0.31)        days 1-7; counts 1-99, 100-9999
    2        deaths   0.51  7 (0.49)         100-9999 (0.26)        days 1-7; counts 1-99
    1        cases    0.59  6 (0.57)         100-9999 (0.31)        counts 0
    1        deaths   0.82  7 (0.78)         1-99 (0.84)
    ----- stderr -----
    ");
    assert_run!(run(&strict, &["promote", "2", "-q", "--as-of", "2020-08-01"]), @"
    exit: 0
    ----- stdout -----
    version 2 of covid-predictor-sample is the champion already: nothing to do
    ----- stderr -----
    ");
    let usual = strict.env("COVID_GATE_LEVEL", "0.5");
    assert_run!(run(&usual, &["promote", "2", "-q", "--as-of", "2020-08-01"]), @"
    exit: 0
    ----- stdout -----
    version 2 of covid-predictor-sample is the champion already: nothing to do
    ----- stderr -----
    ");
}

#[test]
fn the_same_recipe_on_newer_data_is_promoted_and_rolled_back() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q", "--as-of", "2021-04-01"]).success());
    assert_run!(run(&sandbox, &["-q", "--as-of", "2021-05-01"]), @"
    exit: 0
    ----- stdout -----
    covid-predictor-sample: RMSLE 7 days ahead, mean over 8 origins from 2021-03-06 to 2021-04-24
    Candidate       Chosen                Tracking run                       RMSLE  of cases  of deaths
    ───────────────────────────────────────────────────────────────────────────────────────────────────
    ensemble        ensemble              <id>  0.0189    0.0242     0.0135
    residual-ridge  residual-ridge        <id>  0.0192    0.0241     0.0142
    weekly-trend    weekly-trend          <id>  0.0234    0.0302     0.0166
    linear-drift    linear-drift          <id>  0.0239    0.0308     0.0171
    hub-baseline    hub-baseline          <id>  0.0240    0.0309     0.0171
    damped-growth   damped-growth-7-0.95  <id>  0.0247    0.0327     0.0166
    blend           blend                 <id>  0.0251    0.0310     0.0192
    ets             ets                   <id>  0.0256    0.0351     0.0161
    shrunk-growth   shrunk-growth         <id>  0.0257    0.0341     0.0173
    polynomial      polynomial-3          <id>  0.0311    0.0444     0.0179
    lagged-deaths   lagged-deaths         <id>  0.0430    0.0302     0.0559
    persistence     persistence           <id>  0.0444    0.0623     0.0265
    ensemble is registered as version 2 of covid-predictor-sample, promoted to champion: the champion's recipe on newer data: mean RMSLE 0.0182 against 0.0196 as trained on 2021-04-01, on 4 origins since, may be worse by 25 %
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["rollback", "-q"]), @r#"
    exit: 0
    ----- stdout -----
    version 1 of covid-predictor-sample is the champion again, before: version 2; the next training may promote a newer one
    ----- stderr -----
    "#);
    assert_run!(run(&sandbox, &["models", "-q"]), @"
    exit: 0
    ----- stdout -----
    Version  Aliases   Model stage  Model     Trained as of  Registered             RMSLE
    ─────────────────────────────────────────────────────────────────────────────────────
    2                  Archived     ensemble  2021-05-01     2030-01-02T03:04:05Z  0.0189
    1        champion  Production   ensemble  2021-04-01     2030-01-02T03:04:05Z  0.0211
    version 2, promote (the champion's recipe on newer data: mean RMSLE 0.0182 against 0.0196 as trained on 2021-04-01, on 4 origins since, may be worse by 25 %) at 2030-01-02T03:04:05Z
    version 1, rollback (by hand, the gate not asked) at 2030-01-02T03:04:05Z

    What each version forecast best: its RMSLE as a share of that of persistence, on the origins of its own training
    Version  Target  Share  Best days ahead  Best counts at origin  Best of all versions at
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    2        cases    0.39  7 (0.32)         1000000+ (0.13)        days 1, 3-5; counts 1-99, 10000-999999, 1000000+
    2        deaths   0.51  7 (0.44)         10000-999999 (0.18)    days 1; counts 10000-999999
    1        cases    0.38  7 (0.29)         1000000+ (0.17)        days 2, 6-7; counts 100-9999
    1        deaths   0.48  7 (0.40)         10000-999999 (0.21)    days 2-7; counts 1-99, 100-9999
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["promote", "2", "-q"]), @"
    exit: 0
    ----- stdout -----
    version 2 of covid-predictor-sample is the champion now, before: version 1
    the champion's recipe on newer data: mean RMSLE 0.0134 against 0.0134 as trained on 2021-04-01, on 8 origins since, may be worse by 25 %
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["promote", "2", "-q"]), @r#"
    exit: 0
    ----- stdout -----
    version 2 of covid-predictor-sample is the champion already: nothing to do
    ----- stderr -----
    "#);
    // An older training of the champion's recipe is not let back in, except by a rollback.
    assert_run!(run(&sandbox, &["promote", "1", "-q"]), @r#"
    exit: 5
    ----- stdout -----
    ----- stderr -----
    error: version 1 of covid-predictor-sample was not promoted: it was trained as of 2021-04-01, before the champion (2021-05-01)
    hint: see the versions with `exp-track-mod-reg models`; `rollback` needs no gate
    "#);
    assert_run!(run(&sandbox, &["rollback", "-q"]), @r#"
    exit: 0
    ----- stdout -----
    version 1 of covid-predictor-sample is the champion again, before: version 2; the next training may promote a newer one
    ----- stderr -----
    "#);
    assert_run!(run(&sandbox, &["rollback", "-q"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `covid-predictor-sample` has no previous champion to go back to
    hint: promote the version you want with `exp-track-mod-reg promote VERSION`
    "#);
}

#[test]
fn a_champion_of_another_dataset_counts_as_none() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q"]).success());
    assert_run!(run(&sandbox, &["-q", "--dataset", "other"]), @"
    exit: 0
    ----- stdout -----
    covid-predictor-other: RMSLE 7 days ahead, mean over 8 origins from 2021-04-09 to 2021-05-28
    Candidate       Chosen                Tracking run                       RMSLE  of cases  of deaths
    ───────────────────────────────────────────────────────────────────────────────────────────────────
    ensemble        ensemble              <id>  0.0134    0.0165     0.0103
    residual-ridge  residual-ridge        <id>  0.0137    0.0166     0.0108
    weekly-trend    weekly-trend          <id>  0.0150    0.0180     0.0120
    linear-drift    linear-drift          <id>  0.0152    0.0183     0.0122
    hub-baseline    hub-baseline          <id>  0.0153    0.0184     0.0122
    damped-growth   damped-growth-7-0.95  <id>  0.0154    0.0187     0.0120
    ets             ets                   <id>  0.0154    0.0193     0.0114
    shrunk-growth   shrunk-growth         <id>  0.0169    0.0197     0.0141
    blend           blend                 <id>  0.0171    0.0180     0.0161
    polynomial      polynomial-3          <id>  0.0218    0.0298     0.0138
    persistence     persistence           <id>  0.0343    0.0475     0.0211
    lagged-deaths   lagged-deaths         <id>  0.0360    0.0180     0.0539
    ensemble is registered as version 1 of covid-predictor-other, its first champion
    ----- stderr -----
    ");
}
