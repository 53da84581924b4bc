//! A database of every released schema version must open, and read as it did when it was written.
//!
//! `COVID_TEST_WRITE_GOLDEN=1 cargo test -p covid-registry golden` writes the one of today's version anew. Do so when
//! the schema gets a new version, under that version's name; a released file never changes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use covid_registry::{
    CHALLENGER, EmbeddedRegistry, ModelRegistry as _, NewVersion, RunBatch, RunStatus, Tracker as _, list_all_runs,
};
use serde_json::{Value, json};

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
        let path = folder.path().join("tracking.db");
        fs::copy(golden(&format!("tracking-{version}.db")), &path).unwrap();
        let registry = EmbeddedRegistry::open(&path).await.unwrap();
        let expected = fs::read_to_string(golden(&format!("tracking-{version}.json"))).unwrap();
        assert_eq!(dump(&registry).await, serde_json::from_str::<Value>(&expected).unwrap(), "{version}");
        registry.rollback("covid-predictor", 2, 9_000).await.unwrap();
        registry.create_run("covid", "one more", 9_000, &[]).await.unwrap();
        drop(registry);

        let fresh = folder.path().join("fresh.db");
        drop(EmbeddedRegistry::open(&fresh).await.unwrap());
        assert_eq!(schema(&path), schema(&fresh), "{version}, brought up to date, is what a new file gets");
    }
}

/// The statements that made the tables and indexes of a database.
fn schema(path: &Path) -> Vec<Option<String>> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT sql FROM sqlite_master ORDER BY type, name").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// All that a registry says about itself, NaN and the infinities as words.
async fn dump(registry: &EmbeddedRegistry) -> Value {
    let mut runs = vec![];
    for run in list_all_runs(registry, None).await.unwrap() {
        let mut history = vec![];
        for key in run.metrics.keys() {
            for metric in registry.metric_history(&run.info.run_id, key).await.unwrap() {
                history.push(json!([key, metric.step, metric.timestamp_ms, format!("{:?}", metric.value)]));
            }
        }
        runs.push(json!({ "info": run.info, "params": run.params, "tags": run.tags, "history": history }));
    }
    let mut models = vec![];
    for model in registry.list_registered_models().await.unwrap() {
        let versions = registry.list_versions(&model.name).await.unwrap();
        let promotions = registry.promotions(&model.name).await.unwrap();
        models.push(json!({ "model": model, "versions": versions, "promotions": promotions }));
    }
    json!({ "experiments": registry.list_experiments().await.unwrap(), "runs": runs, "models": models })
}

async fn write_golden() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tracking.db");
    let registry = EmbeddedRegistry::open(&path).await.unwrap();
    fill(&registry).await;
    let dump = serde_json::to_string_pretty(&dump(&registry).await).unwrap() + "\n";
    // The last connection that closes folds the write-ahead log into the file.
    drop(registry);
    fs::create_dir_all(golden("")).unwrap();
    fs::copy(&path, golden(&format!("tracking-{VERSION}.db"))).unwrap();
    fs::write(golden(&format!("tracking-{VERSION}.json")), dump).unwrap();
}

async fn fill(registry: &EmbeddedRegistry) {
    registry.get_or_create_experiment("covid").await.unwrap();
    registry.get_or_create_experiment("empty").await.unwrap();
    let first = registry.create_run("covid", "first", 1_000, &[("dataset".into(), "sample".into())]).await.unwrap();
    let batch = RunBatch::new()
        .param("alpha", "0.5")
        .metric("rmsle", 0.072, 0, 1_100)
        .metric("rmsle", f64::NAN, 1, 1_200)
        .metric("rmsle", f64::INFINITY, 2, 1_300)
        .tag("note", "é");
    registry.log_batch(&first.run_id, &batch).await.unwrap();
    registry.put_artifact(&first.run_id, "model/model.json", Bytes::from_static(b"{}")).await.unwrap();
    registry.finish_run(&first.run_id, RunStatus::Finished, 2_000).await.unwrap();
    let second = registry.create_run("covid", "second", 3_000, &[]).await.unwrap();
    registry.finish_run(&second.run_id, RunStatus::Failed, 4_000).await.unwrap();
    registry.create_run("covid", "third", 5_000, &[]).await.unwrap();
    register(registry, &first.run_id).await;
}

async fn register(registry: &EmbeddedRegistry, run_id: &str) {
    let name = "covid-predictor";
    registry.get_or_create_registered_model(name, "Forecasts of cumulative cases and deaths.").await.unwrap();
    for number in 1..=4 {
        let new = NewVersion {
            run_id: run_id.to_owned(),
            source: format!("runs:/{run_id}/model"),
            description: format!("number {number}"),
            tags: vec![("digest".into(), format!("{number}"))],
            created_ms: 2_000 + number,
        };
        registry.create_version(name, &new).await.unwrap();
    }
    registry.promote(name, 1, None, "the first", 6_000).await.unwrap();
    registry.promote(name, 2, Some(1), "p = 0.01", 6_100).await.unwrap();
    registry.promote(name, 3, Some(2), "p = 0.02", 6_200).await.unwrap();
    registry.rollback(name, 3, 6_300).await.unwrap();
    registry.set_alias(name, CHALLENGER, 4).await.unwrap();
}
