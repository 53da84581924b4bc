//! Parts of a flow run's work, offered to a work pool: child flow runs at a stand-in for the server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use covid_core::Fault;
use covid_flow::{
    CancellationToken, Context, Engine, Event, Flow, FlowRun, Flows, Observer,
    prefect::{Prefect, PrefectSettings, Worker},
};
use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use crate::{Parameters, prefect_server::PrefectServer, wall_clock};

const LIMIT: Duration = Duration::from_secs(20);

/// What a parent does after its offer of three parts.
#[derive(Clone, Copy)]
enum Then {
    End,
    Fail,
    WaitToBeCancelled,
}

/// A server with the flow run `a`, which offers three parts in a worker.
struct Scene {
    server: PrefectServer,
    /// How many parts were offered in all.
    offered: Arc<AtomicUsize>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Scene {
    async fn begin(deployed: &str, then: Then) -> Self {
        let server = PrefectServer::start().await;
        server.be_prompt();
        server.deploy(deployed);
        server.put_run("a", "SCHEDULED");
        let offered = Arc::<AtomicUsize>::default();
        let counted = offered.clone();
        let flow = Flow::new("work", "Works.", move |context: Context, Parameters { .. }| {
            let counted = counted.clone();
            async move {
                let parts = (0..3).map(|number| json!({ "number": number })).collect();
                counted.fetch_add(context.offer("offer", "part", parts).await?, Ordering::Relaxed);
                match then {
                    Then::End => Ok(()),
                    Then::Fail => Err(Fault::from(crate::PASSING)),
                    Then::WaitToBeCancelled => {
                        context.cancellation().cancelled().await;
                        Ok(context.go_on()?)
                    }
                }
            }
        });
        let settings = PrefectSettings { poll_seconds: 0.05, ..PrefectSettings::default() };
        let prefect = Prefect::new(server.url.parse().unwrap(), &settings).unwrap();
        let flows = Flows::default().with(&flow).unwrap();
        let worker = Worker::new(prefect, flows, wall_clock(), "pool", "suite", 1).unwrap();
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let task = tokio::spawn(async move { worker.run(stopping).await.unwrap() });
        Self { server, offered, stop, task }
    }

    /// Waits until the parent was in that state so often.
    async fn reaches(&self, state: &str, times: usize) {
        let reached = async {
            while self.server.states("a").iter().filter(|name| *name == state).count() < times {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LIMIT, reached).await.unwrap_or_else(|_| panic!("{:?}", self.server.states("a")));
    }

    async fn has_children(&self, count: usize) {
        let are_there = async {
            while self.server.children().len() < count {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LIMIT, are_there).await.unwrap();
    }

    /// The last states of the children, in their order by name, once the worker has stopped.
    async fn stopped(self) -> (PrefectServer, Vec<String>) {
        self.stop.cancel();
        timeout(LIMIT, self.task).await.unwrap().unwrap();
        let last = |id: &String| self.server.states(id).last().unwrap().clone();
        let states = self.server.children().iter().map(last).collect();
        (self.server, states)
    }
}

#[tokio::test]
async fn a_parent_that_begins_anew_makes_no_part_twice() {
    let scene = Scene::begin("part", Then::End).await;
    scene.reaches("Completed", 1).await;
    scene.server.set("a", "SCHEDULED");
    scene.reaches("Completed", 2).await;
    assert_eq!(scene.offered.load(Ordering::Relaxed), 6);
    let (server, children) = scene.stopped().await;
    assert_eq!(children, ["Scheduled"; 3], "a parent that is Completed leaves them to who takes them");
    let calls = server.calls("/create_flow_run");
    let names: Vec<_> = calls.iter().map(|call| call.body["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["run-a-0", "run-a-1", "run-a-2", "run-a-0", "run-a-1", "run-a-2"]);
    assert!(
        calls.iter().all(|call| call.body["parent_task_run_id"].is_string() && call.body["tags"] == json!(["work"]))
    );
    assert_eq!(calls[1].body["parameters"], json!({ "number": 1 }));
}

#[tokio::test]
async fn where_the_flow_has_no_deployment_nothing_is_offered() {
    let scene = Scene::begin("another", Then::End).await;
    scene.reaches("Completed", 1).await;
    assert_eq!(scene.offered.load(Ordering::Relaxed), 0);
    assert_eq!(scene.stopped().await.0.calls("/create_flow_run").len(), 0);
}

#[tokio::test]
async fn a_parent_that_is_cancelled_takes_back_what_nobody_has_begun() {
    let scene = Scene::begin("part", Then::WaitToBeCancelled).await;
    scene.has_children(3).await;
    let taken = scene.server.children()[1].clone();
    scene.server.set(&taken, "RUNNING");
    scene.server.set("a", "CANCELLING");
    scene.reaches("Cancelled", 1).await;
    assert_eq!(scene.stopped().await.1, ["Cancelled", "Running", "Cancelled"]);
}

#[tokio::test]
async fn so_does_a_parent_that_fails_and_none_whose_run_is_another_s() {
    let scene = Scene::begin("part", Then::Fail).await;
    scene.reaches("Failed", 1).await;
    assert_eq!(scene.stopped().await.1, ["Cancelled"; 3]);

    let scene = Scene::begin("part", Then::WaitToBeCancelled).await;
    scene.has_children(3).await;
    scene.server.give_to("a", "thief");
    assert_eq!(scene.stopped().await.1, ["Scheduled"; 3], "they are the thief's, too");
}

/// Cannot tell what it was told.
struct Stuck;

#[async_trait]
impl Observer for Stuck {
    fn observe(&self, _: Event) {}

    async fn flush(&self) {
        std::future::pending::<()>().await;
    }
}

#[tokio::test]
async fn an_offer_does_not_wait_for_a_server_that_is_away() {
    let (sender, mut offered) = mpsc::unbounded_channel();
    let flow = Flow::new("work", "Works.", move |context: Context, Parameters { .. }| {
        let sender = sender.clone();
        async move {
            sender.send(context.offer("offer", "part", vec![json!({})]).await?).unwrap();
            Ok(())
        }
    });
    let begun = Instant::now();
    let engine = Engine::new(Arc::new(Stuck), wall_clock());
    let run = FlowRun::new("work", json!({}));
    let running = tokio::spawn(async move { engine.run(&flow.erased(), run, CancellationToken::new()).await });
    assert_eq!(offered.recv().await, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(11));
    running.abort();
}
