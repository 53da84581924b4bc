//! Flow runs of this machine: kept, on a schedule, stopped.

use std::process::{Child, Stdio};

use covid_testing::{
    Sandbox, assert_run,
    prefect::{signal, wait_for},
};
use serde_json::Value;

use crate::run;

const BIN: &str = env!("CARGO_BIN_EXE_deployment");

/// The flow runs, the newest first.
fn flow_runs(sandbox: &Sandbox) -> Vec<Value> {
    let listed = run(sandbox, &["flow-runs", "-q", "--format", "json"]);
    assert!(listed.success(), "{listed}");
    serde_json::from_str(&listed.stdout).unwrap()
}

fn start(sandbox: &Sandbox, args: &[&str]) -> Child {
    sandbox.command(BIN, args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_run_is_kept_with_its_tasks_and_what_was_logged() {
    let sandbox = Sandbox::new();
    assert_eq!(run(&sandbox, &["flow-runs", "-q"]).stdout, "no flow runs\n");
    assert!(sandbox.files().is_empty(), "looking makes nothing");
    assert!(run(&sandbox, &["-q"]).success());
    let runs = flow_runs(&sandbox);
    assert_eq!((runs.len(), &runs[0]["state"]["kind"]), (1, &Value::from("Completed")));
    let name = runs[0]["name"].as_str().unwrap();
    let shown = run(&sandbox, &["flow-runs", "-q", name]);
    for said in ["find-champion   Completed", "its first champion", "forecast-sample: Cumulative counts 7 days after"] {
        assert!(shown.stdout.contains(said), "{said}: {shown}");
    }
    let unknown = run(&sandbox, &["flow-runs", "-q", "nobody"]);
    assert_eq!(unknown.code, Some(2), "{unknown}");
}

#[test]
fn a_run_that_fails_is_kept_too() {
    let sandbox = Sandbox::new();
    assert_eq!(run(&sandbox, &["-q", "--source", "./nowhere"]).code, Some(3));
    let runs = flow_runs(&sandbox);
    assert_eq!(runs[0]["state"]["kind"], "Failed");
    assert!(runs[0]["state"]["message"].as_str().unwrap().contains("./nowhere"), "{runs:?}");
}

#[test]
fn once_runs_every_flow_that_is_named() {
    let sandbox = Sandbox::new();
    let once =
        ["serve", "--once", "--cron", "20 12 * * *", "--cron", "monitor = 0 13 * * *", "--timezone", "Europe/Berlin"];
    let served = run(&sandbox, &once);
    assert!(served.success() && served.stdout.lines().count() == 2, "{served}");
    let runs = flow_runs(&sandbox);
    let flows: Vec<&str> = runs.iter().rev().filter_map(|run| run["schedule"].as_str()).collect();
    assert_eq!(flows, ["predict", "monitor"]);
    assert!(runs.iter().all(|run| run["state"]["kind"] == "Completed"), "{runs:?}");
    let failed = run(&sandbox, &["serve", "-q", "--once", "--cron", "20 12 * * *", "--source", "./nowhere"]);
    assert_eq!(failed.code, Some(3), "{failed}");
}

#[test]
fn a_schedule_that_cannot_be_is_an_error() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &["serve", "--cron", "20 25 * * *"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `20 25 * * *` cannot be a schedule: Component error: Number out of bounds
    hint: write minute, hour, day of the month, month and day of the week: `20 12 * * *` is 12:20 on every day
    ");
    assert_run!(run(&sandbox, &["serve", "--cron", "20 12 * * *", "--timezone", "Mars/Base"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no time zone `Mars/Base`
    hint: give a name of the IANA time zone database, such as `Europe/Berlin`, or `UTC`
    ");
    assert_run!(run(&sandbox, &["serve", "--cron", "prophesy=20 12 * * *"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no flow `prophesy`: the flows are `deliver`, `monitor`, `predict`, `predict-shard`, `train-and-promote`
    hint: name one of them
    ");
}

#[test]
fn a_server_of_schedules_says_how_it_fares_and_stops_when_it_is_asked_to() {
    let sandbox = Sandbox::new().env("COVID_NOW", "");
    let mut serving = sandbox
        .command(BIN, &["serve", "--cron", "0 0 1 1 *", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(sandbox.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    let address = wait_for(|| {
        let log = sandbox.read("log");
        Some(log.split("health: http://").nth(1)?.split("/healthz").next()?.to_owned())
    });
    let address = address.unwrap();
    let health = run(&sandbox, &["health", "-q", "--listen", &address]);
    assert!(health.success() && health.stdout.contains("predict (0 0 1 1 * UTC): next at "), "{health}");
    let second = run(&sandbox, &["serve", "-q", "--cron", "0 0 1 1 *", "--listen", "127.0.0.1:0"]);
    assert!(second.code == Some(2) && second.stderr.contains("is served by another process"), "{second}");
    signal(&serving, "TERM");
    assert!(serving.wait().unwrap().success());
    let nobody = run(&sandbox, &["health", "-q", "--listen", &address]);
    assert_eq!(nobody.code, Some(4), "{nobody}");
}

#[test]
fn a_run_that_is_asked_to_stop_is_cancelled_and_commits_nothing() {
    let Some(eda) = Sandbox::beside(BIN, "eda") else { return };
    let sandbox = Sandbox::new();
    assert!(sandbox.run(&eda, &["simulate", "--locations", "600", "--days", "300", "--out", "many"]).success());
    let mut running = start(&sandbox, &["--source", "many"]);
    // It trains for seconds.
    let is_training = || {
        let run = flow_runs(&sandbox).pop()?;
        let shown = crate::run(&sandbox, &["flow-runs", "-q", run["name"].as_str()?]);
        shown.stdout.contains("find-champion  Running").then_some(())
    };
    wait_for(|| sandbox.path().join("store/flow.db").exists().then_some(())).unwrap();
    wait_for(is_training).unwrap();
    signal(&running, "INT");
    let ended = running.wait().unwrap();
    assert_eq!(ended.code(), Some(1));
    let runs = flow_runs(&sandbox);
    assert_eq!(runs[0]["state"]["kind"], "Cancelled", "{runs:?}");
    assert!(!sandbox.files().iter().any(|file| file.contains("/predictions/")), "{:?}", sandbox.files());
}
