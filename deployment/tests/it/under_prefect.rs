//! The stage with a Prefect server: what is refused, and (live) deployments, a worker, and a pool of several.

use std::{
    fs::File,
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use covid_testing::{
    S3Server, Sandbox, assert_run, live_server,
    prefect::{OwnPrefect, PrefectServer, signal, wait_for},
};
use serde_json::{Value, json};

use crate::run;

const BIN: &str = env!("CARGO_BIN_EXE_deployment");

/// A worker, which is killed when it is dropped.
struct Worker {
    process: Child,
    name: &'static str,
}

impl Worker {
    fn start(sandbox: &Sandbox, name: &'static str) -> Self {
        let log = File::create(sandbox.path().join(format!("{name}.log"))).unwrap();
        let args = ["worker", "--name", name, "--listen", "127.0.0.1:0"];
        let mut command = sandbox.command(BIN, &args);
        Self { process: command.stdout(Stdio::null()).stderr(log).spawn().unwrap(), name }
    }

    /// Whether a flow run is this worker's.
    fn has(&self, run: &Value) -> bool {
        run["infrastructure_pid"].as_str().is_some_and(|name| name.starts_with(&format!("{}-", self.name)))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn without_a_server_or_a_shared_tracker_nothing_is_deployed() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &["deploy"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: no Prefect server is named
    hint: set PREFECT_API_URL to the address of its interface, such as http://<server>/api; `serve` needs no server
    ");
    assert_run!(run(&sandbox, &["worker", "--store", "s3://bucket/prefix"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the tracker `embedded:./store/tracking.db` is a file of this machine, and the store `s3://bucket/prefix` is not: workers elsewhere cannot share it
    hint: name an MLflow server with MLFLOW_TRACKING_URI or `--tracking http://HOST`
    ");
    assert!(sandbox.files().is_empty());
}

#[test]
fn a_number_of_shards_that_cannot_be_is_named_by_its_flag() {
    let sandbox = Sandbox::new().env("PREFECT_API_URL", "http://127.0.0.1:9/api");
    assert_run!(run(&sandbox, &["deploy", "--shards", "0"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: --shards must be from 1 to 10000, not `0`
    hint: change --shards on the command line or in the settings
    ");
}

#[test]
fn a_server_that_refuses_the_key_is_told_without_it() {
    let sandbox = Sandbox::new().env("PREFECT_API_URL", "http://127.0.0.1:9/api").env("PREFECT_API_KEY", "hush");
    let output = run(&sandbox.env("COVID_PREFECT_TRIES", "1"), &["deploy"]);
    assert!(output.code == Some(4) && !output.stderr.contains("hush"), "{output}");
}

#[test]
fn deployed_triggered_by_prefect_s_own_program_on_a_schedule_and_cancelled() {
    let Some(server) = PrefectServer::find() else { return };
    let pool = PrefectServer::new_name("deployment");
    let sandbox = server.known_in(Sandbox::new(), &pool);
    let deployed = run(&sandbox, &["deploy", "--name", &pool]);
    assert!(deployed.success() && deployed.stdout.contains(&format!("+ deployment `predict/{pool}`")), "{deployed}");
    let again = run(&sandbox, &["deploy", "--name", &pool]);
    assert!(again.success() && again.stdout.starts_with("nothing to change\n"), "{again}");

    let worker = Worker::start(&sandbox, "one");
    let said = server.cli(&sandbox, &["deployment", "run", &format!("predict/{pool}"), "--watch"]);
    assert!(said.contains("finished successfully"), "{said}");
    let id = said.split("UUID: ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    let run_of = json!({ "flow_runs": { "id": { "any_": [id] } } });
    let texts = |found: Vec<Value>, field: &str| {
        let mut texts: Vec<String> = found.iter().map(|one| one[field].as_str().unwrap().to_owned()).collect();
        texts.sort();
        texts
    };
    let tasks = texts(server.filter("task_runs", &run_of), "name");
    assert_eq!(
        tasks,
        ["commit-0", "find-champion-0", "forecast-shard-0", "open-registry-0", "plan-0", "read-source-0"]
    );
    let logs = texts(server.filter("logs", &json!({ "logs": { "flow_run_id": { "any_": [id] } } })), "message");
    assert!(logs.iter().any(|line| line.contains("48 locations x 500 days up to 2021-06-04")), "{logs:?}");
    let artifacts = server.filter("artifacts", &run_of);
    assert_eq!(artifacts[0]["key"], "forecast-sample");
    assert!(artifacts[0]["data"].as_str().unwrap().contains("Covariantia"), "{artifacts:?}");

    let daily = ["deploy", "--name", &pool, "--cron", "* * * * *", "--timezone", "Europe/Berlin"];
    let scheduled = run(&sandbox, &daily);
    let change = format!("~ deployment `predict/{pool}`: schedules: [] -> ");
    assert!(scheduled.stdout.starts_with(&change), "{scheduled}");
    let of_schedule = json!({ "deployments": { "name": { "any_": [pool] } }, "sort": "EXPECTED_START_TIME_ASC" });
    let fired = wait_for(|| {
        let runs = server.filter("flow_runs", &of_schedule);
        runs.into_iter().find(|run| run["auto_scheduled"] == true && run["state_type"] == "COMPLETED")
    });
    assert!(fired.is_some(), "no run of the schedule completed");
    drop(worker);
}

#[test]
fn a_run_that_is_cancelled_at_the_server_commits_nothing() {
    let Some(server) = PrefectServer::find() else { return };
    let pool = PrefectServer::new_name("cancelled");
    let sandbox = server.known_in(Sandbox::new(), &pool);
    // Its first training takes seconds.
    let simulate = ["simulate", "--locations", "600", "--days", "300", "--out", "many"];
    let Some(eda) = Sandbox::beside(BIN, "eda") else { return };
    assert!(sandbox.run(&eda, &simulate).success());
    assert!(run(&sandbox, &["deploy", "--name", &pool, "--source", "many"]).success());
    let _worker = Worker::start(&sandbox, "one");
    let id = server.trigger(&format!("predict/{pool}"));
    let is_training = || {
        let tasks = server.filter("task_runs", &json!({ "flow_runs": { "id": { "any_": [id] } } }));
        tasks.iter().any(|task| task["task_key"] == "find-champion").then_some(())
    };
    wait_for(is_training).unwrap();
    // What Prefect's page and its program do.
    let cancelling = json!({ "state": { "type": "CANCELLING", "name": "Cancelling" } });
    server.post(&format!("/flow_runs/{id}/set_state"), &cancelling).unwrap();
    server.reaches(&id, "CANCELLED");
    assert!(!sandbox.files().iter().any(|file| file.contains("/predictions/")), "{:?}", sandbox.files());
}

/// Places of the big run, and the parts into which it is split.
const PLACES: usize = 20_000;
const SHARDS: usize = 12;

/// Three workers, each of which runs one flow run at a time. The one that has the parent is killed; one that has a part is
/// stopped, and goes on after somebody else has done its part; the server is away for twenty seconds.
#[test]
fn a_pool_whose_workers_and_server_fail_commits_what_one_machine_does() {
    let (Some(s3), Some(mlflow)) = (S3Server::find(), live_server("COVID_TEST_MLFLOW")) else { return };
    let folder = Sandbox::new();
    let Some(mut prefect) = OwnPrefect::start(&folder.path().join("prefect")) else { return };
    let store = s3.new_store();
    let dataset = PrefectServer::new_name("big");
    let sandbox = prefect.server.known_in(s3.known_in(Sandbox::new(), &s3.admin), "pool");
    let sandbox = sandbox.env("COVID_STORE", &store).env("MLFLOW_TRACKING_URI", &mlflow).env("COVID_DATASET", &dataset);
    let sandbox = sandbox.env("COVID_SOURCE", "big").env("COVID_PREDICTION_HORIZON", "28");
    let Some(()) = prepare(&sandbox) else { return };

    let alone = run(&sandbox, &["-q", "--store", "file:alone"]);
    assert!(alone.success(), "{alone}");
    assert!(run(&sandbox, &["export", "-q", "--data-only", "--store", "file:alone", "--out", "alone.csv"]).success());

    let deployed = run(&sandbox, &["deploy", "--shards", &SHARDS.to_string()]);
    assert!(deployed.success(), "{deployed}");
    let mut workers = ["one", "two", "three"].map(|name| Worker::start(&sandbox, name));
    let parent = prefect.server.trigger(&format!("predict/{dataset}"));

    let parts = |server: &PrefectServer| {
        let mut runs = server.filter("flow_runs", &json!({ "flows": { "name": { "any_": ["predict-shard"] } } }));
        runs.sort_by_key(|run| run["parameters"]["shard"].as_u64());
        runs
    };
    // A part that a worker other than the parent's is at work on, and stays at work on when it is stopped.
    let (stopped, part) = wait_for(|| {
        let of_parent = prefect.server.get(&format!("/flow_runs/{parent}"))?;
        let is_other = |worker: &Worker| !worker.has(&of_parent);
        let running = parts(&prefect.server).into_iter().find(|run| {
            run["state_type"] == "RUNNING" && workers.iter().any(|worker| is_other(worker) && worker.has(run))
        })?;
        let worker = workers.iter().position(|worker| worker.has(&running))?;
        let id = running["id"].as_str()?.to_owned();
        signal(&workers[worker].process, "STOP");
        let still = prefect.server.get(&format!("/flow_runs/{id}"))?;
        if still["state_type"] == "RUNNING" && workers[worker].has(&still) {
            return Some((worker, id));
        }
        signal(&workers[worker].process, "CONT");
        None
    })
    .expect("a part that runs");
    let of_parent = prefect.server.get(&format!("/flow_runs/{parent}")).unwrap();
    let killed = workers.iter().position(|worker| worker.has(&of_parent)).expect("the parent's worker");
    signal(&workers[killed].process, "KILL");
    workers[killed].process.wait().unwrap();
    let is_committed = || s3.objects(&store).keys().any(|key| key.contains("/predictions/commits/"));
    assert!(!is_committed(), "all this is in the middle of the run");
    prefect.stop();
    sleep(Duration::from_secs(20));
    prefect.resume();

    let server = &prefect.server;
    let taken = wait_for(|| {
        let run = server.get(&format!("/flow_runs/{part}"))?;
        (!workers[stopped].has(&run) && run["state_type"] == "COMPLETED").then_some(run)
    });
    assert!(taken.is_some(), "{:#}", server.get(&format!("/flow_runs/{part}")).unwrap());
    signal(&workers[stopped].process, "CONT");
    server.reaches(&parent, "COMPLETED");
    let all = wait_for(|| {
        let runs = parts(server);
        (runs.len() == SHARDS && runs.iter().all(|run| run["state_type"] == "COMPLETED")).then_some(runs)
    });
    assert!(all.is_some(), "{:#?}", parts(server));

    let runs = run(&sandbox, &["runs", "-q", "--format", "json"]);
    let runs: Vec<Value> = serde_json::from_str(&runs.stdout).unwrap();
    assert_eq!(runs.len(), 1, "one commit: {runs:?}");
    assert_eq!(runs[0]["rows"], PLACES * 2 * 28);
    let manifests = s3.objects(&store).into_iter().filter(|(key, _)| key.contains("/predictions/commits/"));
    let manifest: Value = serde_json::from_slice(&manifests.last().unwrap().1).unwrap();
    let named: Vec<u64> =
        manifest["parts"].as_array().unwrap().iter().filter_map(|part| part["shard"].as_u64()).collect();
    assert_eq!(named, (0..SHARDS as u64).collect::<Vec<_>>());
    assert!(run(&sandbox, &["export", "-q", "--data-only", "--out", "pool.csv"]).success());
    assert!(sandbox.read("pool.csv") == sandbox.read("alone.csv"), "the pool and one machine say the same");
    // Who is asked to stop ends in order.
    let begin = Instant::now();
    signal(&workers[stopped].process, "TERM");
    let ended = workers[stopped].process.wait().unwrap();
    assert!(ended.success(), "{ended} after {:?}", begin.elapsed());
}

/// Simulates the places, and trains a champion on a few of them; none where the other stages are not built.
fn prepare(sandbox: &Sandbox) -> Option<()> {
    let (eda, train) = (Sandbox::beside(BIN, "eda")?, Sandbox::beside(BIN, "exp-track-mod-reg")?);
    for (places, out) in [(PLACES, "big"), (50, "few")] {
        let args = ["simulate", "--locations", &places.to_string(), "--days", "150", "--out", out];
        let simulated = sandbox.run(&eda, &args);
        assert!(simulated.success(), "{simulated}");
    }
    let trained = sandbox.run(&train, &["-q", "--source", "few"]);
    assert!(trained.success(), "{trained}");
    Some(())
}
