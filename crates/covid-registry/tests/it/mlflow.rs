//! The backend of a real MLflow server.

use std::{collections::BTreeMap, env, process::Command, sync::Arc};

use bytes::Bytes;
use covid_registry::{
    CHALLENGER, CHAMPION, DatasetInput, MlflowSettings, ModelStage, NewVersion, PromotionKind, Registry, RegistryError,
    RunBatch, RunStatus,
    conformance::{self, Capabilities},
    resolve,
};
use covid_testing::live_server;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The server that COVID_TEST_MLFLOW names, and a name that is new there.
pub(crate) async fn server() -> Option<(Arc<dyn Registry>, String)> {
    let uri = live_server("COVID_TEST_MLFLOW")?;
    let registry = resolve(&uri, &MlflowSettings::default()).await.unwrap();
    Some((registry, format!("suite-{:016x}", rand::random::<u64>())))
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let Some((registry, scope)) = server().await else { return };
    conformance::run(registry, Capabilities::mlflow(), &scope).await;
}

/// What MLflow's own client says, if the live tests have one.
pub(crate) fn python_client(args: &[&str]) -> Option<Value> {
    let python = live_server("COVID_TEST_MLFLOW_PYTHON")?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mlflow_client.py");
    let output = Command::new(python).arg(script).args(args).env("MLFLOW_DISABLE_TELEMETRY", "true").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

const DAY: i64 = 86_400_000;

/// Two runs with all that a training logs, the second of them the better one and champion.
async fn trained(registry: &dyn Registry, name: &str) -> [String; 2] {
    registry.get_or_create_experiment(name).await.unwrap();
    registry.get_or_create_registered_model(name, "forecasts").await.unwrap();
    let mut ids = Vec::new();
    for (nth, rmsle) in [(1, 0.25), (2, 0.125)] {
        let start_ms = nth * DAY;
        let run = registry.create_run(name, &format!("candidate {nth}"), start_ms, &[]).await.unwrap();
        let mut batch = RunBatch::new().param("recipe", format!("growth-{nth}")).metric("rmsle", rmsle, 0, start_ms);
        for ahead in 1..=3 {
            batch = batch.metric("rmsle_by_horizon.ConfirmedCases", rmsle * ahead as f64, ahead, start_ms);
        }
        registry.log_batch(&run.run_id, &batch).await.unwrap();
        registry.log_dataset(&run.run_id, &dataset()).await.unwrap();
        let file = |path: &str, text: String| (path.to_owned(), Bytes::from(text));
        let files = [
            file("MLmodel", format!("flavors:\n  covid: {{}}\nrun_id: {}\n", run.run_id)),
            file("model.json", format!("{{\"nth\":{nth}}}")),
        ];
        let source = registry.log_model(&run.run_id, &files).await.unwrap();
        registry.put_artifact(&run.run_id, "backtest.csv", "origin,rmsle\n".into()).await.unwrap();
        registry.put_artifact(&run.run_id, "report.html", "<p>é</p>".into()).await.unwrap();
        let new = NewVersion {
            run_id: run.run_id.clone(),
            source,
            description: format!("the {nth}."),
            tags: vec![("rmsle".to_owned(), rmsle.to_string())],
            created_ms: start_ms,
        };
        let version = registry.create_version(name, &new).await.unwrap().version;
        let expected = (version > 1).then(|| version - 1);
        registry.promote(name, version, expected, "it is better", start_ms + 1).await.unwrap();
        registry.finish_run(&run.run_id, RunStatus::Finished, start_ms + 2).await.unwrap();
        ids.push(run.run_id);
    }
    registry.set_alias(name, CHALLENGER, 1).await.unwrap();
    ids.try_into().unwrap()
}

fn dataset() -> DatasetInput {
    let (name, source) = ("sample".to_owned(), "simulated".to_owned());
    DatasetInput { name, digest: "0123456789abcdef".repeat(4), source, profile: json!({ "locations": 48 }) }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mlflow_s_own_client_reads_what_was_written_and_its_promotion_is_obeyed() {
    let Some((registry, name)) = server().await else { return };
    let registry = registry.as_ref();
    let [worse, better] = trained(registry, &name).await;
    let uri = env::var("COVID_TEST_MLFLOW").unwrap();
    let Some(seen) = python_client(&["read", &uri, &name, &name]) else { return };

    let ids: Vec<_> = seen["runs"].as_array().unwrap().iter().map(|run| run["run_id"].as_str().unwrap()).collect();
    assert_eq!(ids, [better.as_str(), worse.as_str()], "by order of RMSLE");
    let best = &seen["runs"][0];
    assert_eq!((&best["name"], &best["status"]), (&json!("candidate 2"), &json!("FINISHED")));
    assert_eq!((&best["start_ms"], &best["end_ms"]), (&json!(2 * DAY), &json!(2 * DAY + 2)));
    assert_eq!(best["params"], json!({ "recipe": "growth-2" }));
    let by_horizon = json!([[1, 2 * DAY, 0.125], [2, 2 * DAY, 0.25], [3, 2 * DAY, 0.375]]);
    assert_eq!(best["history"]["rmsle_by_horizon.ConfirmedCases"], by_horizon, "the horizon is the step");
    let digest = &dataset().digest[..12];
    let context = json!({ "mlflow.data.context": "training" });
    assert_eq!(best["datasets"], json!([{ "name": "sample", "digest": digest, "context": context }]));
    let ml_model = format!("flavors:\n  covid: {{}}\nrun_id: {better}\n");
    let files = [
        ("backtest.csv", "origin,rmsle\n"),
        ("model/MLmodel", &ml_model),
        ("model/model.json", "{\"nth\":2}"),
        ("report.html", "<p>é</p>"),
    ];
    let listed = registry.list_artifacts(&better).await.unwrap();
    assert!(listed.iter().map(|artifact| artifact.path.as_str()).eq(files.map(|(path, _)| path)), "{listed:?}");
    let files = BTreeMap::from(files.map(|(path, written)| (path, Value::from(sha256(written.as_bytes())))));
    let of_model = json!({ "MLmodel": files["model/MLmodel"], "model.json": files["model/model.json"] });
    let model = &best["logged_models"][0];
    assert_eq!((&model["name"], &model["status"], &model["files"]), (&json!("model"), &json!("READY"), &of_model));
    assert_eq!(model["params"], json!({ "recipe": "growth-2" }));
    assert_eq!(model["metrics"], json!([["rmsle", 0, 0.125], ["rmsle_by_horizon.ConfirmedCases", 3, 0.375]]));
    for (path, digest) in best["artifacts"].as_object().unwrap() {
        assert_eq!(Some(digest), files.get(path.as_str()), "{path}, byte for byte");
    }
    assert!(best["artifacts"].get("backtest.csv").is_some() && best["artifacts"].get("report.html").is_some());

    let model = &seen["model"];
    assert_eq!(
        (&model["description"], &model["by_alias"]),
        (&json!("forecasts"), &json!({ "challenger": 1, "champion": 2 }))
    );
    assert_eq!((&model["in_production"], &model["champion_files"]), (&json!([2]), &of_model));
    let stages: Vec<_> = model["versions"].as_array().unwrap().iter().map(|version| &version["stage"]).collect();
    assert_eq!(stages, ["Archived", "Production"]);
    let second = &model["versions"][1];
    assert_eq!((&second["run_id"], &second["description"]), (&json!(better), &json!("the 2.")));
    assert_eq!((&second["status"], &second["tags"]["rmsle"]), (&json!("READY"), &json!("0.125")));

    // A promotion from Python moves the alias alone. It decides, and the stages follow it when somebody looks.
    assert_eq!(python_client(&["promote", &uri, &name, "1"]).unwrap(), json!({ "champion": 1 }));
    let champion = registry.get_version_by_alias(&name, CHAMPION).await.unwrap().unwrap();
    assert_eq!((champion.version, champion.model_stage), (1, ModelStage::Production));
    conformance::assert_one_champion(registry, &name, 1).await;
    let lost = registry.promote(&name, 2, Some(2), "", 1).await;
    assert!(matches!(lost, Err(RegistryError::LostRace { found: Some(1), .. })), "{lost:?}");
    let trail = registry.promotions(&name).await.unwrap();
    let last = trail.last().unwrap();
    assert_eq!((trail.len(), last.kind, last.version, last.previous), (3, PromotionKind::Rollback, 1, Some(2)));
    assert!(last.evidence.contains("another client"), "{last:?}");
    let none = registry.rollback(&name, 1, 9).await;
    assert!(matches!(none, Err(RegistryError::NoPreviousChampion { .. })), "{none:?}");
    python_client(&["promote", &uri, &name, "2"]).unwrap();
    let back = registry.rollback(&name, 2, 9).await.unwrap();
    assert_eq!((back.version, back.previous), (1, Some(2)));
    conformance::assert_one_champion(registry, &name, 1).await;
    let trail = registry.promotions(&name).await.unwrap();
    let moves: Vec<_> = trail.iter().map(|event| (event.kind.as_str(), event.version)).collect();
    // What was not written down in between, when nothing was written, is not known.
    assert_eq!(moves, [("promote", 1), ("promote", 2), ("rollback", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_a_quotation_mark_is_found() {
    let Some((registry, scope)) = server().await else { return };
    for name in [format!("{scope} it's"), format!("{scope} \"it\"")] {
        trained(registry.as_ref(), &name).await;
        assert_eq!(registry.list_versions(&name).await.unwrap().len(), 2, "{name}");
    }
}
