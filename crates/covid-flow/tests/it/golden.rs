//! A database of every released schema version must open, and read as it did when it was written.
//!
//! `COVID_TEST_WRITE_GOLDEN=1 cargo test --workspace --test it -- golden` writes the one of today's version anew. Do so when
//! the schema gets a new version, under that version's name; a released file never changes.

use std::{fs, path::PathBuf};

use covid_core::{Fault, Timestamp};
use covid_flow::{
    Artifact, Content, Context, Event, Filter, Flow, FlowRun, FlowRuns, LogLine, Observer as _, State, StateKind,
    TaskOptions,
};
use serde_json::{Value, json};

use crate::{PASSING, Parameters, runner};

const VERSION: &str = "v1";

fn golden(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).join(name)
}

#[tokio::test]
async fn every_version_still_opens() {
    if std::env::var_os("COVID_TEST_WRITE_GOLDEN").is_some() {
        write_golden().await;
    }
    for version in ["v1"] {
        // A copy: opening a database writes to it.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flow.db");
        fs::copy(golden(&format!("flow-{version}.db")), &path).unwrap();
        let kept = FlowRuns::open(&path).await.unwrap();
        let expected = fs::read_to_string(golden(&format!("flow-{version}.json"))).unwrap();
        assert_eq!(dump(&kept).await, serde_json::from_str::<Value>(&expected).unwrap(), "{version}");
        kept.observe(Event::FlowState { run: FlowRun::new("one more", json!({})), state: state(StateKind::Pending) });
        kept.flush().await;
        assert_eq!(kept.list(Filter::default(), Timestamp::UNIX_EPOCH).await.unwrap()[0].run.flow, "one more");
        drop(kept);

        let fresh = folder.path().join("fresh.db");
        drop(FlowRuns::open(&fresh).await.unwrap());
        assert_eq!(schema(&path), schema(&fresh), "{version}, brought up to date, is what a new file gets");
    }
}

/// The statements that made the tables and indexes of a database.
fn schema(path: &std::path::Path) -> Vec<Option<String>> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT sql FROM sqlite_master ORDER BY type, name").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// All flow runs with all that is kept of them.
async fn dump(kept: &FlowRuns) -> Value {
    let now = Timestamp::UNIX_EPOCH;
    let mut runs = vec![];
    for run in kept.list(Filter::default(), now).await.unwrap() {
        runs.push(kept.details(&run.run.id, now).await.unwrap());
    }
    json!(runs)
}

fn state(kind: StateKind) -> State {
    State::new(kind, Timestamp::from_second(1_900_000_000).unwrap(), "é")
}

async fn write_golden() {
    let folder = tempfile::tempdir().unwrap();
    let runner = runner(folder.path()).await;
    let flow = Flow::new("work", "", async |context: Context, Parameters { number }| {
        context.artifact(Artifact::new("text", "A text.", Content::Markdown("**é**".into()))?);
        context.task("read", TaskOptions::default(), || async { Ok::<_, Fault>(()) }).await?;
        let fails = number == 1;
        context.task("write", TaskOptions::default(), || async move { if fails { Err(PASSING) } else { Ok(()) } }).await
    });
    for number in [1, 2] {
        runner.run(&flow, Parameters { number }, Default::default()).await.unwrap();
    }
    let (kept, mut late) = (runner.kept(), FlowRun::new("work", json!({})));
    late.schedule = Some("daily".into());
    late.scheduled_at = Some(Timestamp::from_second(1_899_990_000).unwrap());
    let line = LogLine {
        flow_run_id: late.id.clone(),
        task_run_id: None,
        at: state(StateKind::Late).at,
        level: "info".into(),
        target: "it".into(),
        message: "a line".into(),
    };
    kept.observe(Event::FlowState { run: late.clone(), state: state(StateKind::Late) });
    kept.observe(Event::Log(line));
    kept.observe(Event::FlowState { run: late, state: state(StateKind::Cancelled) });
    kept.flush().await;
    let dump = serde_json::to_string_pretty(&dump(kept).await).unwrap() + "\n";
    let path = kept.path().to_owned();
    // The last connection that closes folds the write-ahead log into the file.
    drop(runner);
    fs::create_dir_all(golden("")).unwrap();
    fs::copy(&path, golden(&format!("flow-{VERSION}.db"))).unwrap();
    fs::write(golden(&format!("flow-{VERSION}.json")), dump).unwrap();
}
