//! A flow run from its beginning to each of its ends.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use covid_core::{Fault, FaultKind};
use covid_flow::{
    Artifact, CancellationToken, Content, Context, Ended, Engine, Flow, FlowError, FlowRun, Flows, StateKind,
    TaskOptions,
};
use serde_json::json;

use crate::{PASSING, Parameters, Trouble, recorder::Recorder, runner, wall_clock};

fn quick(retries: u32) -> TaskOptions {
    TaskOptions::default().retries(retries).backoff(Duration::from_millis(1), Duration::from_millis(2))
}

/// Runs a flow, and gives how it ended and what was seen of it.
async fn watch<F>(
    cancel: CancellationToken,
    body: impl Fn(Context) -> F + Send + Sync + 'static,
) -> (Ended, Vec<String>)
where
    F: Future<Output = Result<(), Fault>> + Send + 'static,
{
    let flow = Flow::new("work", "Works.", move |context, Parameters { .. }| body(context)).erased();
    let recorder = Arc::new(Recorder::default());
    let engine = Engine::new(recorder.clone(), wall_clock());
    let ended = engine.run(&flow, FlowRun::new("work", json!({})), cancel).await;
    (ended, recorder.lines())
}

#[tokio::test]
async fn a_flow_that_ends_well() {
    let (ended, seen) = watch(CancellationToken::new(), async |context: Context| {
        let read = context.task("read", TaskOptions::default(), || async { Ok::<_, Fault>(20) }).await?;
        for _ in 0..2 {
            context.task("write", quick(1), || async move { Ok::<_, Trouble>(read + 1) }).await?;
        }
        context.artifact(Artifact::new("result", "The result.", Content::Markdown("**21**".into()))?);
        Ok(())
    })
    .await;
    assert!(ended.result.is_ok());
    assert_eq!(
        seen,
        [
            "work: Running",
            "read-0: Pending",
            "read-0: Running",
            "read-0: Completed",
            "write-0: Pending",
            "write-0: Running",
            "write-0: Completed",
            "write-1: Pending",
            "write-1: Running",
            "write-1: Completed",
            "artifact result",
            "work: Completed",
        ]
    );
}

/// A task that fails so often, and then not.
async fn failing(context: Context, times: u32, trouble: fn() -> Trouble, options: TaskOptions) -> Result<(), Fault> {
    let tries = AtomicU32::new(0);
    let work = || async { if tries.fetch_add(1, Ordering::Relaxed) < times { Err(trouble()) } else { Ok(()) } };
    context.task("ask", options, work).await
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_nothing_else() {
    let (ended, seen) = watch(CancellationToken::new(), |context| failing(context, 2, || PASSING, quick(2))).await;
    assert_eq!(ended.state.kind, StateKind::Completed);
    assert_eq!(
        seen[2..9],
        [
            "ask-0: Running",
            "ask-0: AwaitingRetry (the server is busy)",
            "ask-0: Retrying (try 2)",
            "ask-0: AwaitingRetry (the server is busy)",
            "ask-0: Retrying (try 3)",
            "ask-0: Completed",
            "work: Completed",
        ]
    );
    let (ended, seen) = watch(CancellationToken::new(), |context| failing(context, 2, || PASSING, quick(1))).await;
    assert_eq!(ended.result.unwrap_err().kind(), FaultKind::Remote);
    assert_eq!(seen[5..], ["ask-0: Failed (the server is busy)", "work: Failed (the server is busy)"]);

    let bad_data = || Trouble("a row is bad", FaultKind::Data);
    let (_, seen) = watch(CancellationToken::new(), move |context| failing(context, 1, bad_data, quick(9))).await;
    assert_eq!(seen[2..], ["ask-0: Running", "ask-0: Failed (a row is bad)", "work: Failed (a row is bad)"]);
}

#[tokio::test]
async fn what_takes_too_long_is_tried_again_too() {
    let (ended, seen) = watch(CancellationToken::new(), async |context: Context| {
        let options = quick(1).timeout(Duration::from_millis(5));
        context.task("wait", options, || async { pending::<Result<(), Fault>>().await }).await
    })
    .await;
    assert_eq!(ended.result.unwrap_err().to_string(), "the task `wait` was not done within 0.005 s");
    assert_eq!(seen.iter().filter(|line| line.contains("AwaitingRetry")).count(), 1, "{seen:?}");
}

#[tokio::test]
async fn a_panic_is_a_crash_of_task_and_flow() {
    let (ended, seen) = watch(CancellationToken::new(), async |context: Context| {
        context
            .task("count", TaskOptions::default(), || async {
                let none: Vec<u8> = vec![];
                assert!(!none.is_empty(), "nothing to count");
                Ok::<_, Fault>(())
            })
            .await
    })
    .await;
    assert_eq!(ended.state.kind, StateKind::Crashed);
    assert_eq!(ended.result.unwrap_err().to_string(), "the flow `work` met a bug: nothing to count");
    assert_eq!(
        seen[3..],
        ["count-0: Crashed (nothing to count)", "work: Crashed (the flow `work` met a bug: nothing to count)"]
    );
}

#[tokio::test]
async fn a_task_that_was_begun_comes_to_its_end_and_no_other_begins() {
    let cancel = CancellationToken::new();
    let (done, asked) = (Arc::new(AtomicU32::new(0)), cancel.clone());
    let counted = done.clone();
    let (ended, seen) = watch(cancel, move |context| {
        let (counted, asked) = (counted.clone(), asked.clone());
        async move {
            for _ in 0..2 {
                let (counted, asked) = (&counted, &asked);
                let write = async || {
                    asked.cancel();
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    counted.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, Fault>(())
                };
                context.task("write", TaskOptions::default(), write).await?;
            }
            Ok(())
        }
    })
    .await;
    assert_eq!(done.load(Ordering::Relaxed), 1, "the first wrote all, the second nothing");
    assert_eq!(
        seen,
        [
            "work: Running",
            "write-0: Pending",
            "write-0: Running",
            "work: Cancelling",
            "write-0: Completed",
            "work: Cancelled (the flow run was cancelled)",
        ]
    );
    assert_eq!(ended.result.unwrap_err().to_string(), FlowError::Cancelled.to_string());
}

#[tokio::test]
async fn cancelled_during_its_last_task_it_has_a_result_and_is_cancelled() {
    let cancel = CancellationToken::new();
    let asked = cancel.clone();
    let (ended, _) = watch(cancel, move |context| {
        let asked = asked.clone();
        async move {
            let last = async || {
                asked.cancel();
                tokio::task::yield_now().await;
                Ok::<_, Fault>(())
            };
            context.task("write", TaskOptions::default(), last).await
        }
    })
    .await;
    assert!(ended.result.is_ok());
    assert_eq!(ended.state.kind, StateKind::Cancelled);
    assert_eq!(ended.state.message, "after its last task: its work is complete");
}

#[tokio::test]
async fn what_may_be_dropped_is_and_no_wait_for_a_try_goes_on() {
    let slow = TaskOptions::default().retries(1).backoff(Duration::from_secs(600), Duration::from_secs(600));
    for options in [TaskOptions::default().droppable(), slow] {
        let cancel = CancellationToken::new();
        let asked = cancel.clone();
        let (ended, seen) = watch(cancel, move |context| {
            let asked = asked.clone();
            async move {
                let asks = async || {
                    let asked = asked.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        asked.cancel();
                    });
                    if options == slow { Err(PASSING) } else { pending::<Result<(), Trouble>>().await }
                };
                context.task("ask", options, asks).await
            }
        })
        .await;
        assert_eq!(ended.state.kind, StateKind::Cancelled);
        assert!(seen.contains(&"ask-0: Cancelled".to_owned()), "{seen:?}");
    }
}

#[tokio::test]
async fn what_is_cancelled_before_it_begins_does_not_begin() {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let (_, seen) = watch(cancel, async |_| panic!("it began")).await;
    assert_eq!(seen, ["work: Cancelled (before it began)"]);
}

#[tokio::test]
async fn a_long_task_may_stop_where_it_says() {
    let cancel = CancellationToken::new();
    let asked = cancel.clone();
    let (_, seen) = watch(cancel, move |context| {
        let asked = asked.clone();
        async move {
            let count = async || {
                for number in 0.. {
                    context.go_on()?;
                    if number == 3 {
                        asked.cancel();
                    }
                }
                Ok::<_, FlowError>(())
            };
            context.task("count", TaskOptions::default(), count).await
        }
    })
    .await;
    assert_eq!(seen[3..], ["count-0: Cancelled", "work: Cancelled (the flow run was cancelled)"]);
}

#[tokio::test]
async fn parameters_are_typed_and_have_a_schema() {
    let flow = Flow::new("double", "Doubles.", async |_, Parameters { number }: Parameters| Ok(2 * number));
    let flows = Flows::default().with(&flow).unwrap();
    let erased = flows.get("double").unwrap();
    insta::assert_json_snapshot!(erased.schema(), @r#"
    {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "number": {
          "type": "integer",
          "format": "uint32",
          "minimum": 0,
          "description": "The number that is worked on.",
          "default": 0
        }
      },
      "description": "Parameters of the tests' flows.",
      "title": "Parameters"
    }
    "#);
    assert!(erased.check(&json!(null)).is_ok() && erased.check(&json!({ "number": 3 })).is_ok());
    let refused = erased.check(&json!({ "nmber": 3 })).unwrap_err().to_string();
    insta::assert_snapshot!(refused, @"the flow `double` cannot take these parameters: unknown field `nmber`, expected `number`");
    insta::assert_snapshot!(flows.get("triple").unwrap_err(), @"there is no flow `triple`: the flows are `double`");
    assert!(matches!(flows.with(&flow), Err(FlowError::NameTaken { .. })));
    let slash: Flow<Parameters> = Flow::new("a/b", "", async |_, _| Ok(()));
    assert!(matches!(Flows::default().with(&slash), Err(FlowError::BadName { .. })));

    let folder = tempfile::tempdir().unwrap();
    let runner = runner(folder.path()).await;
    let ended = runner.run(&flow, Parameters { number: 21 }, CancellationToken::new()).await.unwrap();
    assert_eq!(ended.result.unwrap(), 42);
}

#[tokio::test]
async fn bad_parameters_fail_the_run() {
    let flow = Flow::new("double", "", async |_, Parameters { number }: Parameters| Ok(2 * number)).erased();
    let recorder = Arc::new(Recorder::default());
    let run = FlowRun::new("double", json!({ "number": "three" }));
    let ended = Engine::new(recorder.clone(), wall_clock()).run(&flow, run, CancellationToken::new()).await;
    assert_eq!(ended.state.kind, StateKind::Failed);
    assert_eq!(ended.result.unwrap_err().kind(), FaultKind::Usage);
}
