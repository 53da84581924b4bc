//! Schedules on a clock of the tests' own.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use covid_core::Timestamp;
use covid_flow::{
    Board, CancellationToken, Clock as _, Context, CronSchedule, Filter, Flow, FlowError, FlowRuns, FlowSettings,
    Flows, KeptFlowRun, LocalRunner, Schedule, Scheduler, StateKind,
};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::{Parameters, fake_clock::FakeClock};

struct Scene {
    folder: tempfile::TempDir,
    clock: Arc<FakeClock>,
    /// When the flow began.
    began: Arc<Mutex<Vec<Timestamp>>>,
    /// How long it takes.
    takes: Duration,
}

struct Serving {
    stop: CancellationToken,
    ended: JoinHandle<Result<(), FlowError>>,
}

impl Serving {
    async fn stop(self) -> Result<(), FlowError> {
        self.stop.cancel();
        self.ended.await.unwrap()
    }
}

impl Scene {
    fn at(now: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, clock: FakeClock::at(now), began: Arc::default(), takes: Duration::ZERO }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn flows(&self) -> Flows {
        let (began, clock, takes) = (self.began.clone(), self.clock.clone(), self.takes);
        let flow = Flow::new("work", "", move |context: Context, Parameters { .. }| {
            let (began, clock) = (began.clone(), clock.clone());
            async move {
                began.lock().unwrap().push(clock.now());
                clock.sleep(takes).await;
                Ok(context.go_on()?)
            }
        });
        Flows::default().with(&flow).unwrap()
    }

    async fn kept(&self) -> FlowRuns {
        FlowRuns::open(self.path().join("flow.db")).await.unwrap()
    }

    async fn scheduler(&self, schedules: Vec<Schedule>) -> Scheduler {
        let runner = LocalRunner::new(self.kept().await, self.clock.clone());
        let board = Arc::new(Board::new(self.clock.clone()));
        Scheduler::new(&self.flows(), schedules, runner, board, &FlowSettings::default()).unwrap()
    }

    async fn serve(&self, schedules: Vec<Schedule>) -> Serving {
        let scheduler = self.scheduler(schedules).await;
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        Serving { stop, ended: tokio::spawn(async move { scheduler.serve(stopping).await }) }
    }

    /// When the flow began, and forgets it.
    fn began(&self) -> Vec<String> {
        std::mem::take(&mut *self.began.lock().unwrap()).iter().map(ToString::to_string).collect()
    }

    /// All flow runs, oldest first.
    async fn runs(&self) -> Vec<KeptFlowRun> {
        let filter = Filter { limit: usize::MAX, ..Filter::default() };
        let mut runs = self.kept().await.list(filter, self.clock.now()).await.unwrap();
        runs.reverse();
        runs
    }

    async fn states(&self, run: &KeptFlowRun) -> Vec<StateKind> {
        let details = self.kept().await.details(&run.run.id, self.clock.now()).await.unwrap();
        details.states.iter().map(|state| state.kind).collect()
    }
}

fn schedule(cron: &str) -> Schedule {
    let times = CronSchedule::new(cron, "Europe/Berlin").unwrap();
    Schedule { name: "daily".into(), flow: "work".into(), parameters: json!(null), times }
}

#[tokio::test]
async fn a_year_of_every_night_through_both_changes_of_clocks() {
    let scene = Scene::at("2025-01-01T12:00:00Z");
    let serving = scene.serve(vec![schedule("30 2 * * *")]).await;
    scene.clock.run_to("2026-01-01T12:00:00Z", 1).await;
    serving.stop().await.unwrap();
    let began = scene.began();
    assert_eq!(began.len(), 365);
    let on = |day: &str| began.iter().filter(|at| at.starts_with(day)).cloned().collect::<Vec<_>>();
    assert_eq!(on("2025-03-29"), ["2025-03-29T01:30:00Z"]);
    assert_eq!(on("2025-03-30"), ["2025-03-30T01:00:00Z"], "02:30 is left out: at 03:00");
    assert_eq!(on("2025-03-31"), ["2025-03-31T00:30:00Z"]);
    assert_eq!(on("2025-10-26"), ["2025-10-26T00:30:00Z"], "the first of two");
    assert_eq!(on("2025-10-27"), ["2025-10-27T01:30:00Z"]);
    let runs = scene.runs().await;
    assert_eq!(runs.len(), 365);
    assert!(runs.iter().all(|run| run.state.kind == StateKind::Completed));
    assert_eq!(runs[0].run.scheduled_at.unwrap().to_string(), "2025-01-02T01:30:00Z");
    use StateKind::{Completed, Pending, Running, Scheduled};
    assert_eq!(scene.states(&runs[0]).await, [Scheduled, Pending, Running, Completed]);
}

#[tokio::test]
async fn after_a_sleep_the_latest_is_run_late_and_the_others_are_said_to_be_missed() {
    let scene = Scene::at("2030-01-01T12:00:00Z");
    let serving = scene.serve(vec![schedule("0 6 * * *")]).await;
    scene.clock.all_asleep(1).await;
    scene.clock.jump_to("2030-01-04T05:30:00Z"); // 06:30 in Berlin, within the grace of an hour
    scene.clock.run_to("2030-01-05T00:00:00Z", 1).await;
    assert_eq!(scene.began(), ["2030-01-04T05:30:00Z"]);
    let runs = scene.runs().await;
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0].state.kind, StateKind::Cancelled);
    insta::assert_snapshot!(runs[0].state.message, @"missed 2 times from 2030-01-02T05:00:00Z to 2030-01-03T05:00:00Z: nobody served, the machine slept, or the run before was still at work");
    use StateKind::{Completed, Late, Pending, Running};
    assert_eq!(scene.states(&runs[1]).await, [Late, Pending, Running, Completed]);

    scene.clock.jump_to("2030-01-05T09:00:00Z"); // too late
    scene.clock.run_to("2030-01-06T04:00:00Z", 1).await;
    serving.stop().await.unwrap();
    assert!(scene.began().is_empty());
    insta::assert_snapshot!(scene.runs().await[2].state.message, @"missed the time 2030-01-05T05:00:00Z: nobody served, the machine slept, or the run before was still at work");
}

#[tokio::test]
async fn what_came_while_nobody_served_is_missed_over_a_restart_and_nothing_is_run_twice() {
    let scene = Scene::at("2030-01-01T12:00:00Z");
    let serving = scene.serve(vec![schedule("0 6 * * *")]).await;
    scene.clock.run_to("2030-01-02T06:00:00Z", 1).await;
    serving.stop().await.unwrap();
    assert_eq!(scene.began(), ["2030-01-02T05:00:00Z"]);

    // At once again: what was run is not run again.
    let serving = scene.serve(vec![schedule("0 6 * * *")]).await;
    scene.clock.run_to("2030-01-02T06:30:00Z", 1).await;
    serving.stop().await.unwrap();
    assert!(scene.began().is_empty());

    scene.clock.jump_to("2030-01-05T05:10:00Z");
    let serving = scene.serve(vec![schedule("0 6 * * *")]).await;
    scene.clock.run_to("2030-01-05T06:00:00Z", 1).await;
    serving.stop().await.unwrap();
    assert_eq!(scene.began(), ["2030-01-05T05:10:00Z"]);
    let last = scene.runs().await;
    assert!(last[1].state.message.starts_with("missed 2 times from 2030-01-03T05:00:00Z to 2030-01-04"), "{last:?}");

    // Another pattern is another schedule: it has missed nothing.
    scene.clock.jump_to("2030-01-09T00:00:00Z");
    let serving = scene.serve(vec![schedule("0 7 * * *")]).await;
    scene.clock.run_to("2030-01-09T06:30:00Z", 1).await;
    serving.stop().await.unwrap();
    assert_eq!(scene.began(), ["2030-01-09T06:00:00Z"]);
    assert_eq!(scene.runs().await.len(), last.len() + 1);
}

#[tokio::test]
async fn a_time_that_a_process_died_of_is_not_run_again() {
    let scene = Scene { takes: Duration::from_secs(3600), ..Scene::at("2030-01-01T12:00:00Z") };
    let serving = scene.serve(vec![schedule("0 6 * * *")]).await;
    scene.clock.run_to("2030-01-02T05:30:00Z", 1).await;
    serving.ended.abort();
    assert!(serving.ended.await.unwrap_err().is_cancelled());
    scene.clock.jump_to("2030-01-02T05:40:00Z");
    let serving = scene.serve(vec![schedule("0 6 * * *")]).await;
    scene.clock.run_to("2030-01-02T12:00:00Z", 1).await;
    serving.stop().await.unwrap();
    assert_eq!(scene.began(), ["2030-01-02T05:00:00Z"]);
    let runs = scene.runs().await;
    assert_eq!(runs.iter().map(|run| run.state.kind).collect::<Vec<_>>(), [StateKind::Crashed], "and it is told");
}

#[tokio::test]
async fn a_run_that_takes_long_is_alone() {
    let scene = Scene { takes: Duration::from_secs(25 * 60), ..Scene::at("2030-01-01T12:00:00Z") };
    let serving = scene.serve(vec![schedule("*/10 * * * *")]).await;
    scene.clock.run_to("2030-01-01T12:50:00Z", 1).await;
    // 12:10 to 12:35, which misses 12:20 and runs late for 12:30; to 13:00.
    assert_eq!(scene.began(), ["2030-01-01T12:10:00Z", "2030-01-01T12:35:00Z"]);
    serving.stop.cancel();
    scene.clock.run_to("2030-01-01T13:10:00Z", 0).await;
    serving.ended.await.unwrap().unwrap();
    let messages: Vec<_> = scene.runs().await.into_iter().map(|run| (run.state.kind, run.state.message)).collect();
    let missed = messages.iter().filter(|(_, message)| message.starts_with("missed the time 2030-01-01T12:20")).count();
    assert_eq!(missed, 1, "{messages:?}");
}

#[tokio::test]
async fn several_schedules_do_not_wait_for_each_other() {
    let scene = Scene { takes: Duration::from_secs(90 * 60), ..Scene::at("2030-01-01T12:00:00Z") };
    let other = Schedule { name: "other".into(), ..schedule("30 14 * * *") };
    let serving = scene.serve(vec![schedule("0 14 * * *"), other]).await;
    scene.clock.run_to("2030-01-01T16:00:00Z", 2).await;
    serving.stop().await.unwrap();
    assert_eq!(scene.began(), ["2030-01-01T13:00:00Z", "2030-01-01T13:30:00Z"]);
    let by = async |name: &str| {
        let filter = Filter { schedule: Some(name.into()), ..Filter::default() };
        scene.kept().await.list(filter, scene.clock.now()).await.unwrap().len()
    };
    assert_eq!((by("daily").await, by("other").await), (1, 1));
}

#[tokio::test]
async fn asked_to_stop_a_run_may_end_in_time_and_is_cancelled_then() {
    for (takes, kind) in [(10, StateKind::Completed), (30, StateKind::Cancelled)] {
        let scene = Scene { takes: Duration::from_secs(takes), ..Scene::at("2030-01-01T12:00:00Z") };
        let serving = scene.serve(vec![schedule("0 14 * * *")]).await;
        scene.clock.run_to("2030-01-01T13:00:01Z", 1).await;
        serving.stop.cancel();
        // The flow and the patience with it, which is 20 s.
        scene.clock.all_asleep(2).await;
        scene.clock.run_to("2030-01-01T13:00:25Z", 0).await;
        // On this one thread, whoever was woken comes first.
        tokio::time::sleep(Duration::from_millis(5)).await;
        scene.clock.run_to("2030-01-01T13:00:59Z", 0).await;
        serving.ended.await.unwrap().unwrap();
        assert_eq!(scene.runs().await[0].state.kind, kind);
    }
}

#[tokio::test]
async fn nobody_serves_what_is_served() {
    let scene = Scene::at("2030-01-01T12:00:00Z");
    let serving = scene.serve(vec![schedule("0 6 * * *")]).await;
    scene.clock.all_asleep(1).await;
    let again = scene.scheduler(vec![schedule("0 7 * * *")]).await.serve(CancellationToken::new()).await;
    insta::assert_snapshot!(again.unwrap_err(), @"the schedule `daily` is served by another process already");
    let other = scene.serve(vec![Schedule { name: "other".into(), ..schedule("0 6 * * *") }]).await;
    scene.clock.all_asleep(2).await;
    serving.stop().await.unwrap();
    other.stop().await.unwrap();
}

#[tokio::test]
async fn once_does_not_wait_for_a_time() {
    let scene = Scene::at("2030-01-01T12:00:00Z");
    let ended = scene.scheduler(vec![schedule("0 6 * * *")]).await.once(CancellationToken::new()).await.unwrap();
    assert_eq!(ended.iter().map(|ended| ended.state.kind).collect::<Vec<_>>(), [StateKind::Completed]);
    assert_eq!(scene.began(), ["2030-01-01T12:00:00Z"]);
}

#[tokio::test]
async fn schedules_are_checked_before_anything_is_served() {
    let scene = Scene::at("2030-01-01T12:00:00Z");
    let runner = LocalRunner::new(scene.kept().await, scene.clock.clone());
    let board = Arc::new(Board::new(scene.clock.clone()));
    let new = |schedules| {
        Scheduler::new(&scene.flows(), schedules, runner.clone(), board.clone(), &FlowSettings::default()).unwrap_err()
    };
    let good = schedule("0 6 * * *");
    assert!(matches!(new(vec![good.clone(), good.clone()]), FlowError::NameTaken { .. }));
    assert!(matches!(new(vec![Schedule { flow: "rest".into(), ..good.clone() }]), FlowError::UnknownFlow { .. }));
    let bad = Schedule { parameters: json!({ "nmber": 1 }), ..good };
    assert!(matches!(new(vec![bad]), FlowError::BadParameters { .. }));
}
