//! What is kept of flow runs, and what others find of it.

use covid_core::{Fault, Timestamp};
use covid_flow::{
    Artifact, CancellationToken, Content, Context, Event, Filter, Flow, FlowError, FlowRun, FlowRuns, Observer as _,
    State, StateKind, TaskOptions,
};
use serde_json::json;

use crate::{PASSING, Parameters, runner};

fn working() -> Flow<Parameters> {
    Flow::new("work", "Works, if the number is even.", async |context: Context, Parameters { number }| {
        context.task("read", TaskOptions::default(), || async { Ok::<_, Fault>(()) }).await?;
        context.artifact(Artifact::new("number", "", Content::Table(vec![]))?);
        let odd = number % 2 == 1;
        context.task("halve", TaskOptions::default(), || async move { if odd { Err(PASSING) } else { Ok(()) } }).await
    })
}

#[tokio::test]
async fn all_of_a_flow_run_is_there_for_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let here = runner(folder.path()).await;
    let flow = working();
    let run = |number| here.run(&flow, Parameters { number }, CancellationToken::new());
    let good = run(2).await.unwrap().run;
    let bad = run(3).await.unwrap().run;
    drop(here);

    let kept = FlowRuns::open(folder.path().join("flow.db")).await.unwrap();
    let now = Timestamp::now();
    let list = |filter| kept.list(filter, now);
    let found: Vec<_> = list(Filter::default()).await.unwrap().into_iter().map(|kept| kept.run).collect();
    assert_eq!(found, [bad.clone(), good.clone()], "newest first");
    let failed = Filter { state: Some(StateKind::Failed), ..Filter::default() };
    assert_eq!(list(failed).await.unwrap()[0].run, bad);
    assert_eq!(list(Filter { limit: 1, ..Filter::default() }).await.unwrap().len(), 1);
    assert!(list(Filter { flow: Some("rest".into()), ..Filter::default() }).await.unwrap().is_empty());

    let details = kept.details(&bad.name, now).await.unwrap();
    assert_eq!(details.run.run, bad);
    let kinds = |states: &[State]| states.iter().map(|state| state.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&details.states), [StateKind::Pending, StateKind::Running, StateKind::Failed]);
    assert_eq!(details.run.state.message, "the server is busy");
    let tasks: Vec<_> = details.tasks.iter().map(|task| (task.task.task.as_str(), task.state.kind)).collect();
    assert_eq!(tasks, [("read", StateKind::Completed), ("halve", StateKind::Failed)]);
    assert_eq!(kinds(&details.tasks[0].states), [StateKind::Pending, StateKind::Running, StateKind::Completed]);
    assert_eq!(details.artifacts[0].key, "number");
    assert!(details.run.started_at <= details.run.ended_at && details.run.ended_at.is_some());
    let unknown = kept.details("nobody", now).await.unwrap_err();
    assert!(matches!(unknown, FlowError::UnknownFlowRun { .. }), "{unknown}");
}

#[tokio::test]
async fn what_a_dead_process_left_is_crashed_and_what_a_living_one_does_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flow.db");
    // The lock goes with the last that holds on to the database, as it does with a process.
    let dying = FlowRuns::open(&path).await.unwrap();
    let living = FlowRuns::open(&path).await.unwrap();
    let looking = FlowRuns::open(&path).await.unwrap();
    let (lost, going) = (FlowRun::new("work", json!({})), FlowRun::new("work", json!({})));
    for (kept, run) in [(&dying, &lost), (&living, &going)] {
        for kind in [StateKind::Pending, StateKind::Running] {
            kept.observe(Event::FlowState { run: run.clone(), state: State::new(kind, Timestamp::UNIX_EPOCH, "") });
        }
        kept.flush().await;
    }
    let state = async |run: &FlowRun| looking.details(&run.id, Timestamp::now()).await.unwrap().run.state;
    assert_eq!((state(&lost).await.kind, state(&going).await.kind), (StateKind::Running, StateKind::Running));
    drop(dying);
    for _ in 0..2 {
        assert_eq!(state(&lost).await.message, "its process ended without a word");
        assert_eq!((state(&lost).await.kind, state(&going).await.kind), (StateKind::Crashed, StateKind::Running));
    }
    assert_eq!(looking.details(&lost.id, Timestamp::now()).await.unwrap().states.len(), 3, "it crashed once");
    drop(living);
    assert_eq!(state(&going).await.kind, StateKind::Crashed);
    let locks = std::fs::read_dir(folder.path().join("flow.db-locks")).unwrap().count();
    assert_eq!(locks, 0, "no file is left of those that are gone");
}

#[tokio::test]
async fn a_state_that_may_not_follow_is_not_kept_as_the_run_s() {
    let folder = tempfile::tempdir().unwrap();
    let kept = FlowRuns::open(folder.path().join("flow.db")).await.unwrap();
    let run = FlowRun::new("work", json!({}));
    for kind in [StateKind::Pending, StateKind::Cancelled, StateKind::Running] {
        kept.observe(Event::FlowState { run: run.clone(), state: State::new(kind, Timestamp::UNIX_EPOCH, "") });
    }
    kept.flush().await;
    assert_eq!(kept.details(&run.id, Timestamp::now()).await.unwrap().run.state.kind, StateKind::Cancelled);
}

#[tokio::test]
async fn another_program_s_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flow.db");
    std::fs::write(&path, "no database, but long enough to be looked at as one").unwrap();
    let refused = FlowRuns::open(&path).await.unwrap_err();
    assert!(matches!(refused, FlowError::NotFlowRuns { .. }), "{refused}");
    let refused = FlowRuns::open("/dev/null/flow.db").await.unwrap_err();
    assert!(matches!(refused, FlowError::Unwritable { .. }), "{refused}");
}
