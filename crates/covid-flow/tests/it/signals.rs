//! Signals and sudden death, with a process of their own: this test program, started again.

use std::{
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use covid_core::{Fault, Timestamp};
use covid_flow::{Context, Filter, Flow, FlowRunDetails, FlowRuns, StateKind, TaskOptions, cancelled_by_signals};

use crate::{Parameters, runner};

/// Where the child works, and how long its first task takes, in milliseconds.
const FOLDER: &str = "COVID_TEST_FLOW_FOLDER";
const NUMBER: &str = "COVID_TEST_FLOW_MILLISECONDS";

#[test]
#[ignore = "the other process of these tests"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let number = std::env::var(NUMBER).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(work(Path::new(&folder), number));
}

async fn work(folder: &Path, number: u32) {
    let folder = folder.to_owned();
    let runner = runner(&folder).await;
    let cancel = cancelled_by_signals().unwrap();
    let flow = Flow::new("write", "", move |context: Context, Parameters { number }| {
        let folder = folder.clone();
        async move {
            let write = async || {
                std::fs::write(folder.join("begun"), "").unwrap();
                // Without an await, as a computation would.
                thread::sleep(Duration::from_millis(number.into()));
                std::fs::write(folder.join("done"), "").unwrap();
                Ok::<_, Fault>(())
            };
            context.task("write", TaskOptions::default(), write).await?;
            tokio::task::yield_now().await;
            context.task("rest", TaskOptions::default().droppable(), std::future::pending::<Result<(), Fault>>).await
        }
    });
    runner.run(&flow, Parameters { number }, cancel).await.unwrap();
}

struct Scene {
    folder: tempfile::TempDir,
    child: Child,
}

impl Scene {
    /// Starts the child and waits until its task has begun.
    fn begin(milliseconds: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "signals::child", "--ignored"])
            .env(FOLDER, folder.path())
            .env(NUMBER, milliseconds.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let scene = Self { folder, child };
        wait_for(|| scene.has("begun"));
        scene
    }

    fn has(&self, file: &str) -> bool {
        self.folder.path().join(file).exists()
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap().success());
    }

    fn exit(&mut self) -> ExitStatus {
        let mut status = None;
        wait_for(|| {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    async fn found(&self) -> FlowRunDetails {
        let kept = FlowRuns::open(self.folder.path().join("flow.db")).await.unwrap();
        let run = kept.list(Filter::default(), Timestamp::now()).await.unwrap().remove(0);
        kept.details(&run.run.id, Timestamp::now()).await.unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for(mut come: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !come() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it did not come");
        thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn a_signal_cancels_after_the_task_that_was_begun() {
    for signal in ["TERM", "INT"] {
        let mut scene = Scene::begin(300);
        scene.signal(signal);
        assert!(scene.exit().success());
        assert!(scene.has("done"), "what was begun is complete");
        let found = scene.found().await;
        assert_eq!(found.run.state.kind, StateKind::Cancelled);
        let tasks: Vec<_> = found.tasks.iter().map(|task| (task.task.task.as_str(), task.state.kind)).collect();
        assert_eq!(tasks, [("write", StateKind::Completed)]);
    }
}

#[tokio::test]
async fn a_second_signal_ends_the_process_and_the_run_is_crashed() {
    let mut scene = Scene::begin(600_000);
    scene.signal("TERM");
    // Of two signals that are pending at once the system makes one.
    thread::sleep(Duration::from_millis(100));
    scene.signal("TERM");
    assert_eq!(scene.exit().code(), Some(143));
    assert!(!scene.has("done"));
    assert_eq!(scene.found().await.run.state.kind, StateKind::Crashed);
}

#[tokio::test]
async fn a_killed_process_s_run_is_crashed_once_it_is_dead() {
    let mut scene = Scene::begin(600_000);
    assert_eq!(scene.found().await.run.state.kind, StateKind::Running);
    scene.signal("KILL");
    assert_eq!(scene.exit().code(), None);
    let found = scene.found().await;
    assert_eq!(found.run.state.kind, StateKind::Crashed);
    assert_eq!(found.tasks[0].state.kind, StateKind::Crashed);
}
