use std::{fs, path::Path, sync::Arc};

use bytes::Bytes;
use covid_core::{Explain as _, FaultKind};
use covid_registry::{
    EmbeddedRegistry, MlflowSettings, ModelRegistry as _, NewVersion, Promotion, Registry, RegistryError, RunBatch,
    RunStatus, Tracker as _,
    conformance::{self, Capabilities},
    list_all_runs, resolve,
};
use proptest::prelude::*;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

async fn open(folder: &TempDir) -> EmbeddedRegistry {
    EmbeddedRegistry::open(folder.path().join("tracking.db")).await.unwrap()
}

async fn new_model(registry: &dyn Registry, versions: u64) {
    registry.get_or_create_experiment("e").await.unwrap();
    let run_id = registry.create_run("e", "r", 1, &[]).await.unwrap().run_id;
    registry.get_or_create_registered_model("m", "").await.unwrap();
    for _ in 0..versions {
        let new = NewVersion { run_id: run_id.clone(), source: "runs:/r/model".to_owned(), ..NewVersion::default() };
        registry.create_version("m", &new).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let folder = folder();
    let uri = format!("embedded:{}/new/store/tracking.db", folder.path().display());
    let registry = resolve(&uri, &MlflowSettings::default()).await.unwrap();
    conformance::run(registry, Capabilities::embedded(), "suite").await;
}

#[tokio::test]
async fn infinite_metrics_stay_infinite() {
    let folder = folder();
    let registry = open(&folder).await;
    registry.get_or_create_experiment("e").await.unwrap();
    let id = registry.create_run("e", "r", 1, &[]).await.unwrap().run_id;
    let batch = RunBatch::new().metric("m", f64::INFINITY, 0, 0).metric("m", f64::NEG_INFINITY, 1, 0);
    registry.log_batch(&id, &batch).await.unwrap();
    let values: Vec<_> = registry.metric_history(&id, "m").await.unwrap().iter().map(|metric| metric.value).collect();
    assert_eq!(values, [f64::INFINITY, f64::NEG_INFINITY]);
}

#[tokio::test]
async fn runs_that_start_together_are_listed_newest_first() {
    let folder = folder();
    let registry = open(&folder).await;
    registry.get_or_create_experiment("e").await.unwrap();
    for name in ["first", "second", "third"] {
        registry.create_run("e", name, 1_000, &[]).await.unwrap();
    }
    let page = registry.search_runs(None, 1, None).await.unwrap();
    let rest = registry.search_runs(None, 9, page.next.as_deref()).await.unwrap();
    let names: Vec<_> = page.runs.iter().chain(&rest.runs).map(|run| run.info.name.as_str()).collect();
    assert_eq!(names, ["third", "second", "first"]);
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let folder = folder();
    let first = open(&folder).await;
    new_model(&first, 2).await;
    first.promote("m", 1, None, "evidence", 5).await.unwrap();
    let run_id = first.get_version("m", 1).await.unwrap().run_id;
    first.log_batch(&run_id, &RunBatch::new().param("a", "1").metric("m", 0.1, 0, 0).tag("t", "x")).await.unwrap();
    first.finish_run(&run_id, RunStatus::Finished, 2).await.unwrap();
    first.put_artifact(&run_id, "model/model.json", Bytes::from_static(b"{}")).await.unwrap();
    let before = (list_all_runs(&first, None).await.unwrap(), first.list_versions("m").await.unwrap());
    drop(first);

    let second = open(&folder).await;
    let after = (list_all_runs(&second, None).await.unwrap(), second.list_versions("m").await.unwrap());
    assert_eq!(after, before);
    assert_eq!(second.promotions("m").await.unwrap().len(), 1);
    assert_eq!(second.get_artifact(&run_id, "model/model.json").await.unwrap(), "{}");
    let file = folder.path().join(format!("artifacts/e/{run_id}/model/model.json"));
    assert_eq!(fs::read(file).unwrap(), b"{}", "the contract's place for a model file");
}

/// Two registries on one file share nothing in memory, as two programs would.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_programs_that_promote_at_once_one_wins() {
    let folder = folder();
    let (one, two) = (open(&folder).await, open(&folder).await);
    new_model(&one, 21).await;
    one.promote("m", 1, None, "", 1).await.unwrap();
    let mut champion = 1;
    for round in 0..10 {
        let (a, b) = (2 + 2 * round, 3 + 2 * round);
        let (first, second) = tokio::join!(
            spawn_promotion(&one, a, champion), //
            spawn_promotion(&two, b, champion),
        );
        let (won, lost, winner) = if first.is_ok() { (first, second, a) } else { (second, first, b) };
        assert!(matches!(&won, Ok(Promotion::Promoted(event)) if event.previous == Some(champion)), "{won:?}");
        match lost {
            Err(error @ RegistryError::LostRace { found, .. }) => {
                assert_eq!(found, Some(winner));
                assert!(error.to_string().ends_with(&format!("the champion is now version {winner}")), "{error}");
            }
            other => panic!("only one may win: {other:?}"),
        }
        conformance::assert_one_champion(&one, "m", winner).await;
        champion = winner;
    }
}

async fn spawn_promotion(registry: &EmbeddedRegistry, version: u64, expected: u64) -> Result<Promotion, RegistryError> {
    let registry = registry.clone();
    tokio::spawn(async move { registry.promote("m", version, Some(expected), "", 2).await }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_programs_may_create_one_file_at_once() {
    for _ in 0..5 {
        let folder = folder();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let path = folder.path().join("tracking.db");
            tasks.spawn(async move {
                let registry = EmbeddedRegistry::open(path).await?;
                registry.get_or_create_experiment("shared").await
            });
        }
        let ids: Vec<_> = tasks.join_all().await.into_iter().map(|experiment| experiment.unwrap().id).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "one experiment for all: {ids:?}");
    }
}

#[tokio::test]
async fn a_torn_artifact_is_never_seen() {
    let folder = folder();
    let registry = Arc::new(open(&folder).await);
    registry.get_or_create_experiment("e").await.unwrap();
    let id = registry.create_run("e", "r", 1, &[]).await.unwrap().run_id;
    registry.put_artifact(&id, "a", vec![0; 50_000].into()).await.unwrap();
    let (reader, read_id) = (Arc::clone(&registry), id.clone());
    let reading = tokio::spawn(async move {
        loop {
            let bytes = reader.get_artifact(&read_id, "a").await.unwrap();
            assert!(bytes.len() == 50_000 && bytes.iter().all(|byte| *byte == bytes[0]));
            if bytes[0] == 30 {
                break;
            }
        }
    });
    for content in 1..=30 {
        registry.put_artifact(&id, "a", vec![content; 50_000].into()).await.unwrap();
    }
    reading.await.unwrap();
}

#[tokio::test]
async fn a_file_of_another_kind_is_refused_and_left_alone() {
    let folder = folder();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "these are notes, and no database. ".repeat(100)).unwrap();
    assert_refused(&text, "file is not a database").await;

    let other = folder.path().join("mlflow.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE experiments (a)").unwrap();
    assert_refused(&other, "it is a database of another program").await;
}

async fn assert_refused(path: &Path, reason: &str) {
    let before = fs::read(path).unwrap();
    let error = EmbeddedRegistry::open(path).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{} cannot be read as a tracking database: {reason}", path.display()));
    assert_eq!(error.kind(), FaultKind::Data);
    assert!(error.hint().is_some());
    assert!(fs::read(path).unwrap() == before, "the file is as it was");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = folder();
    let path = open(&folder).await.path().to_owned();
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let error = EmbeddedRegistry::open(&path).await.unwrap_err();
    assert!(matches!(error, RegistryError::NewerSchema { found: 2, known: 1, .. }), "{error:?}");
    assert_eq!(error.kind(), FaultKind::Data);
    assert!(error.to_string().ends_with("has schema version 2, and this program knows versions up to 1"), "{error}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_to_is_a_usage_error() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.join("tracking.db"), file.join("deep/tracking.db"), folder.path().to_owned()] {
        let error = EmbeddedRegistry::open(&path).await.unwrap_err();
        assert!(matches!(error, RegistryError::Unwritable { .. }), "{error:?}");
        assert_eq!(error.kind(), FaultKind::Usage);
        assert!(error.to_string().contains(" cannot be written to: "), "{error}");
    }
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Promote { version: u64, expects_champion: bool },
    Rollback,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let promote = (1..=4_u64, prop::bool::weighted(0.8))
        .prop_map(|(version, expects_champion)| Move::Promote { version, expects_champion });
    prop::collection::vec(prop_oneof![3 => promote, 2 => Just(Move::Rollback)], 1..25)
}

/// What a stack of promotions says must happen, against which the registry is held.
fn expected_stack(mut stack: Vec<u64>, step: Move) -> Option<Vec<u64>> {
    match step {
        Move::Promote { version, .. } if stack.last() == Some(&version) => Some(stack),
        Move::Promote { expects_champion: false, .. } => None,
        Move::Promote { version, .. } => {
            stack.push(version);
            Some(stack)
        }
        Move::Rollback if stack.len() < 2 => None,
        Move::Rollback => {
            stack.pop();
            Some(stack)
        }
    }
}

async fn make_move(registry: &dyn Registry, step: Move, champion: Option<u64>) -> Result<(), RegistryError> {
    match step {
        Move::Promote { version, expects_champion } => {
            let expected = if expects_champion { champion } else { Some(99) };
            registry.promote("m", version, expected, "", 1).await.map(|_| ())
        }
        Move::Rollback => registry.rollback("m", champion.unwrap_or(1), 1).await.map(|_| ()),
    }
}

async fn play(moves: Vec<Move>) {
    let folder = folder();
    let registry = open(&folder).await;
    new_model(&registry, 4).await;
    let mut stack: Vec<u64> = vec![];
    for step in moves {
        let done = make_move(&registry, step, stack.last().copied()).await;
        let expected = expected_stack(stack.clone(), step);
        assert_eq!(done.is_ok(), expected.is_some(), "{step:?} on {stack:?}: {done:?}");
        stack = expected.unwrap_or(stack);
        if let Some(champion) = stack.last() {
            conformance::assert_one_champion(&registry, "m", *champion).await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn there_is_always_one_champion(moves in moves()) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(play(moves));
    }
}
