//! Deployments and workers at a real Prefect server.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use covid_core::Fault;
use covid_flow::{
    Artifact, CancellationToken, Content, Context, CronSchedule, Flow, FlowLogs, Flows, StateKind, TaskOptions,
    prefect::{
        Deployed, Deployment, Prefect, PrefectError, PrefectSettings, Proposal, RemoteFlowRun, StateType, Worker,
        deploy,
    },
};
use covid_http::{Call, Client, HttpUrl};
use covid_testing::live_server;
use serde_json::{Map, Value, json};
use tokio::{
    sync::{Mutex, MutexGuard},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{PASSING, Parameters, proxy::Proxy, wall_clock};

const POLL: Duration = Duration::from_millis(100);

/// One test at a time: Prefect with SQLite is slow for many, and says that its database is locked.
static TURN: Mutex<()> = Mutex::const_new(());

/// Longer than Prefect needs to find that a worker is OFFLINE.
const LIMIT: Duration = Duration::from_secs(90);

pub(crate) fn quick() -> PrefectSettings {
    PrefectSettings {
        poll_seconds: 0.5,
        heartbeat_seconds: 2,
        orphan_seconds: 2.0,
        backoff_seconds: 0.05,
        drain_seconds: 20.0,
        ..PrefectSettings::default()
    }
}

/// A flow, a pool and a deployment of names that are new at the server.
struct Scene {
    url: String,
    name: String,
    prefect: Prefect,
    _turn: MutexGuard<'static, ()>,
}

impl Scene {
    async fn find() -> Option<Self> {
        let url = live_server("COVID_TEST_PREFECT")?;
        let turn = TURN.lock().await;
        let prefect = Prefect::new(url.parse().unwrap(), &quick()).unwrap();
        Some(Self { url, name: format!("suite-{:016x}", rand::random::<u64>()), prefect, _turn: turn })
    }

    fn flow<F>(&self, body: impl Fn(Context, Parameters) -> F + Send + Sync + 'static) -> Flow<Parameters>
    where
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        Flow::new(&self.name, "Works.", body)
    }

    fn deployment(&self) -> Deployment {
        Deployment {
            name: "daily".into(),
            pool: self.name.clone(),
            parameters: json!({ "number": 1 }),
            schedule: None,
            tags: vec!["covid".into()],
            version: "1.0.0".into(),
        }
    }

    async fn deploy(&self, flow: &Flow<Parameters>) -> Deployed {
        deploy(&self.prefect, &flow.erased(), &self.deployment()).await.unwrap()
    }

    /// A flow run that is to begin at once.
    async fn trigger(&self, deployed: &Deployed, parameters: &Value) -> RemoteFlowRun {
        let parameters = parameters.as_object().unwrap();
        self.prefect.create_flow_run(&deployed.id, parameters).await.unwrap()
    }

    fn worker(&self, prefect: &Prefect, flow: &Flow<Parameters>, limit: usize) -> Running {
        let flows = Flows::default().with(flow).unwrap();
        let worker = Worker::new(prefect.clone(), flows, wall_clock(), &self.name, "suite", limit).unwrap();
        let stop = CancellationToken::new();
        let (name, token) = (worker.name().to_owned(), stop.clone());
        Running { name, stop, task: tokio::spawn(async move { worker.run(token).await }) }
    }

    /// The flow run, once it is in a state of that type.
    async fn reaches(&self, run: &RemoteFlowRun, kind: StateType) -> RemoteFlowRun {
        let end = Instant::now() + LIMIT;
        loop {
            let now = self.prefect.flow_run(&run.id).await.unwrap();
            if now.state_type() == Some(kind) {
                return now;
            }
            let states = || self.prefect.flow_run_states(&run.id);
            assert!(Instant::now() < end, "{:#?}", states().await.unwrap());
            sleep(POLL).await;
        }
    }

    /// The names of the states that a flow run had.
    async fn states(&self, run: &RemoteFlowRun) -> Vec<String> {
        self.prefect.flow_run_states(&run.id).await.unwrap().into_iter().map(|state| state.name).collect()
    }

    /// What a call without the crate's own client brings.
    async fn post(&self, path: &str, document: &Value) -> Value {
        let url: HttpUrl = self.url.parse().unwrap();
        let call = Call::post(url.join(path)).json(document);
        let body = client().call(&call).await.unwrap();
        if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() }
    }

    async fn get(&self, path: &str) -> Value {
        let url: HttpUrl = self.url.parse().unwrap();
        serde_json::from_slice(&client().call(&Call::get(url.join(path))).await.unwrap()).unwrap()
    }

    async fn patch(&self, path: &str, document: &Value) {
        let url: HttpUrl = self.url.parse().unwrap();
        client().call(&Call::patch(url.join(path)).json(document)).await.unwrap();
    }
}

fn client() -> Client {
    Client::new(covid_http::HttpSettings::default()).unwrap()
}

/// A worker at work.
struct Running {
    name: String,
    stop: CancellationToken,
    task: JoinHandle<Result<(), PrefectError>>,
}

impl Running {
    async fn stopped(self) {
        self.stop.cancel();
        timeout(LIMIT, self.task).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn deploying_twice_changes_nothing_and_a_difference_is_told() {
    let Some(scene) = Scene::find().await else { return };
    let flow = scene.flow(async |_, _| Ok(())).erased();
    let mut deployment = scene.deployment();
    deployment.schedule = Some(CronSchedule::new("20 12 * * *", "Europe/Berlin").unwrap());
    let first = deploy(&scene.prefect, &flow, &deployment).await.unwrap();
    let (name, path) = (&scene.name, format!("deployments/{}", first.id));
    let told: Vec<_> = first.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [format!("+ flow `{name}`"), format!("+ work pool `{name}`"), format!("+ deployment `{name}/daily`"),]
    );
    // What people set there stays.
    let schedule = |found: &Value| found["schedules"][0].clone();
    let made = scene.get(&path).await;
    let schedule_path = format!("{path}/schedules/{}", schedule(&made)["id"].as_str().unwrap());
    scene.patch(&schedule_path, &json!({ "active": false })).await;
    let second = deploy(&scene.prefect, &flow, &deployment).await.unwrap();
    assert_eq!(second, Deployed { id: first.id, changes: Vec::new() });

    (deployment.version, deployment.tags) = ("1.1.0".into(), vec!["b".into(), "a".into()]);
    let third = deploy(&scene.prefect, &flow, &deployment).await.unwrap();
    let told: Vec<_> = third.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            format!(r#"~ deployment `{name}/daily`: tags: ["covid"] -> ["a","b"]"#),
            format!(r#"~ deployment `{name}/daily`: version: "1.0.0" -> "1.1.0""#),
        ]
    );
    let found = scene.get(&path).await;
    assert_eq!(found["parameters"], json!({ "number": 1 }));
    assert_eq!(&found["parameter_openapi_schema"], flow.schema());
    assert_eq!((&found["version"], &found["tags"]), (&json!("1.1.0"), &json!(["a", "b"])));
    assert_eq!(
        schedule(&found)["schedule"],
        json!({ "cron": "20 12 * * *", "timezone": "Europe/Berlin", "day_or": true })
    );
    assert_eq!(schedule(&found)["active"], false);
    deployment.schedule = None;
    assert_eq!(deploy(&scene.prefect, &flow, &deployment).await.unwrap().changes.len(), 1);
    assert_eq!(scene.get(&path).await["schedules"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_deployed_is_refused() {
    let Some(scene) = Scene::find().await else { return };
    let flow = scene.flow(async |_, _| Ok(())).erased();
    let refused = async |change: fn(&mut Deployment)| {
        let mut deployment = scene.deployment();
        change(&mut deployment);
        deploy(&scene.prefect, &flow, &deployment).await.unwrap_err().to_string()
    };
    let error = refused(|deployment| deployment.parameters = json!({ "nummer": 1 })).await;
    assert!(error.contains("cannot take these parameters: unknown field `nummer`"), "{error}");
    let error = refused(|deployment| deployment.pool = "a/b".into()).await;
    assert!(error.starts_with("`a/b` cannot be the name of a work pool"), "{error}");
    scene.post("work_pools/", &json!({ "name": scene.name, "type": "process" })).await;
    let error = refused(|_| {}).await;
    assert!(error.ends_with("is of the type `process`, not `covid-forecast`"), "{error}");

    let flows = || Flows::default();
    let worker = |pool: &str| Worker::new(scene.prefect.clone(), flows(), wall_clock(), pool, "suite", 1).unwrap();
    let error = worker("no-such-pool").run(CancellationToken::new()).await.unwrap_err().to_string();
    assert!(error.starts_with("there is no work pool `no-such-pool` at `http://"), "{error}");
    assert!(matches!(worker(&scene.name).run(CancellationToken::new()).await, Err(PrefectError::ForeignPool { .. })));
    let nowhere = Prefect::new(format!("{}/v7", scene.url).parse().unwrap(), &quick()).unwrap();
    let error = deploy(&nowhere, &flow, &scene.deployment()).await.unwrap_err();
    assert!(matches!(error, PrefectError::NotPrefect { .. }), "{error}");
}

#[tokio::test]
async fn a_worker_runs_what_is_triggered() {
    let Some(scene) = Scene::find().await else { return };
    let _logs = tracing_subscriber::registry().with(FlowLogs::new()).set_default();
    let tries = Arc::new(AtomicU32::new(0));
    let flow = scene.flow(move |context: Context, Parameters { number }| {
        let tries = tries.clone();
        async move {
            tracing::info!(number, "it begins");
            let patient = TaskOptions::default().retries(1).backoff(POLL, POLL);
            let work = || async {
                tracing::warn!("at work");
                if tries.fetch_add(1, Ordering::Relaxed) == 0 { Err(PASSING) } else { Ok(number + 1) }
            };
            let sum = context.task("add", patient, work).await?;
            let row = json!({ "place": "A", "sum": sum });
            let rows = vec![row.as_object().unwrap().clone()];
            context.artifact(Artifact::new("sums", "The sums.", Content::Table(rows))?);
            context.artifact(Artifact::new("verdict", "The verdict.", Content::Markdown(format!("**{sum}**")))?);
            Ok(())
        }
    });
    let deployed = scene.deploy(&flow).await;
    let worker = scene.worker(&scene.prefect, &flow, 2);
    let run = scene.trigger(&deployed, &json!({ "number": 20 })).await;
    let ended = scene.reaches(&run, StateType::Completed).await;
    assert_eq!(ended.worker.as_ref(), Some(&worker.name));
    assert_eq!(scene.states(&run).await, ["Scheduled", "Pending", "Running", "Completed"]);

    let of_run = json!({ "flow_runs": { "id": { "any_": [run.id] } } });
    let tasks = scene.post("task_runs/filter", &of_run).await;
    assert_eq!(tasks.as_array().unwrap().len(), 1);
    let task = &tasks[0];
    assert_eq!((&task["name"], &task["state_type"]), (&json!("add-0"), &json!("COMPLETED")));
    let task_states = scene.get(&format!("task_runs/{}", task["id"].as_str().unwrap())).await;
    assert_eq!(task_states["state_name"], "Completed");

    let logs = scene
        .post("logs/filter", &json!({ "logs": { "flow_run_id": { "any_": [run.id] } }, "sort": "TIMESTAMP_ASC" }))
        .await;
    let lines: Vec<_> =
        logs.as_array().unwrap().iter().map(|line| (&line["message"], &line["level"], &line["task_run_id"])).collect();
    let (none, id) = (Value::Null, &task["id"]);
    assert_eq!(lines[0], (&json!("it begins number=20"), &json!(20), &none));
    let at_work = (&json!("at work"), &json!(30), id);
    assert_eq!(lines.iter().filter(|line| **line == at_work).count(), 2, "{lines:?}");
    assert!(
        lines.iter().any(|line| line.0.as_str().unwrap().starts_with("the server is busy; trying again")),
        "{lines:?}"
    );

    let filter = json!({ "artifacts": { "flow_run_id": { "any_": [run.id] } }, "sort": "KEY_ASC" });
    let artifacts = scene.post("artifacts/filter", &filter).await;
    let shown = |index: usize| ["key", "type", "description", "data"].map(|name| artifacts[index][name].clone());
    assert_eq!(shown(0), ["sums", "table", "The sums.", r#"[{"place":"A","sum":21}]"#].map(Value::from));
    assert_eq!(shown(1), ["verdict", "markdown", "The verdict.", "**21**"].map(Value::from));

    // One that ends badly says why.
    let bad = scene.prefect.create_flow_run(&deployed.id, &Map::from_iter([("number".into(), json!("x"))])).await;
    assert!(bad.unwrap_err().to_string().contains("number"), "the server checks the schema");
    worker.stopped().await;
    let workers = scene.post(&format!("work_pools/{}/workers/filter", scene.name), &json!({})).await;
    assert_eq!(workers, json!([]), "a worker that was stopped is not OFFLINE, but gone");
}

#[tokio::test]
async fn a_run_is_cancelled_from_the_server() {
    let Some(scene) = Scene::find().await else { return };
    let flow = scene.flow(async |context: Context, _| {
        let wait = || std::future::pending::<Result<(), Fault>>();
        context.task("wait", TaskOptions::default().droppable(), wait).await
    });
    let deployed = scene.deploy(&flow).await;
    let worker = scene.worker(&scene.prefect, &flow, 1);
    let run = scene.trigger(&deployed, &json!({})).await;
    scene.reaches(&run, StateType::Running).await;
    let cancelling = Proposal::new(StateKind::Cancelling, "");
    assert!(scene.prefect.set_flow_run_state(&run.id, &cancelling, false).await.unwrap().is_accepted());
    let ended = scene.reaches(&run, StateType::Cancelled).await;
    assert_eq!(ended.state.unwrap().message.as_deref(), Some("the flow run was cancelled"));
    let of_run = json!({ "flow_runs": { "id": { "any_": [run.id] } } });
    assert_eq!(scene.post("task_runs/filter", &of_run).await[0]["state_type"], "CANCELLED");
    worker.stopped().await;
}

#[tokio::test]
async fn of_two_workers_one_runs_a_run() {
    let Some(scene) = Scene::find().await else { return };
    let ran = Arc::new(AtomicU32::new(0));
    let counted = ran.clone();
    let flow = scene.flow(move |_, _| {
        let counted = counted.clone();
        async move {
            counted.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(500)).await;
            Ok(())
        }
    });
    let deployed = scene.deploy(&flow).await;
    let mut runs = Vec::new();
    for _ in 0..6 {
        runs.push(scene.trigger(&deployed, &json!({})).await);
    }
    let workers = [scene.worker(&scene.prefect, &flow, 3), scene.worker(&scene.prefect, &flow, 3)];
    for run in &runs {
        scene.reaches(run, StateType::Completed).await;
        assert_eq!(scene.states(run).await, ["Scheduled", "Pending", "Running", "Completed"]);
    }
    assert_eq!(ran.load(Ordering::Relaxed), 6);
    for worker in workers {
        worker.stopped().await;
    }
}

#[tokio::test]
async fn a_worker_drains() {
    let Some(scene) = Scene::find().await else { return };
    let flow = scene.flow(async |_, Parameters { number }| {
        sleep(Duration::from_secs(number.into())).await;
        Ok(())
    });
    let deployed = scene.deploy(&flow).await;
    let worker = scene.worker(&scene.prefect, &flow, 1);
    let runs = [scene.trigger(&deployed, &json!({ "number": 3 })).await, scene.trigger(&deployed, &json!({})).await];
    scene.reaches(&runs[0], StateType::Running).await;
    worker.stopped().await;
    let now = [scene.prefect.flow_run(&runs[0].id).await.unwrap(), scene.prefect.flow_run(&runs[1].id).await.unwrap()];
    assert_eq!(now.map(|run| run.state_type().unwrap()), [StateType::Completed, StateType::Scheduled]);
}

#[tokio::test]
async fn a_run_that_outlasts_its_worker_s_drain_is_run_by_another() {
    let Some(scene) = Scene::find().await else { return };
    let begun = Arc::new(AtomicU32::new(0));
    let counted = begun.clone();
    let flow = scene.flow(move |context: Context, _| {
        let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            if first {
                context.cancellation().cancelled().await;
                context.go_on()?;
            }
            Ok(())
        }
    });
    let deployed = scene.deploy(&flow).await;
    let hasty = PrefectSettings { drain_seconds: 0.2, ..quick() };
    let leaving = scene.worker(&Prefect::new(scene.url.parse().unwrap(), &hasty).unwrap(), &flow, 1);
    let run = scene.trigger(&deployed, &json!({})).await;
    scene.reaches(&run, StateType::Running).await;
    leaving.stopped().await;
    let states = scene.prefect.flow_run_states(&run.id).await.unwrap();
    let last = states.last().unwrap();
    assert_eq!(last.kind, StateType::Scheduled, "{states:#?}");
    assert!(last.message.as_ref().unwrap().contains("was asked to stop"), "{last:?}");
    let heir = scene.worker(&scene.prefect, &flow, 1);
    scene.reaches(&run, StateType::Completed).await;
    heir.stopped().await;
    assert_eq!(begun.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_run_of_a_worker_that_died_is_run_by_another() {
    let Some(scene) = Scene::find().await else { return };
    let begun = Arc::new(AtomicU32::new(0));
    let counted = begun.clone();
    let flow = scene.flow(move |context: Context, _| {
        let counted = counted.clone();
        async move {
            let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
            let work = || async move {
                if first {
                    sleep(LIMIT * 2).await;
                }
                Ok::<_, Fault>(())
            };
            context.task("work", TaskOptions::default().droppable(), work).await
        }
    });
    let deployed = scene.deploy(&flow).await;
    let dying = scene.worker(&scene.prefect, &flow, 1);
    let run = scene.trigger(&deployed, &json!({})).await;
    scene.reaches(&run, StateType::Running).await;
    // Nothing of it runs on, and nothing is told.
    dying.task.abort();
    let heir = scene.worker(&scene.prefect, &flow, 1);
    let ended = scene.reaches(&run, StateType::Completed).await;
    assert_eq!(ended.worker.as_ref(), Some(&heir.name));
    let once = ["Scheduled", "Pending", "Running"];
    assert_eq!(scene.states(&run).await, [&once[..], &["Crashed"], &once[..], &["Completed"]].concat());
    assert_eq!(begun.load(Ordering::Relaxed), 2);
    heir.stopped().await;
}

#[tokio::test]
async fn a_run_that_another_worker_took_is_let_go() {
    let Some(scene) = Scene::find().await else { return };
    let flow = scene.flow(async |context: Context, _| {
        context.cancellation().cancelled().await;
        Ok(())
    });
    let deployed = scene.deploy(&flow).await;
    let worker = scene.worker(&scene.prefect, &flow, 1);
    let run = scene.trigger(&deployed, &json!({})).await;
    scene.reaches(&run, StateType::Running).await;
    let thief = scene.name.as_str();
    scene.post(&format!("work_pools/{thief}/workers/heartbeat"), &json!({ "name": thief })).await;
    scene.patch(&format!("flow_runs/{}", run.id), &json!({ "infrastructure_pid": thief })).await;
    let stopping = Instant::now();
    worker.stopped().await;
    assert!(stopping.elapsed() < Duration::from_secs(10), "it saw that, and did not wait for the end of its patience");
    assert_eq!(scene.states(&run).await, ["Scheduled", "Pending", "Running"]);
}

#[tokio::test]
async fn a_server_that_goes_away_is_waited_for() {
    let Some(scene) = Scene::find().await else { return };
    let _logs = tracing_subscriber::registry().with(FlowLogs::new()).set_default();
    let flow = scene.flow(async |context: Context, _| {
        for step in 0..20 {
            let work = || async {
                tracing::info!("step {step}");
                sleep(Duration::from_millis(200)).await;
                Ok::<_, Fault>(())
            };
            context.task("step", TaskOptions::default(), work).await?;
        }
        Ok(())
    });
    let deployed = scene.deploy(&flow).await;
    let proxy = Proxy::start(scene.url.parse::<HttpUrl>().unwrap().to_string()).await;
    let through = Prefect::new(proxy.url.parse().unwrap(), &PrefectSettings { tries: 2, ..quick() }).unwrap();
    proxy.set_up(false);
    let worker = scene.worker(&through, &flow, 1);
    sleep(Duration::from_secs(1)).await;
    proxy.set_up(true);
    let run = scene.trigger(&deployed, &json!({})).await;
    scene.reaches(&run, StateType::Running).await;
    proxy.set_up(false);
    sleep(Duration::from_secs(6)).await;
    proxy.set_up(true);
    scene.reaches(&run, StateType::Completed).await;
    assert_eq!(scene.states(&run).await, ["Scheduled", "Pending", "Running", "Completed"]);
    let of_run = json!({ "flow_runs": { "id": { "any_": [run.id] } } });
    let tasks = scene.post("task_runs/filter", &of_run).await;
    let completed = tasks.as_array().unwrap().iter().filter(|task| task["state_type"] == "COMPLETED").count();
    assert_eq!((tasks.as_array().unwrap().len(), completed), (20, 20));
    let logs = scene.post("logs/filter", &json!({ "logs": { "flow_run_id": { "any_": [run.id] } } })).await;
    let is_there = |step| logs.as_array().unwrap().iter().any(|line| line["message"] == format!("step {step}"));
    assert!((0..20).all(is_there), "no line is lost");
    worker.stopped().await;
}
