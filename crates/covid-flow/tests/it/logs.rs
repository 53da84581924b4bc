//! Log lines find the flow run and the task run that they belong to.

use std::sync::Arc;

use covid_core::Fault;
use covid_flow::{CancellationToken, Context, Engine, Event, Flow, FlowLogs, FlowRun, TaskOptions};
use serde_json::json;
use tracing::{Instrument as _, Span, subscriber::DefaultGuard};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::{Parameters, recorder::Recorder, wall_clock};

/// The layer, for this thread.
fn installed() -> DefaultGuard {
    tracing::subscriber::set_default(tracing_subscriber::registry().with(FlowLogs::new()))
}

async fn talk(context: Context, Parameters { number }: Parameters) -> Result<(), Fault> {
    tracing::info!("begins");
    let say = async || {
        tracing::warn!(rows = 3, "reads {number}");
        tracing::debug!("not for people");
        let (span, dispatch) = (Span::current(), tracing::dispatcher::get_default(Clone::clone));
        let work =
            move || tracing::dispatcher::with_default(&dispatch, || span.in_scope(|| tracing::info!("computes")));
        tokio::task::spawn_blocking(work).await.map_err(|_| covid_flow::FlowError::Cancelled)?;
        Ok::<_, covid_flow::FlowError>(())
    };
    context.task("read", TaskOptions::default(), say).await
}

#[tokio::test]
async fn lines_go_to_the_run_that_they_belong_to() {
    let _installed = installed();
    tracing::info!("of nobody");
    let flow = Flow::new("talk", "", talk).erased();
    let recorders: Vec<_> = (0..2).map(|_| Arc::new(Recorder::default())).collect();
    let runs = recorders.iter().enumerate().map(|(number, recorder)| {
        let run = FlowRun::new("talk", json!({ "number": number }));
        let engine = Engine::new(recorder.clone(), wall_clock());
        let flow = flow.clone();
        async move { engine.run(&flow, run, CancellationToken::new()).await }.instrument(tracing::info_span!("around"))
    });
    futures_util::future::join_all(runs).await;
    tracing::info!("of nobody");
    for (number, recorder) in recorders.iter().enumerate() {
        let events = recorder.events();
        let lines = || events.iter().filter_map(|event| if let Event::Log(line) = event { Some(line) } else { None });
        let said: Vec<_> = lines().map(|line| format!("{} {}", line.level, line.message)).collect();
        assert_eq!(said, ["info begins".to_owned(), format!("warn reads {number} rows=3"), "info computes".to_owned()]);
        let [Event::FlowState { run, .. }, _, Event::TaskState { task, .. }, ..] = &events[..] else {
            panic!("{events:?}")
        };
        assert!(lines().all(|line| line.flow_run_id == run.id && line.target.starts_with("it")));
        let of_task: Vec<_> = lines().map(|line| line.task_run_id.as_ref() == Some(&task.id)).collect();
        assert_eq!(of_task, [false, true, true]);
    }
}
