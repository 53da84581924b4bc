//! The Prefect worker and its observer against a server that gives awkward answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use covid_core::{Explain as _, Timestamp};
use covid_flow::{
    Artifact, Board, CancellationToken, Content, Context, Event, Flow, FlowRun, Flows, LogLine, Observer as _, State,
    StateKind,
    prefect::{Prefect, PrefectError, PrefectObserver, PrefectSettings, Proposal, Worker},
};
use covid_http::Secret;
use covid_testing::{HttpServer, Trouble};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{
    Parameters,
    prefect_server::{Called, Fault, PrefectServer},
    wall_clock,
};

const ONCE: [&str; 4] = ["Scheduled", "Pending", "Running", "Completed"];

fn quick() -> PrefectSettings {
    PrefectSettings {
        poll_seconds: 0.05,
        heartbeat_seconds: 1,
        orphan_seconds: 1.0,
        timeout_seconds: 0.5,
        backoff_seconds: 0.001,
        tries: 2,
        drain_seconds: 5.0,
        ..PrefectSettings::default()
    }
}

fn prefect(server: &PrefectServer) -> Prefect {
    Prefect::new(server.url.parse().unwrap(), &quick()).unwrap()
}

const HALF_A_SECOND: Duration = Duration::from_millis(500);

/// Lets a worker work for half a second: how often the flow ran.
async fn work(server: &PrefectServer) -> u32 {
    work_with(server, &quick(), HALF_A_SECOND).await
}

async fn work_with(server: &PrefectServer, settings: &PrefectSettings, time: Duration) -> u32 {
    let ran = Arc::new(AtomicU32::new(0));
    let counted = ran.clone();
    let flow = Flow::new("work", "Works.", move |_, Parameters { .. }| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Ok(()) }
    });
    let flows = Flows::default().with(&flow).unwrap();
    let prefect = Prefect::new(server.url.parse().unwrap(), settings).unwrap();
    let worker = Worker::new(prefect, flows, wall_clock(), "pool", "suite", 2).unwrap();
    let stop = CancellationToken::new();
    let stopping = async {
        sleep(time).await;
        stop.cancel();
    };
    let (ended, ()) =
        timeout(Duration::from_secs(20), async { tokio::join!(worker.run(stop.clone()), stopping) }).await.unwrap();
    ended.unwrap();
    ran.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_run_is_run_once_however_often_a_poll_brings_it() {
    let server = PrefectServer::start().await;
    server.put_run("a", "SCHEDULED");
    server.put_run("b", "SCHEDULED");
    assert_eq!(work(&server).await, 2);
    // Polled on and on, they were claimed again, and given back as they were.
    for id in ["a", "b"] {
        let states = server.states(id);
        assert_eq!(states[..4], ONCE);
        let again: Vec<_> = states[4..].chunks(2).collect();
        assert!(!again.is_empty() && again.iter().all(|pair| pair == &["Pending", "Completed"]), "{states:?}");
    }
}

#[tokio::test]
async fn a_claim_that_is_aborted_is_somebody_else_s_run() {
    let server = PrefectServer::start().await;
    server.put_run("a", "PENDING");
    server.put_run("b", "CANCELLED");
    assert_eq!(work(&server).await, 0);
    assert!(server.calls("/set_state").len() >= 2);
    assert_eq!((server.states("a"), server.states("b")), (vec!["Pending".into()], vec!["Cancelled".into()]));
}

#[tokio::test]
async fn of_two_claims_that_were_accepted_the_first_one_counts() {
    let server = PrefectServer::start().await;
    server.put_run("a", "SCHEDULED");
    server.intrude("PENDING");
    assert_eq!(work(&server).await, 0);
    assert_eq!(server.states("a"), ["Scheduled", "Pending", "Pending"]);
}

#[tokio::test]
async fn a_busy_server_and_lost_answers_change_nothing() {
    let server = PrefectServer::start().await;
    server.put_run("a", "SCHEDULED");
    for path in ["/pool", "/heartbeat", "/get_scheduled_flow_runs", "/flows/f", "/flow_run_states/", "/flow_runs/a"] {
        server.fault(path, Fault::Status(503));
        server.fault(path, Fault::Lost);
    }
    // The claim, Running and Completed, each accepted with its first answer lost.
    for kind in ["PENDING", "RUNNING", "COMPLETED"] {
        server.fault(kind, Fault::Lost);
        server.fault(kind, Fault::Status(503));
    }
    let settings = PrefectSettings { tries: 4, ..quick() };
    assert_eq!(work_with(&server, &settings, HALF_A_SECOND).await, 1);
    assert_eq!(server.states("a")[..4], ONCE);
}

#[tokio::test]
async fn a_claim_whose_answer_never_came_is_set_back() {
    let server = PrefectServer::start().await;
    server.put_run("a", "SCHEDULED");
    // Both tries of the claim: the run is Pending, and nobody knows whose it is.
    server.fault("/a/set_state", Fault::Lost);
    server.fault("/a/set_state", Fault::Lost);
    assert_eq!(work_with(&server, &quick(), Duration::from_secs(4)).await, 1);
    let expected = [&["Scheduled", "Pending", "Crashed"], &ONCE[..]].concat();
    assert_eq!(server.states("a")[..7], expected);
}

fn line(number: usize) -> Event {
    Event::Log(LogLine {
        flow_run_id: "a".into(),
        task_run_id: None,
        at: Timestamp::UNIX_EPOCH,
        level: "info".into(),
        target: "test".into(),
        message: format!("line {number}"),
    })
}

#[tokio::test]
async fn log_lines_go_in_batches_in_their_order_and_before_what_follows() {
    let server = PrefectServer::start().await;
    let observer = PrefectObserver::new(prefect(&server), None);
    (0..450).for_each(|number| observer.observe(line(number)));
    let artifact = Artifact::new("table", "A table.", Content::Table(Vec::new())).unwrap();
    observer.observe(Event::Artifact { flow_run_id: "a".into(), artifact });
    observer.observe(line(450));
    server.fault("/logs/", Fault::Status(503));
    observer.flush().await;
    let calls = server.calls("/logs/");
    let sizes: Vec<_> = calls.iter().map(|call| call.body.as_array().unwrap().len()).collect();
    assert_eq!(sizes, [200, 200, 200, 50, 1], "the first one was sent again");
    let told: Vec<_> = calls[1..].iter().flat_map(|call| call.body.as_array().unwrap()).collect();
    assert!(told.iter().enumerate().all(|(number, line)| line["message"] == format!("line {number}")));
    assert_eq!(told[0]["level"], 20);
    assert_eq!(server.calls("/artifacts/")[0].body["data"], "[]");
}

#[tokio::test]
async fn what_cannot_be_told_is_given_up_and_what_is_another_s_is_not_told() {
    let server = PrefectServer::start().await;
    server.put_run("a", "RUNNING");
    let completed = || Event::FlowState {
        run: FlowRun { id: "a".into(), ..FlowRun::new("work", json!({})) },
        state: State::new(StateKind::Completed, Timestamp::UNIX_EPOCH, ""),
    };
    let observer = PrefectObserver::new(prefect(&server), Some("me".into()));
    observer.observe(completed());
    observer.observe(line(0));
    observer.flush().await;
    assert_eq!((server.states("a"), server.calls("/logs/").len()), (vec!["Running".into()], 0), "no worker has it");

    let settings = PrefectSettings { patience_seconds: 0.3, ..quick() };
    let observer = PrefectObserver::new(Prefect::new(server.url.parse().unwrap(), &settings).unwrap(), None);
    (0..1000).for_each(|_| server.fault("/set_state", Fault::Status(503)));
    let begun = Instant::now();
    observer.observe(completed());
    observer.observe(line(1));
    observer.flush().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!((server.states("a"), server.calls("/logs/").len()), (vec!["Running".into()], 1), "the rest is told");
}

#[tokio::test]
async fn a_run_that_was_left_half_set_back_is_set_back() {
    let server = PrefectServer::start().await;
    server.be_prompt();
    server.put_run("a", "RUNNING");
    server.give_to("a", "dead");
    // Both tries of the last step.
    server.fault("SCHEDULED", Fault::Status(503));
    server.fault("SCHEDULED", Fault::Status(503));
    assert_eq!(work_with(&server, &quick(), Duration::from_secs(7)).await, 1);
    assert_eq!(server.states("a"), ["Running", "Crashed", "Scheduled", "Pending", "Running", "Completed"]);
}

#[tokio::test]
async fn patience_is_for_the_outage_and_not_for_each_thing() {
    let server = PrefectServer::start().await;
    let settings = PrefectSettings { patience_seconds: 0.5, ..quick() };
    let observer = PrefectObserver::new(Prefect::new(server.url.parse().unwrap(), &settings).unwrap(), None);
    (0..1000).for_each(|_| server.fault("/artifacts/", Fault::Status(503)));
    let begun = Instant::now();
    for number in 0..20 {
        let artifact = Artifact::new(&format!("a-{number}"), "", Content::Table(Vec::new())).unwrap();
        observer.observe(Event::Artifact { flow_run_id: "a".into(), artifact });
    }
    observer.observe(line(0));
    observer.flush().await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let calls = server.calls("/artifacts/");
    assert!(calls.iter().any(|call| call.body["key"] == "a-19"), "each has its try");
    assert_eq!(server.calls("/logs/").len(), 1);
}

#[tokio::test]
async fn what_is_done_while_a_person_cancels_it_is_cancelled() {
    for (kind, said, expected) in [
        (StateKind::Completed, "", "after its last task: its work is complete"),
        (StateKind::Failed, "no data", "no data"),
        (StateKind::Crashed, "it panicked", "it panicked"),
    ] {
        let server = PrefectServer::start().await;
        server.put_run("a", "CANCELLING");
        server.give_to("a", "me");
        let observer = PrefectObserver::new(prefect(&server), Some("me".into()));
        let run = FlowRun { id: "a".into(), ..FlowRun::new("work", json!({})) };
        observer.observe(Event::FlowState { run, state: State::new(kind, Timestamp::UNIX_EPOCH, said) });
        observer.flush().await;
        assert_eq!(server.states("a"), ["Cancelling", "Cancelled"]);
        assert_eq!(prefect(&server).flow_run("a").await.unwrap().state.unwrap().message.unwrap(), expected);
    }
}

#[tokio::test]
async fn long_lines_are_cut_and_batches_are_small() {
    let server = PrefectServer::start().await;
    let observer = PrefectObserver::new(prefect(&server), None);
    for _ in 0..100 {
        let Event::Log(line) = line(0) else { unreachable!() };
        observer.observe(Event::Log(LogLine { message: "ü".repeat(20 << 10), ..line }));
    }
    observer.flush().await;
    let sizes = |call: Called| -> Vec<usize> {
        call.body.as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap().len()).collect()
    };
    let batches: Vec<_> = server.calls("/logs/").into_iter().map(sizes).collect();
    assert!(batches.iter().flatten().all(|size| *size == 16 << 10));
    assert!(batches.iter().all(|batch| batch.len() <= 32), "{batches:?}");
    assert_eq!(batches.iter().flatten().count(), 100);
}

#[tokio::test]
async fn a_worker_drains_in_time_where_the_server_hangs_and_is_no_standstill() {
    let server = PrefectServer::start().await;
    server.put_run("a", "SCHEDULED");
    let flow = Flow::new("work", "Works.", async |context: Context, Parameters { .. }| {
        context.cancellation().cancelled().await;
        Ok(context.go_on()?)
    });
    let settings = PrefectSettings { timeout_seconds: 60.0, drain_seconds: 0.5, ..quick() };
    let prefect = Prefect::new(server.url.parse().unwrap(), &settings).unwrap();
    let board = Arc::new(Board::new(wall_clock()));
    let worker = Worker::new(prefect, Flows::default().with(&flow).unwrap(), wall_clock(), "pool", "suite", 1).unwrap();
    let (worker, stop) = (worker.shown_on(board.clone()), CancellationToken::new());
    let stopping = async {
        sleep(HALF_A_SECOND).await;
        assert_eq!(server.states("a"), ["Scheduled", "Pending", "Running"]);
        stop.cancel();
        sleep(Duration::from_millis(200)).await;
        let last_round = board.health().worker.unwrap().last_round;
        (0..1000).for_each(|_| server.fault("/flow_runs/filter", Fault::Silence));
        sleep(Duration::from_millis(100)).await;
        assert!(board.health().worker.unwrap().last_round > last_round, "its drain is shown");
    };
    let drained = async { tokio::join!(worker.run(stop.clone()), stopping).0 };
    timeout(Duration::from_secs(10), drained).await.unwrap().unwrap();
    assert_eq!(server.states("a").last().unwrap(), "Scheduled");
}

#[tokio::test]
async fn the_server_is_told_who_asks_and_nobody_else_is() {
    let server = PrefectServer::start().await;
    let secret = || Some(Secret::new("me:hush"));
    let bearer = PrefectSettings { api_key: secret(), ..quick() };
    let basic = PrefectSettings { auth_string: secret(), ..quick() };
    for settings in [&bearer, &basic] {
        let prefect = Prefect::new(server.url.parse().unwrap(), settings).unwrap();
        server.fault("/x", Fault::Status(401));
        let error = prefect.flow_run("x").await.unwrap_err();
        let told = format!("{error} {error:?} {prefect:?} {:?}", error.hint());
        assert!(told.contains("401") && told.contains("credentials") && !told.contains("hush"), "{told}");
        assert!(matches!(error, PrefectError::Refused { .. }) && !error.may_pass());
    }
    let asked: Vec<_> = server.calls("/x").into_iter().map(|call| call.authorization).collect();
    assert_eq!(asked, ["Bearer me:hush", "Basic bWU6aHVzaA=="]);
}

#[tokio::test]
async fn a_server_that_repeats_who_asks_is_not_repeated() {
    let server = HttpServer::start();
    let secret = || Some(Secret::new("me:hush"));
    for settings in
        [PrefectSettings { api_key: secret(), ..quick() }, PrefectSettings { auth_string: secret(), ..quick() }]
    {
        let prefect = Prefect::new(server.url("/api").parse().unwrap(), &settings).unwrap();
        let echo = "nobody is Basic bWU6aHVzaA==, Bearer me:hush, hush";
        let aborted = json!({ "status": "ABORT", "details": { "reason": "hush is me:hush" } });
        server.put("/api/flow_runs/x/set_state", aborted.to_string());
        let proposal = Proposal::new(StateKind::Running, "");
        let verdict = prefect.set_flow_run_state("x", &proposal, false).await.unwrap();
        let mut told = vec![format!("{verdict:?}")];
        for answer in [
            Trouble::Answer(401, json!({ "detail": [{ "msg": echo }] }).to_string()),
            Trouble::Answer(200, json!(echo).to_string()),
        ] {
            server.trouble("/api/flow_runs/x", answer, 1);
            let error = prefect.flow_run("x").await.unwrap_err();
            assert!(error.to_string().contains("nobody is "), "{error}");
            told.push(format!("{error} {error:?} {:?}", error.hint()));
        }
        // The user of a token is no secret of its own.
        let hidden: &[&str] = if settings.api_key.is_some() { &["me:hush"] } else { &["hush", "bWU6aHVzaA"] };
        assert!(told.iter().all(|told| hidden.iter().all(|hidden| !told.contains(hidden))), "{told:?}");
    }
}
