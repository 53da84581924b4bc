//! `worker --isolated` at a real Prefect server: the real program, and child processes of it.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use covid_flow::{
    StateKind,
    prefect::{Prefect, PrefectSettings, Proposal, RemoteFlowRun, StateType},
};
use covid_http::{Call, Client, HttpSettings, HttpUrl};
use covid_testing::{Sandbox, live_server};
use serde_json::{Map, Value, json};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{Instant, sleep},
};

use crate::run;

/// One test at a time: Prefect with SQLite is slow for many.
static TURN: Mutex<()> = Mutex::const_new(());

/// Longer than Prefect needs to find that a worker is OFFLINE, and than a training takes.
const LIMIT: Duration = Duration::from_secs(180);

/// A pool and a deployment of names that are new at the server.
struct Scene {
    sandbox: Sandbox,
    url: HttpUrl,
    prefect: Prefect,
    pool: String,
    deployment: String,
    _turn: MutexGuard<'static, ()>,
}

impl Scene {
    async fn find() -> Option<Self> {
        let url = live_server("COVID_TEST_PREFECT")?;
        let turn = TURN.lock().await;
        let sandbox = Sandbox::new()
            .env("PREFECT_API_URL", &url)
            .env("COVID_PREFECT_POLL_SECONDS", "0.3")
            .env("COVID_PREFECT_HEARTBEAT_SECONDS", "2")
            .env("COVID_PREFECT_ORPHAN_SECONDS", "2")
            .env("COVID_PREFECT_DRAIN_SECONDS", "120")
            // Prefect goes by the time of the day.
            .env("COVID_NOW", "");
        let pool = sandbox.path().file_name().unwrap().to_string_lossy().replace('.', "");
        let deployed = run(&sandbox, &["deploy", "--pool", &pool, "--name", &pool, "--format", "json", "-q"]);
        assert!(deployed.success(), "{deployed}");
        let deployed: Value = serde_json::from_str(&deployed.stdout).unwrap();
        let deployment = deployed[0]["id"].as_str().unwrap().to_owned();
        let url: HttpUrl = url.parse().unwrap();
        let prefect = Prefect::new(url.clone(), &PrefectSettings::default()).unwrap();
        Some(Self { sandbox, url, prefect, pool, deployment, _turn: turn })
    }

    /// A flow run that is to begin at once.
    async fn trigger(&self) -> RemoteFlowRun {
        self.prefect.create_flow_run(&self.deployment, &Map::new()).await.unwrap()
    }

    /// A worker whose log is in the sandbox. The common flags stand on both sides of its name, and the children must have them.
    fn worker(&self, name: &str) -> Running {
        let log = File::create(self.sandbox.path().join(name)).unwrap();
        let args = ["--dataset", "mine", "worker", "--isolated", "--pool", &self.pool, "--name", name];
        let args = [&args[..], &["--listen", "127.0.0.1:0", "--as-of", "2021-06-01", "-v"]].concat();
        let mut command = self.sandbox.command(env!("CARGO_BIN_EXE_deployment"), &args);
        // As a shell starts it.
        command.process_group(0);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Running { child }
    }

    /// The flow run, once it is in a state of that type.
    async fn reaches(&self, run: &RemoteFlowRun, kind: StateType) -> RemoteFlowRun {
        let end = Instant::now() + LIMIT;
        loop {
            let now = self.prefect.flow_run(&run.id).await.unwrap();
            if now.state_type() == Some(kind) {
                return now;
            }
            assert!(Instant::now() < end, "{:?}\n{}", self.states(run).await, self.logs());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The names of the states that a flow run had.
    async fn states(&self, run: &RemoteFlowRun) -> Vec<String> {
        self.prefect.flow_run_states(&run.id).await.unwrap().into_iter().map(|state| state.name).collect()
    }

    async fn post(&self, path: &str, document: &Value) -> Value {
        let call = Call::post(self.url.join(path)).json(document);
        let body = Client::new(HttpSettings::default()).unwrap().call(&call).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    fn logs(&self) -> String {
        ["one", "two"].map(|name| fs::read_to_string(self.sandbox.path().join(name)).unwrap_or_default()).concat()
    }

    /// The process of a flow run, as a worker logged it.
    fn process(&self, run: &RemoteFlowRun) -> String {
        let (log, before) = (self.logs(), format!("the flow run `{}` has the process ", run.name));
        let after = log.split_once(&before).unwrap_or_else(|| panic!("{log}")).1;
        after.split_whitespace().next().unwrap().to_owned()
    }
}

/// A worker at work.
struct Running {
    child: Child,
}

impl Running {
    fn id(&self) -> String {
        self.child.id().to_string()
    }

    async fn ends_well(&mut self) {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            assert!(Instant::now() < end);
            sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args(["-s", name, "--", process]).status().unwrap().success());
}

fn lives(process: &str) -> bool {
    Command::new("kill").args(["-s", "0", process]).stderr(Stdio::null()).status().unwrap().success()
}

async fn is_gone(process: &str) {
    let end = Instant::now() + Duration::from_secs(10);
    while lives(process) {
        assert!(Instant::now() < end, "{process} lives");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_flow_run_has_a_process_of_its_own_and_all_of_it_is_at_prefect() {
    let Some(scene) = Scene::find().await else { return };
    let mut worker = scene.worker("one");
    let run = scene.trigger().await;
    scene.reaches(&run, StateType::Running).await;
    let process = scene.process(&run);
    assert!(process != worker.id() && lives(&process));
    scene.reaches(&run, StateType::Completed).await;
    assert_eq!(scene.states(&run).await, ["Scheduled", "Pending", "Running", "Completed"]);

    let of_run = json!({ "flow_runs": { "id": { "any_": [run.id] } } });
    let tasks = scene.post("task_runs/filter", &of_run).await;
    let names: Vec<_> = tasks.as_array().unwrap().iter().map(|task| task["task_key"].as_str().unwrap()).collect();
    assert!(["read-source", "open-registry"].iter().all(|name| names.contains(name)), "{names:?}");
    assert!(tasks.as_array().unwrap().iter().all(|task| task["state_type"] == "COMPLETED"), "{tasks}");
    let logs = scene.post("logs/filter", &json!({ "logs": { "flow_run_id": { "any_": [run.id] } } })).await;
    let is_there =
        |text: &str| logs.as_array().unwrap().iter().any(|line| line["message"].as_str().unwrap().contains(text));
    assert!(is_there("no champion of covid-predictor-mine yet"), "{logs}");
    let artifacts =
        scene.post("artifacts/filter", &json!({ "artifacts": { "flow_run_id": { "any_": [run.id] } } })).await;
    assert_eq!(artifacts.as_array().unwrap().len(), 1, "{artifacts}");
    let files = scene.sandbox.files();
    assert!(files.iter().any(|file| file.starts_with("store/mine/predictions/commits/as_of=2021-06-01/")), "{files:?}");

    is_gone(&process).await;
    signal("TERM", &worker.id());
    worker.ends_well().await;
}

#[tokio::test]
async fn a_process_that_is_killed_is_a_crashed_run_and_the_next_one_is_run() {
    let Some(scene) = Scene::find().await else { return };
    let _worker = scene.worker("one");
    let run = scene.trigger().await;
    scene.reaches(&run, StateType::Running).await;
    signal("KILL", &scene.process(&run));
    let crashed = scene.reaches(&run, StateType::Crashed).await;
    assert_eq!(crashed.state.unwrap().message.as_deref(), Some("its process was ended by SIGKILL"));
    let next = scene.trigger().await;
    scene.reaches(&next, StateType::Completed).await;
    assert_eq!(scene.states(&run).await, ["Scheduled", "Pending", "Running", "Crashed"]);
}

#[tokio::test]
async fn a_run_that_is_cancelled_at_the_server_stops_or_is_cancelled_all_the_same_if_it_cannot() {
    let Some(scene) = Scene::find().await else { return };
    let _worker = scene.worker("one");
    let cancelling = Proposal::new(StateKind::Cancelling, "");
    let run = scene.trigger().await;
    scene.reaches(&run, StateType::Running).await;
    assert!(scene.prefect.set_flow_run_state(&run.id, &cancelling, false).await.unwrap().is_accepted());
    let ended = scene.reaches(&run, StateType::Cancelled).await;
    assert_eq!(ended.state.unwrap().message.as_deref(), Some("the flow run was cancelled"));

    let run = scene.trigger().await;
    scene.reaches(&run, StateType::Running).await;
    signal("STOP", &scene.process(&run));
    let cancelling = Proposal::new(StateKind::Cancelling, "");
    assert!(scene.prefect.set_flow_run_state(&run.id, &cancelling, false).await.unwrap().is_accepted());
    signal("KILL", &scene.process(&run));
    let ended = scene.reaches(&run, StateType::Cancelled).await;
    assert_eq!(ended.state.unwrap().message.as_deref(), Some("its process was ended by SIGKILL"));
}

#[tokio::test]
async fn ctrl_c_lets_the_child_end_and_its_worker_waits_for_it() {
    let Some(scene) = Scene::find().await else { return };
    let mut worker = scene.worker("one");
    let runs = [scene.trigger().await, scene.trigger().await];
    let now = async |run: &RemoteFlowRun| scene.prefect.flow_run(&run.id).await.unwrap().state_type();
    let end = Instant::now() + LIMIT;
    let first = loop {
        assert!(Instant::now() < end, "{}", scene.logs());
        if now(&runs[0]).await == Some(StateType::Running) {
            break 0;
        }
        if now(&runs[1]).await == Some(StateType::Running) {
            break 1;
        }
    };
    // As a terminal does it: the whole group of the worker.
    signal("INT", &format!("-{}", worker.id()));
    worker.ends_well().await;
    assert_eq!(now(&runs[first]).await, Some(StateType::Completed));
    assert_eq!(now(&runs[1 - first]).await, Some(StateType::Scheduled));
}

#[tokio::test]
async fn a_worker_s_death_is_its_child_s_and_another_worker_takes_the_run() {
    let Some(scene) = Scene::find().await else { return };
    let worker = scene.worker("one");
    let run = scene.trigger().await;
    scene.reaches(&run, StateType::Running).await;
    let process = scene.process(&run);
    signal("KILL", &worker.id());
    is_gone(&process).await;
    let _heir = scene.worker("two");
    scene.reaches(&run, StateType::Completed).await;
    let once = ["Scheduled", "Pending", "Running"];
    assert_eq!(scene.states(&run).await, [&once[..], &["Crashed"], &once[..], &["Completed"]].concat());
}
