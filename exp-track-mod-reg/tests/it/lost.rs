//! Versions whose model file is gone, or is another one than was registered.

use std::fs;

use covid_core::sha256_hex;
use covid_testing::{Output, Sandbox, assert_run};
use serde_json::Value;

use crate::run;

/// The model file of a version.
fn model_file(sandbox: &Sandbox, version: u64) -> String {
    let listed = run(sandbox, &["models", "-q", "--format", "json"]).stdout;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let versions = listed.as_array().unwrap();
    let run_id = versions.iter().find(|of| of["version"] == version).unwrap()["run_id"].as_str().unwrap().to_owned();
    sandbox.files().into_iter().find(|file| file.ends_with(&format!("{run_id}/model/model.json"))).unwrap()
}

fn deployment(sandbox: &Sandbox, args: &[&str]) -> Option<Output> {
    let program = Sandbox::beside(env!("CARGO_BIN_EXE_exp-track-mod-reg"), "deployment")?;
    Some(sandbox.run(&program, args))
}

#[test]
fn a_lost_champion_is_told_and_the_next_training_replaces_it() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q"]).success());
    fs::remove_file(sandbox.path().join(model_file(&sandbox, 1))).unwrap();
    if let Some(output) = deployment(&sandbox, &["-q"]) {
        assert_run!(output, @"
        exit: 3
        ----- stdout -----
        ----- stderr -----
        error: version 1 of `covid-predictor-sample` cannot be used: the file model/model.json of its tracking run `<id>` is missing
        hint: restore that file from a backup; or train again with `exp-track-mod-reg`, which replaces a champion that is lost; or make the champion before it champion again with `exp-track-mod-reg rollback`
        ");
    }
    assert_run!(run(&sandbox, &["rollback", "-q"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `covid-predictor-sample` has no previous champion to go back to
    hint: promote the version you want with `exp-track-mod-reg promote VERSION`
    ");
    let trained = run(&sandbox, &["--no-progress"]);
    assert_run!(trained, @"
    exit: 0
    ----- stdout -----
    covid-predictor-sample: RMSLE 7 days ahead, mean over 8 origins from 2021-04-09 to 2021-05-28
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
    ensemble is registered as version 2 of covid-predictor-sample, champion in the place of version 1, whose model is lost: the gate had nothing to compare with
    ----- stderr -----
    simulated sample (simulated, 48 locations x 500 days, seed 1): 48 locations x 500 days up to 2021-06-04; repair: 171 counts in 29 series lowered
    warning: version 1 of `covid-predictor-sample` cannot be used: the file model/model.json of its tracking run `<id>` is missing; the best candidate will replace it
    ");
    assert_run!(run(&sandbox, &["models", "-q"]), @"
    exit: 0
    ----- stdout -----
    Version  Aliases   Model stage  Model     Trained as of  Registered             RMSLE
    ─────────────────────────────────────────────────────────────────────────────────────
    2        champion  Production   ensemble  2021-06-04     2030-01-02T03:04:05Z  0.0134
    1                  Archived     ensemble  2021-06-04     2030-01-02T03:04:05Z  0.0134
    version 2, promote (the model of version 1 was lost) at 2030-01-02T03:04:05Z
    version 1, promote (the registry had no champion) at 2030-01-02T03:04:05Z

    What each version forecast best: its RMSLE as a share of that of persistence, on the origins of its own training
    Version  Target  Share  Best days ahead  Best counts at origin  Best of all versions at
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    2        cases    0.35  7 (0.27)         1000000+ (0.22)        days 1-7; counts 1-99, 100-9999, 10000-999999, 1000000+
    2        deaths   0.49  7 (0.41)         10000-999999 (0.22)    days 1-7; counts 1-99, 100-9999, 10000-999999
    1        cases    0.35  7 (0.27)         1000000+ (0.22)        days 1-7; counts 1-99, 100-9999, 10000-999999, 1000000+
    1        deaths   0.49  7 (0.41)         10000-999999 (0.22)    days 1-7; counts 1-99, 100-9999, 10000-999999
    ----- stderr -----
    ");
    if let Some(output) = deployment(&sandbox, &["-q"]) {
        assert!(output.success() && output.stdout.contains("by covid-predictor-sample 2 (ensemble)"), "{output}");
    }
    // Once more it is as if nothing had been: the lost version is not taken for the same.
    let again = run(&sandbox, &["-q"]);
    assert!(
        again
            .stdout
            .contains("ensemble is already registered as version 2 of covid-predictor-sample, and is the champion"),
        "{again}"
    );
}

#[test]
fn a_model_that_was_changed_is_not_served() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q"]).success());
    let file = model_file(&sandbox, 1);
    let model = sandbox.read(&file);
    let (at, digit) = model.char_indices().rfind(|(_, sign)| ('1'..'9').contains(sign)).unwrap();
    let mut changed = model.clone();
    changed.replace_range(at..=at, if digit == '1' { "2" } else { "1" });
    let cut = &model[..model.len() / 2];
    for damaged in [changed.as_str(), cut, ""] {
        sandbox.write(&file, damaged);
        let run_id = file.rsplit('/').nth(2).unwrap();
        let error = format!(
            "error: version 1 of `covid-predictor-sample` cannot be used: the file model/model.json of its tracking run \
             `{run_id}` was changed: its SHA-256 is {}, and was {} when it was registered\nhint: restore that file",
            sha256_hex(damaged.as_bytes()),
            sha256_hex(model.as_bytes()),
        );
        if let Some(output) = deployment(&sandbox, &["-q"]) {
            assert!(output.code == Some(3) && output.stderr.starts_with(&error), "{output}");
        }
    }
    // Restored, as the hint says.
    sandbox.write(&file, &model);
    if let Some(output) = deployment(&sandbox, &["-q"]) {
        assert!(output.success(), "{output}");
    }
}

#[test]
fn a_lost_version_does_not_become_champion() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q", "--as-of", "2021-04-01"]).success());
    assert!(run(&sandbox, &["-q", "--as-of", "2021-05-01"]).success());
    let (first, second) = (model_file(&sandbox, 1), model_file(&sandbox, 2));
    let (first_model, second_model) = (sandbox.read(&first), sandbox.read(&second));
    sandbox.write(&first, "{}");
    for args in [&["rollback", "-q"][..], &["promote", "1", "-q", "--as-of", "2021-05-01"]] {
        let output = run(&sandbox, args);
        assert!(output.code == Some(3) && output.stderr.starts_with("error: version 1 of `"), "{output}");
    }
    let listed = run(&sandbox, &["models", "-q"]).stdout;
    assert!(listed.contains("2        champion  Production"), "{listed}");
    // A lost champion gives way to the one before it.
    sandbox.write(&first, first_model);
    sandbox.write(&second, second_model.replace('1', "2"));
    assert!(run(&sandbox, &["rollback", "-q"]).success());
    if let Some(output) = deployment(&sandbox, &["-q", "--as-of", "2021-05-01"]) {
        assert!(output.success() && output.stdout.contains("by covid-predictor-sample 1 (ensemble)"), "{output}");
    }
}
