//! The health endpoint, asked by the crate's own client and by hand.

use std::{net::SocketAddr, sync::Arc};

use covid_core::{Explain as _, Fault, FaultKind};
use covid_flow::{
    Board, CancellationToken, Clock, CronSchedule, Flow, FlowRuns, FlowSettings, Flows, HealthServer, HealthStatus,
    LocalRunner, Schedule, Scheduler, StateKind, ask_health,
};
use covid_http::{Call, Client, HttpError, HttpFault, HttpSettings};
use serde_json::json;

use crate::{PASSING, Parameters, fake_clock::FakeClock};

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn get(server: &HealthServer, path: &str) -> Result<String, HttpError> {
    let url = format!("http://{}{path}", server.address()).parse().unwrap();
    let client = Client::new(HttpSettings { tries: 1, ..HttpSettings::default() }).unwrap();
    client.call(&Call::get(url)).await.map(|body| String::from_utf8(body.to_vec()).unwrap())
}

/// Works on even numbers.
fn halving() -> Flow<Parameters> {
    Flow::new(
        "halve",
        "",
        async |_, Parameters { number }| {
            if number % 2 == 1 { Err(Fault::from(PASSING)) } else { Ok(()) }
        },
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_how_the_schedules_fare() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::at("2030-03-01T00:00:00Z");
    let board = Arc::new(Board::new(clock.clone()));
    let server = HealthServer::start(ANY_PORT, board.clone()).await.unwrap();
    assert_eq!(ask_health(server.address()).await.unwrap().status, HealthStatus::Healthy, "there is nothing to do");

    let schedule = |name: &str, number, cron| Schedule {
        name: name.into(),
        flow: "halve".into(),
        parameters: json!({ "number": number }),
        times: CronSchedule::new(cron, "Europe/Berlin").unwrap(),
    };
    let runner = LocalRunner::new(FlowRuns::open(folder.path().join("flow.db")).await.unwrap(), clock.clone());
    let flows = Flows::default().with(&halving()).unwrap();
    let schedules = vec![schedule("even", 2, "20 12 * * *"), schedule("\"odd\"", 3, "30 12 * * *")];
    let scheduler = Scheduler::new(&flows, schedules, runner, board.clone(), &FlowSettings::default()).unwrap();
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let serving = tokio::spawn(async move { scheduler.serve(stopping).await });

    clock.run_to("2030-03-02T11:25:00Z", 2).await;
    let health = ask_health(server.address()).await.unwrap();
    assert_eq!(health.status, HealthStatus::Failing, "the odd one failed yesterday");
    let even = &health.schedules["even"];
    let last = even.last_run.as_ref().unwrap();
    assert_eq!((last.state, last.at.to_string().as_str()), (StateKind::Completed, "2030-03-02T11:20:00Z"));
    assert_eq!(even.next.unwrap().to_string(), "2030-03-03T11:20:00Z");
    assert_eq!((even.cron.as_str(), even.time_zone.as_str()), ("20 12 * * *", "Europe/Berlin"));
    let unhealthy = health.checked(server.address()).unwrap_err();
    assert_eq!(unhealthy.kind(), FaultKind::Remote);
    assert!(
        unhealthy.to_string().ends_with("/healthz is not healthy: the last run of a schedule failed"),
        "{unhealthy}"
    );
    let refused = get(&server, "/healthz").await.unwrap_err();
    assert!(matches!(refused.fault(), HttpFault::Status { code: 503, .. }));

    insta::assert_snapshot!(get(&server, "/metrics").await.unwrap(), @r#"
    # HELP covid_flow_runs_total Flow runs that ended, by flow and state.
    # TYPE covid_flow_runs_total counter
    covid_flow_runs_total{flow="halve",state="Completed"} 2
    covid_flow_runs_total{flow="halve",state="Failed"} 1
    # HELP covid_flow_runs_running Flow runs at work.
    # TYPE covid_flow_runs_running gauge
    covid_flow_runs_running{flow="halve"} 0
    # HELP covid_flow_run_duration_seconds How long the flow runs took that ended.
    # TYPE covid_flow_run_duration_seconds summary
    covid_flow_run_duration_seconds_sum{flow="halve"} 0
    covid_flow_run_duration_seconds_count{flow="halve"} 3
    # HELP covid_flow_last_success_timestamp_seconds When a flow run was last Completed.
    # TYPE covid_flow_last_success_timestamp_seconds gauge
    covid_flow_last_success_timestamp_seconds{flow="halve"} 1898680800
    # HELP covid_schedule_next_timestamp_seconds The next time of a schedule.
    # TYPE covid_schedule_next_timestamp_seconds gauge
    covid_schedule_next_timestamp_seconds{schedule="\"odd\""} 1898681400
    covid_schedule_next_timestamp_seconds{schedule="even"} 1898767200
    # HELP covid_schedule_last_success_timestamp_seconds When a schedule's run was last Completed.
    # TYPE covid_schedule_last_success_timestamp_seconds gauge
    covid_schedule_last_success_timestamp_seconds{schedule="even"} 1898680800
    # HELP covid_schedule_missed_total Times of a schedule that nothing was run for.
    # TYPE covid_schedule_missed_total counter
    covid_schedule_missed_total{schedule="\"odd\""} 0
    covid_schedule_missed_total{schedule="even"} 0
    "#);

    let clock_now = clock.now();
    clock.jump_to("2030-03-04T00:00:00Z");
    assert!(clock.now() > clock_now);
    assert_eq!(ask_health(server.address()).await.unwrap().status, HealthStatus::Stalled, "nobody woke up");
    stop.cancel();
    serving.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_is_served_and_nobody_is_said_so() {
    let board = Arc::new(Board::new(FakeClock::at("2030-03-01T00:00:00Z")));
    let server = HealthServer::start(ANY_PORT, board.clone()).await.unwrap();
    let error = get(&server, "/").await.unwrap_err();
    assert!(matches!(error.fault(), HttpFault::Status { code: 404, .. }), "{error}");
    let taken = HealthServer::start(server.address(), board).await.unwrap_err();
    assert_eq!(taken.kind(), FaultKind::Usage);
    let address = server.address();
    drop(server);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let nobody = ask_health(address).await.unwrap_err();
    assert_eq!(nobody.kind(), FaultKind::Remote);
    assert!(nobody.hint().unwrap().contains("start `serve`"));
}
