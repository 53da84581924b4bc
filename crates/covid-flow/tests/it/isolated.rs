//! A worker's child processes: this test program, started again, and a stand-in for the server.

use std::{
    env,
    io::Write as _,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use covid_core::Fault;
use covid_flow::{
    CancellationToken, Context, Event, Flow, Flows, StateKind, TaskOptions, cancelled_by_signals,
    prefect::{Prefect, PrefectSettings, Proposal, Worker},
};
use serde_json::Value;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{Parameters, prefect_server::PrefectServer, recorder::Recorder, wall_clock};

/// What the child is told: the server, the worker that has claimed the flow run `a`, and what the flow does.
const URL: &str = "COVID_TEST_CHILD_URL";
const WORKER: &str = "COVID_TEST_CHILD_WORKER";
const DEED: &str = "COVID_TEST_CHILD_DEED";

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);

#[test]
#[ignore = "the other process of these tests"]
fn child() {
    let Ok(url) = env::var(URL) else { return };
    let [worker, deed] = [WORKER, DEED].map(|name| env::var(name).unwrap());
    let flow = Flow::new("work", "Works.", move |context, Parameters { .. }| act(context, deed.clone()));
    let flows = Flows::default().with(&flow).unwrap();
    let prefect = Prefect::new(url.parse().unwrap(), &quick()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let stop = cancelled_by_signals().unwrap();
    runtime.block_on(Worker::run_claimed(prefect, flows, wall_clock(), &worker, "a", stop)).unwrap();
}

async fn act(context: Context, deed: String) -> Result<(), Fault> {
    let work = || async {
        match deed.as_str() {
            "abort" => std::process::abort(),
            "exit" => std::process::exit(3),
            // With no safe point.
            "hang" => sleep(LIMIT * 2).await,
            "wait" => context.cancellation().cancelled().await,
            // Ends a while after it was asked to, and leaves a file.
            path if path.starts_with('/') => {
                context.cancellation().cancelled().await;
                sleep(Duration::from_millis(300)).await;
                std::fs::write(path, "complete").unwrap();
            }
            _ => sleep(Duration::from_millis(500)).await,
        }
        Ok::<_, Fault>(())
    };
    context.task("act", TaskOptions::default(), work).await?;
    context.go_on()?;
    Ok(())
}

fn quick() -> PrefectSettings {
    PrefectSettings {
        poll_seconds: 0.05,
        heartbeat_seconds: 1,
        orphan_seconds: 60.0,
        backoff_seconds: 0.001,
        ..PrefectSettings::default()
    }
}

/// The command of the child process for the worker of that name.
fn command(url: &str, deed: &str, worker: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "isolated::child", "--ignored"]).stdout(Stdio::null());
    command.env(URL, url).env(DEED, deed).env(WORKER, worker);
    command
}

/// A worker at work, whose one flow run does a deed in a process of its own.
struct Scene {
    server: PrefectServer,
    prefect: Prefect,
    recorder: Arc<Recorder>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Scene {
    async fn begin(deed: &'static str, settings: PrefectSettings) -> Self {
        let server = PrefectServer::start().await;
        let url = server.url.clone();
        Self::of(server, settings, move |_, worker| command(&url, deed, worker))
    }

    fn of(
        server: PrefectServer,
        settings: PrefectSettings,
        command: impl Fn(&str, &str) -> Command + Send + Sync + 'static,
    ) -> Self {
        server.put_run("a", "SCHEDULED");
        let flow = Flow::new("work", "Works.", async |_, Parameters { .. }| Ok(()));
        let flows = Flows::default().with(&flow).unwrap();
        let prefect = Prefect::new(server.url.parse().unwrap(), &settings).unwrap();
        let recorder = Arc::<Recorder>::default();
        let worker = Worker::new(prefect.clone(), flows, wall_clock(), "pool", "suite", 1).unwrap();
        let worker = worker.also_telling(recorder.clone()).isolated(command);
        let stop = CancellationToken::new();
        let token = stop.clone();
        let task = tokio::spawn(async move { worker.run(token).await.unwrap() });
        Self { server, prefect, recorder, stop, task }
    }

    async fn reaches(&self, state: &str) {
        reaches(&self.server, state).await;
    }

    /// What observers in the worker's process were told, once it has stopped.
    async fn stopped(self) -> (PrefectServer, Vec<StateKind>) {
        self.stop.cancel();
        timeout(LIMIT, self.task).await.unwrap().unwrap();
        let states = self.recorder.events().into_iter().filter_map(|event| match event {
            Event::FlowState { state, .. } => Some(state.kind),
            _ => None,
        });
        (self.server, states.collect())
    }
}

async fn reaches(server: &PrefectServer, state: &str) {
    let reached = async {
        while !server.states("a").iter().any(|name| name == state) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, reached).await.unwrap_or_else(|_| panic!("{:?}", server.states("a")));
}

/// The message of the first state of that type that was proposed.
fn message(server: &PrefectServer, kind: &str) -> Value {
    let calls = server.calls("/a/set_state");
    calls.into_iter().find(|call| call.body["state"]["type"] == kind).unwrap().body["state"]["message"].clone()
}

#[tokio::test]
async fn a_run_in_a_child_process_is_as_one_in_the_worker_s() {
    let scene = Scene::begin("rest", quick()).await;
    scene.reaches("Completed").await;
    let (server, told) = scene.stopped().await;
    assert_eq!(server.states("a")[..4], ["Scheduled", "Pending", "Running", "Completed"]);
    assert_eq!(told, [StateKind::Running, StateKind::Completed]);
    assert_eq!(server.calls("/task_runs/").len(), 1);
}

#[tokio::test]
async fn a_child_that_dies_is_a_crashed_run_and_the_worker_goes_on() {
    for (deed, expected) in
        [("abort", "its process was ended by SIGABRT"), ("exit", "its process ended with exit code 3, without a word")]
    {
        let scene = Scene::begin(deed, quick()).await;
        scene.reaches("Crashed").await;
        scene.server.put_run("b", "CANCELLED");
        let is_polled = async {
            while scene.server.calls("/b/set_state").is_empty() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LIMIT, is_polled).await.unwrap();
        let (server, told) = scene.stopped().await;
        assert_eq!(message(&server, "CRASHED"), expected);
        assert_eq!(told, [StateKind::Running, StateKind::Crashed]);
    }
}

#[tokio::test]
async fn a_child_that_cannot_be_started_is_a_crashed_run() {
    let scene = Scene::of(PrefectServer::start().await, quick(), |_, _| Command::new("/no/such/program"));
    scene.reaches("Crashed").await;
    let (server, _) = scene.stopped().await;
    let message = message(&server, "CRASHED");
    assert!(message.as_str().unwrap().starts_with("its process could not be started: "), "{message}");
}

#[tokio::test]
async fn a_run_that_is_cancelled_stops_in_its_process() {
    let scene = Scene::begin("wait", quick()).await;
    scene.reaches("Running").await;
    scene.prefect.set_flow_run_state("a", &Proposal::new(StateKind::Cancelling, ""), false).await.unwrap();
    scene.reaches("Cancelled").await;
    let (server, told) = scene.stopped().await;
    assert_eq!(message(&server, "CANCELLED"), "the flow run was cancelled");
    assert_eq!(told, [StateKind::Running, StateKind::Cancelled]);
}

#[tokio::test]
async fn a_worker_lets_its_children_end_and_then_hands_their_runs_to_others() {
    for (deed, drain_seconds, end) in [("rest", 20.0, StateKind::Completed), ("wait", 0.2, StateKind::Scheduled)] {
        let scene = Scene::begin(deed, PrefectSettings { drain_seconds, ..quick() }).await;
        scene.reaches("Running").await;
        let (server, _) = scene.stopped().await;
        assert_eq!(server.states("a").last().map(String::as_str), Some(end.name()));
    }
}

#[tokio::test]
async fn a_child_whose_run_is_another_worker_s_is_killed() {
    let scene = Scene::begin("hang", quick()).await;
    scene.reaches("Running").await;
    scene.server.give_to("a", "thief");
    // It would take longer than the test may.
    let (server, told) = scene.stopped().await;
    assert_eq!(server.states("a"), ["Scheduled", "Pending", "Running"]);
    assert_eq!(told, [StateKind::Running, StateKind::Cancelled]);
}

#[tokio::test]
async fn a_child_whose_run_a_person_deletes_ends_at_its_safe_point() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work");
    let (server, deed) = (PrefectServer::start().await, path.to_str().unwrap().to_owned());
    let url = server.url.clone();
    let scene = Scene::of(server, quick(), move |_, worker| command(&url, &deed, worker));
    scene.reaches("Running").await;
    scene.server.delete_run("a");
    let told = scene.stopped().await.1;
    assert_eq!(told, [StateKind::Running, StateKind::Cancelled]);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "complete");
}

/// A child whose worker the test itself plays.
struct Ward {
    server: PrefectServer,
    child: Child,
}

impl Ward {
    async fn begin(deed: &str) -> Self {
        let ward = Self::start(deed, "PENDING", "me").await;
        reaches(&ward.server, "Running").await;
        ward
    }

    /// With a run in that state, of that worker; the child's is `me`.
    async fn start(deed: &str, state: &str, worker: &str) -> Self {
        let server = PrefectServer::start().await;
        server.put_run("a", state);
        server.give_to("a", worker);
        let child = command(&server.url, deed, "me").stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        Self { server, child }
    }

    async fn exit_code(&mut self) -> Option<i32> {
        let ended = async {
            loop {
                match self.child.try_wait().unwrap() {
                    Some(status) => return status.code(),
                    None => sleep(Duration::from_millis(10)).await,
                }
            }
        };
        timeout(LIMIT, ended).await.unwrap()
    }
}

impl Drop for Ward {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_child_ends_at_once_when_its_worker_is_gone() {
    let mut ward = Ward::begin("hang").await;
    drop(ward.child.stdin.take());
    assert_eq!(ward.exit_code().await, Some(1));
    assert_eq!(ward.server.states("a"), ["Pending", "Running"], "it tells nothing: others will find the run");
}

#[tokio::test]
async fn a_child_looks_by_itself_where_its_worker_stands_still() {
    let mut ward = Ward::begin("wait").await;
    ward.server.give_to("a", "thief");
    assert_eq!(ward.exit_code().await, Some(0));
    assert_eq!(ward.server.states("a"), ["Pending", "Running"]);

    let mut ward = Ward::begin("wait").await;
    let prefect = Prefect::new(ward.server.url.parse().unwrap(), &quick()).unwrap();
    prefect.set_flow_run_state("a", &Proposal::new(StateKind::Cancelling, ""), false).await.unwrap();
    assert_eq!(ward.exit_code().await, Some(0));
    assert_eq!(ward.server.states("a").last().unwrap(), "Cancelled");
}

#[tokio::test]
async fn a_child_that_is_asked_to_stop_stops_and_being_asked_twice_is_no_haste() {
    let mut ward = Ward::begin("rest").await;
    let stdin = ward.child.stdin.as_mut().unwrap();
    stdin.write_all(b"\n").unwrap();
    stdin.write_all(b"\n").unwrap();
    assert_eq!(ward.exit_code().await, Some(0));
    assert_eq!(ward.server.states("a"), ["Pending", "Running", "Cancelling", "Cancelled"]);
    let ended = ward.server.calls("/set_state").into_iter().any(|call| call.body["state"]["type"] == "COMPLETED");
    assert!(ended, "the task that was begun ran to its end");
}

#[tokio::test]
async fn a_child_leaves_a_run_alone_that_its_worker_has_not_claimed() {
    for (state, worker) in [("PENDING", "thief"), ("RUNNING", "me"), ("COMPLETED", "me")] {
        let mut ward = Ward::start("rest", state, worker).await;
        assert_eq!(ward.exit_code().await, Some(0));
        assert_eq!(ward.server.calls("/set_state").len(), 0, "{state}, {worker}");
    }
}
