//! The second stage as a user runs it.
#![allow(clippy::unwrap_used)]

mod at_once;
mod backtest;
mod compare;
mod gate;
mod kaggle;
mod lost;
mod mlflow;
mod reached;
mod s3;
mod visits;

use covid_testing::{HttpServer, Output, Sandbox, assert_run};

fn run(sandbox: &Sandbox, args: &[&str]) -> Output {
    sandbox.run(env!("CARGO_BIN_EXE_exp-track-mod-reg"), args)
}

#[test]
fn a_token_is_taken_without_the_line_s_end_of_its_file() {
    let server = HttpServer::start();
    let sandbox = Sandbox::new().env("MLFLOW_TRACKING_URI", &server.url("")).env("MLFLOW_TRACKING_TOKEN", "abc\n");
    assert_eq!(run(&sandbox, &["models", "-q"]).code, Some(4), "no MLflow is there, but a server");
    assert_eq!(server.requests()[0].headers["authorization"], "Bearer abc");
    let sandbox = sandbox.env("MLFLOW_TRACKING_TOKEN", "ab\nc");
    assert_run!(run(&sandbox, &["models", "-q"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `mlflow.token` cannot be <redacted>: it must be one line, without signs of control
    hint: config/default.toml describes every setting
    ");
    assert!(server.requests().is_empty());
}

#[test]
fn the_first_training_makes_a_champion_and_the_second_has_nothing_to_do() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &[]), @"
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
    ensemble is registered as version 1 of covid-predictor-sample, its first champion
    ----- stderr -----
    simulated sample (simulated, 48 locations x 500 days, seed 1): 48 locations x 500 days up to 2021-06-04; repair: 171 counts in 29 series lowered
    ");
    assert_run!(run(&sandbox, &[]), @"
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
    ensemble is already registered as version 1 of covid-predictor-sample, and is the champion: nothing to do
    ----- stderr -----
    simulated sample (simulated, 48 locations x 500 days, seed 1): 48 locations x 500 days up to 2021-06-04; repair: 171 counts in 29 series lowered
    ");
    assert_run!(run(&sandbox, &["models", "-q"]), @"
    exit: 0
    ----- stdout -----
    Version  Aliases   Model stage  Model     Trained as of  Registered             RMSLE
    ─────────────────────────────────────────────────────────────────────────────────────
    1        champion  Production   ensemble  2021-06-04     2030-01-02T03:04:05Z  0.0134
    version 1, promote (the registry had no champion) at 2030-01-02T03:04:05Z

    What each version forecast best: its RMSLE as a share of that of persistence, on the origins of its own training
    Version  Target  Share  Best days ahead  Best counts at origin  Best of all versions at
    ───────────────────────────────────────────────────────────────────────────────────────
    1        cases    0.35  7 (0.27)         1000000+ (0.22)
    1        deaths   0.49  7 (0.41)         10000-999999 (0.22)
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["runs", "-q"]), @"
    exit: 0
    ----- stdout -----
    Tracking run                      Started               Status    Model                 As of        RMSLE  Differing parameters
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    <id>  2030-01-02T03:04:05Z  FINISHED  residual-ridge        2021-06-04  0.0137  model.half_life=60 model.penalty=300
    <id>  2030-01-02T03:04:05Z  FINISHED  ensemble              2021-06-04  0.0134  model.half_life=60 model.penalty=300
    <id>  2030-01-02T03:04:05Z  FINISHED  blend                 2021-06-04  0.0171  model.lagged_far=0.5 model.lagged_near=0.1 model.shrunk=0.3
    <id>  2030-01-02T03:04:05Z  FINISHED  ets                   2021-06-04  0.0154  model.window=182
    <id>  2030-01-02T03:04:05Z  FINISHED  lagged-deaths         2021-06-04  0.0360  model.lag=8
    <id>  2030-01-02T03:04:05Z  FINISHED  weekly-trend          2021-06-04  0.0150  model.carried=0.6 model.newest=0.8 model.phi=0.85 model.world=5
    <id>  2030-01-02T03:04:05Z  FINISHED  shrunk-growth         2021-06-04  0.0169  model.deaths=0.6 model.half=30 model.most=0.8 model.phi=0.92
    <id>  2030-01-02T03:04:05Z  FINISHED  linear-drift          2021-06-04  0.0152  model.window=7
    <id>  2030-01-02T03:04:05Z  FINISHED  damped-growth-7-0.95  2021-06-04  0.0154  model.phi=0.95 model.window=7
    <id>  2030-01-02T03:04:05Z  FINISHED  polynomial-3          2021-06-04  0.0218  model.degree=3 model.window=21
    <id>  2030-01-02T03:04:05Z  FINISHED  hub-baseline          2021-06-04  0.0153
    <id>  2030-01-02T03:04:05Z  FINISHED  persistence           2021-06-04  0.0343
    <id>  2030-01-02T03:04:05Z  FINISHED  residual-ridge        2021-06-04  0.0137  model.half_life=60 model.penalty=300
    <id>  2030-01-02T03:04:05Z  FINISHED  ensemble              2021-06-04  0.0134  model.half_life=60 model.penalty=300
    <id>  2030-01-02T03:04:05Z  FINISHED  blend                 2021-06-04  0.0171  model.lagged_far=0.5 model.lagged_near=0.1 model.shrunk=0.3
    <id>  2030-01-02T03:04:05Z  FINISHED  ets                   2021-06-04  0.0154  model.window=182
    <id>  2030-01-02T03:04:05Z  FINISHED  lagged-deaths         2021-06-04  0.0360  model.lag=8
    <id>  2030-01-02T03:04:05Z  FINISHED  weekly-trend          2021-06-04  0.0150  model.carried=0.6 model.newest=0.8 model.phi=0.85 model.world=5
    <id>  2030-01-02T03:04:05Z  FINISHED  shrunk-growth         2021-06-04  0.0169  model.deaths=0.6 model.half=30 model.most=0.8 model.phi=0.92
    <id>  2030-01-02T03:04:05Z  FINISHED  linear-drift          2021-06-04  0.0152  model.window=7
    <id>  2030-01-02T03:04:05Z  FINISHED  damped-growth-7-0.95  2021-06-04  0.0154  model.phi=0.95 model.window=7
    <id>  2030-01-02T03:04:05Z  FINISHED  polynomial-3          2021-06-04  0.0218  model.degree=3 model.window=21
    <id>  2030-01-02T03:04:05Z  FINISHED  hub-baseline          2021-06-04  0.0153
    <id>  2030-01-02T03:04:05Z  FINISHED  persistence           2021-06-04  0.0343
    ----- stderr -----
    ");
    let model_files = sandbox.files().into_iter().filter(|file| file.ends_with("model/model.json"));
    assert_eq!(model_files.count(), 2 * 12, "each candidate of each training has its model as an artifact");
    let files = sandbox.files();
    let read = |name: &str| -> Vec<String> {
        files
            .iter()
            .filter(|file| file.starts_with("store/artifacts/") && file.ends_with(name))
            .map(|file| sandbox.read(file))
            .collect()
    };
    let (tables, reports) = (read("/backtest.csv"), read("/report.html"));
    assert_eq!((tables.len(), reports.len()), (2 * 12, 2 * 12), "and its backtest and report");
    for table in tables {
        let mut lines = table.lines();
        assert_eq!(lines.next(), Some("origin,model,target,horizon,rmsle"));
        assert_eq!(lines.count(), 8 * 2 * 7, "a row for each origin, target and day ahead: {table}");
        assert!(table.contains("\n2021-05-28,") && table.contains(",Fatalities,7,"), "{table}");
    }
    assert!(reports.iter().all(|report| report.contains("RMSLE") && report.trim_end().ends_with("</html>")));
}

#[test]
fn a_tracking_run_holds_parameters_and_scores_by_target_and_horizon() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q"]).success());
    let output = run(&sandbox, &["runs", "-q", "--format", "json"]);
    let runs: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let damped = runs.as_array().unwrap().iter().find(|run| run["info"]["name"] == "damped-growth").unwrap();
    let names = |field: &str| damped[field].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    insta::assert_snapshot!(names("params"), @r#"
    as_of horizon model.phi model.window origins recipe repair spec
    "#);
    insta::assert_snapshot!(names("metrics"), @r#"
    rmsle rmsle.ConfirmedCases rmsle.Fatalities rmsle_by_horizon.ConfirmedCases rmsle_by_horizon.Fatalities rmsle_by_size.ConfirmedCases rmsle_by_size.Fatalities rmsle_to_persistence.ConfirmedCases rmsle_to_persistence.Fatalities rmsle_to_persistence_by_horizon.ConfirmedCases rmsle_to_persistence_by_horizon.Fatalities rmsle_to_persistence_by_size.ConfirmedCases rmsle_to_persistence_by_size.Fatalities
    "#);
    insta::assert_snapshot!(names("tags"), @r#"
    covid.dataset covid.profile covid.source covid.vintage mlflow.source.name mlflow.source.type
    "#);
}

#[test]
fn nothing_is_there_before_the_first_training() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &["models", "-q"]), @r#"
    exit: 0
    ----- stdout -----
    no registered version yet; `exp-track-mod-reg` registers one
    ----- stderr -----
    "#);
    assert_run!(run(&sandbox, &["runs", "-q"]), @r#"
    exit: 0
    ----- stdout -----
    no tracking run yet; `exp-track-mod-reg` makes some
    ----- stderr -----
    "#);
    assert_run!(run(&sandbox, &["rollback", "-q"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `covid-predictor-sample` has no previous champion to go back to
    hint: promote the version you want with `exp-track-mod-reg promote VERSION`
    "#);
    assert_run!(run(&sandbox, &["promote", "1", "-q"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no version 1 of the registered model `covid-predictor-sample` in embedded:./store/tracking.db
    hint: list the versions with `exp-track-mod-reg models`, and check `--dataset` and `--tracking`
    "#);
}

#[test]
fn too_little_history_is_said() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &["-q", "--as-of", "2020-02-01"]), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: 11 days of data up to 2020-02-01 are too few: a comparison 7 days ahead needs 35
    hint: give a later --as-of, or a source with a longer history
    "#);
    let databases = |file: &String| file.starts_with("store/tracking.db") || file.starts_with("store/flow.db");
    assert!(sandbox.files().iter().all(databases), "{:?}", sandbox.files());
}
