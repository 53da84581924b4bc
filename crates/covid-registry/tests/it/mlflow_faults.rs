//! The MLflow backend against a server on this machine that misbehaves.

use std::time::{Duration, Instant};

use covid_core::{Explain as _, FaultKind};
use covid_http::Secret;
use covid_registry::{
    MlflowRegistry, MlflowSettings, ModelRegistry as _, PromotionKind, RegistryError, RunBatch, Tracker as _,
    list_all_runs,
};
use covid_testing::{ALWAYS, HttpServer, Trouble};
use serde_json::{Value, json};

const BY_NAME: &str = "/api/2.0/mlflow/experiments/get-by-name";
const CREATE_RUN: &str = "/api/2.0/mlflow/runs/create";
const SEARCH_RUNS: &str = "/api/2.0/mlflow/runs/search";
const GET_RUN: &str = "/api/2.0/mlflow/runs/get";
const MODEL: &str = "/api/2.0/mlflow/registered-models/get";
const ALIAS: &str = "/api/2.0/mlflow/registered-models/alias";
const VERSIONS: &str = "/api/2.0/mlflow/model-versions/search";

fn impatient() -> MlflowSettings {
    MlflowSettings { timeout_seconds: 0.3, tries: 3, backoff_seconds: 0.001, ..MlflowSettings::default() }
}

fn registry(server: &HttpServer, settings: &MlflowSettings) -> MlflowRegistry {
    MlflowRegistry::new(server.url("/").parse().unwrap(), settings).unwrap()
}

/// A server with one experiment, `e`.
fn scene() -> (HttpServer, MlflowRegistry) {
    let server = HttpServer::start();
    server.put(BY_NAME, json!({ "experiment": { "experiment_id": "7", "name": "e" } }).to_string());
    let registry = registry(&server, &impatient());
    (server, registry)
}

fn run(id: &str) -> Value {
    json!({
        "info": {
            "run_id": id, "run_name": "r", "experiment_id": "7", "status": "RUNNING", "start_time": "5",
            "artifact_uri": format!("mlflow-artifacts:/7/{id}/artifacts"),
        },
    })
}

fn paths(server: &HttpServer) -> Vec<String> {
    server.requests().into_iter().map(|request| request.path.split('?').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    for trouble in [Trouble::Status(503), Trouble::Later(429, "0".into()), Trouble::Close, Trouble::Stall(0)] {
        let (server, registry) = scene();
        server.trouble(BY_NAME, trouble.clone(), 2);
        let found = registry.get_or_create_experiment("e").await.unwrap();
        assert_eq!(found.id, "7", "{trouble:?}");
        assert_eq!(server.requests().len(), 3, "{trouble:?}");
    }
}

#[tokio::test]
async fn a_run_whose_creation_was_cut_off_is_looked_for_before_the_next_try() {
    for trouble in [Trouble::Close, Trouble::Status(502), Trouble::Status(503), Trouble::Stall(0)] {
        let (server, registry) = scene();
        server.put(CREATE_RUN, json!({ "run": run("second") }).to_string());
        server.trouble(CREATE_RUN, trouble.clone(), 1);
        server.put(SEARCH_RUNS, json!({ "runs": [run("first")] }).to_string());
        let created = registry.create_run("e", "r", 5, &[]).await.unwrap();
        assert_eq!(created.run_id, "first", "{trouble:?}: the first try was carried out");
        let seen = server.requests();
        let bodies: Vec<Value> = seen.iter().filter_map(|seen| serde_json::from_slice(&seen.body).ok()).collect();
        let id = bodies[0]["tags"][0]["value"].as_str().unwrap();
        assert_eq!(bodies[0]["tags"][0]["key"], "covid.run_id");
        assert_eq!(bodies[1]["filter"], format!("tags.`covid.run_id` = '{id}'"), "it is known by the id it was given");

        // The first try was not carried out: the second one is.
        server.trouble(CREATE_RUN, trouble, 1);
        server.put(SEARCH_RUNS, "{}");
        assert_eq!(registry.create_run("e", "r", 5, &[]).await.unwrap().run_id, "second");
        assert_eq!(paths(&server), [BY_NAME, CREATE_RUN, SEARCH_RUNS, CREATE_RUN]);
    }
}

#[tokio::test]
async fn a_creation_is_tried_again_when_the_server_wants_it_and_not_sooner() {
    let (server, registry) = scene();
    server.put(CREATE_RUN, json!({ "run": run("r") }).to_string());
    server.put(SEARCH_RUNS, "{}");
    server.trouble(CREATE_RUN, Trouble::Later(503, "1".into()), 1);
    let start = Instant::now();
    registry.create_run("e", "r", 5, &[]).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    server.requests();
    // A wish beyond all patience is an answer.
    server.trouble(CREATE_RUN, Trouble::Later(503, "86400".into()), 1);
    registry.create_run("e", "r", 5, &[]).await.unwrap_err();
    assert_eq!(paths(&server), [BY_NAME, CREATE_RUN]);
    // Each try is made once, however they go.
    server.trouble(CREATE_RUN, Trouble::Status(503), ALWAYS);
    registry.create_run("e", "r", 5, &[]).await.unwrap_err();
    assert_eq!(paths(&server).iter().filter(|path| *path == CREATE_RUN).count(), 3);
}

#[tokio::test]
async fn searches_end_where_a_server_repeats_its_token() {
    let (server, registry) = scene();
    let model = json!({ "name": "m" });
    let bodies = [
        ("experiments/search", json!({ "experiments": [] })),
        ("registered-models/search", json!({ "registered_models": [model] })),
        ("registered-models/get", json!({ "registered_model": model })),
        ("model-versions/search", json!({ "model_versions": [] })),
        ("metrics/get-history", json!({ "metrics": [] })),
        ("runs/search", json!({ "runs": [] })),
        ("runs/get", json!({ "run": run("r") })),
    ];
    for (path, mut body) in bodies {
        body["next_page_token"] = "again".into();
        server.put(&format!("/api/2.0/mlflow/{path}"), body.to_string());
    }
    for refused in [
        registry.list_experiments().await.err(),
        registry.list_registered_models().await.err(),
        registry.list_versions("m").await.err(),
        registry.metric_history("r", "rmsle").await.err(),
        list_all_runs(&registry, Some("e")).await.err(),
    ] {
        let error = refused.unwrap();
        assert!(matches!(error, RegistryError::NotMlflow { .. }), "{error:?}");
        assert!(error.to_string().ends_with("it names a page of a search as the next of itself"), "{error}");
    }
}

#[tokio::test]
async fn a_model_whose_logging_was_cut_off_is_completed() {
    const OUTPUTS: &str = "/api/2.0/mlflow/runs/outputs";
    let (server, registry) = scene();
    let mut whole = run("r");
    whole["outputs"] = json!({ "model_outputs": [{ "model_id": "m-1" }] });
    server.trouble(GET_RUN, Trouble::Answer(200, json!({ "run": run("r") }).to_string()), 1);
    server.put(GET_RUN, json!({ "run": whole }).to_string());
    let info = json!({
        "model_id": "m-1", "name": "model", "artifact_uri": "mlflow-artifacts:/7/models/m-1/artifacts",
        "status": "LOGGED_MODEL_PENDING",
    });
    server.put("/api/2.0/mlflow/logged-models/search", json!({ "models": [{ "info": info }] }).to_string());
    server.put("/api/2.0/mlflow/logged-models/m-1", "{}");
    let file = "/api/2.0/mlflow-artifacts/artifacts/7/models/m-1/artifacts/model.json";
    server.put(file, "");
    // The first try is carried out, though the answer is lost; the second is refused for it.
    server.trouble(OUTPUTS, Trouble::Close, 1);
    let there = json!({ "error_code": "BAD_REQUEST", "message": "UNIQUE constraint failed" });
    server.trouble(OUTPUTS, Trouble::Answer(400, there.to_string()), ALWAYS);
    let files = [("model.json".to_owned(), "{}".into())];
    assert_eq!(registry.log_model("r", &files).await.unwrap(), "models:/m-1", "the one that was begun");
    let seen = server.requests();
    let calls: Vec<_> = seen.iter().map(|seen| (seen.method.as_str(), seen.path.as_str())).collect();
    let ready = ("PATCH", "/api/2.0/mlflow/logged-models/m-1");
    assert_eq!(calls[2..6], [("PUT", file), ready, ("POST", OUTPUTS), ("POST", OUTPUTS)], "{calls:?}");
}

#[tokio::test]
async fn who_asks_is_told_to_the_server_alone() {
    let basic = MlflowSettings {
        username: Some("me".into()),
        password: Some(Secret::new("secret-1")),
        token: Some(Secret::new("secret-2")),
        ..impatient()
    };
    let bearer = MlflowSettings { password: None, ..basic.clone() };
    let server = scene().0;
    for (settings, header) in [(basic, "Basic bWU6c2VjcmV0LTE="), (bearer, "Bearer secret-2")] {
        let registry = registry(&server, &settings);
        registry.get_or_create_experiment("e").await.unwrap();
        assert_eq!(server.requests()[0].headers["authorization"], header);
        server.trouble(BY_NAME, Trouble::Status(401), 1);
        let error = registry.get_or_create_experiment("e").await.unwrap_err();
        assert_eq!(error.kind(), FaultKind::Remote);
        assert!(error.hint().unwrap().starts_with("set MLFLOW_TRACKING_USERNAME"), "{error}");
        server.requests();
        for shown in [format!("{settings:?}"), format!("{registry:?}"), format!("{error:?} {error}")] {
            assert!(!shown.contains("secret"), "{shown}");
        }
    }
    let own = server.url("/").replace("//", "//you:secret-3@");
    let registry = MlflowRegistry::new(own.parse().unwrap(), &impatient()).unwrap();
    registry.get_or_create_experiment("e").await.unwrap();
    assert_eq!(server.requests()[0].headers["authorization"], "Basic eW91OnNlY3JldC0z");
    server.trouble(BY_NAME, Trouble::Close, ALWAYS);
    let error = registry.get_or_create_experiment("e").await.unwrap_err();
    assert!(!format!("{error:?} {error} {registry:?}").contains("secret"), "{error}");
    assert!(error.to_string().contains("<redacted>@127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_server_that_repeats_who_asks_is_not_repeated() {
    let basic = MlflowSettings {
        username: Some("me".into()),
        password: Some(Secret::new("secret-\"1")),
        token: Some(Secret::new("secret-2")),
        ..impatient()
    };
    let bearer = MlflowSettings { password: None, ..basic.clone() };
    let server = scene().0;
    let at = |settings: &MlflowSettings, user: &str| {
        let uri = format!("{}?token=secret-4", server.url("/").replace("//", &format!("//{user}")));
        MlflowRegistry::new(uri.parse().unwrap(), settings).unwrap()
    };
    let askers = [
        (at(&basic, ""), "secret-\"1"),
        (at(&bearer, ""), "secret-2"),
        (at(&impatient(), "you:secret-3@"), "secret-3"),
    ];
    for (registry, secret) in askers {
        registry.get_or_create_experiment("e").await.unwrap();
        let header = server.requests()[0].headers["authorization"].clone();
        let sent = header.split_once(' ').unwrap().1.to_owned();
        let echo = format!("nobody is {header} ({secret}) at /?token=secret-4");
        let refusal = json!({ "error_code": "BAD_REQUEST", "message": echo });
        for answer in [
            Trouble::Answer(400, refusal.to_string()),
            Trouble::Answer(404, echo.clone()),
            Trouble::Answer(200, json!(echo).to_string()),
            Trouble::Answer(200, json!({ "experiment": echo }).to_string()),
        ] {
            server.trouble(BY_NAME, answer.clone(), 1);
            let error = registry.get_or_create_experiment("e").await.unwrap_err();
            let shown = format!("{error} {error:?} {:?}", error.hint());
            for hidden in ["secret", sent.trim_end_matches('=')] {
                assert!(!shown.contains(hidden), "{answer:?}: {shown}");
            }
        }
        server.trouble(BY_NAME, Trouble::Answer(400, refusal.to_string()), 1);
        let error = registry.get_or_create_experiment("e").await.unwrap_err().to_string();
        assert!(error.contains("(BAD_REQUEST: nobody is "), "the rest is told: {error}");
        server.requests();
    }
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for_without_end() {
    let (server, registry) = scene();
    server.trouble(BY_NAME, Trouble::Stall(0), ALWAYS);
    let start = Instant::now();
    let error = registry.get_or_create_experiment("e").await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(error.kind(), FaultKind::Remote);
    let text = error.to_string();
    assert!(text.contains(" in 3 tries: ") && text.ends_with(" within 0.3 s"), "{text}");
}

#[tokio::test]
async fn searches_go_on_to_the_last_page() {
    let (server, registry) = scene();
    server.trouble(
        SEARCH_RUNS,
        Trouble::Answer(200, json!({ "runs": [run("a"), run("b")], "next_page_token": "p2" }).to_string()),
        1,
    );
    server.trouble(
        SEARCH_RUNS,
        Trouble::Answer(200, json!({ "runs": [run("c")], "next_page_token": "p3" }).to_string()),
        1,
    );
    server.put(SEARCH_RUNS, "{}");
    server.put(
        "/api/2.0/mlflow/experiments/get",
        json!({ "experiment": { "experiment_id": "7", "name": "e" } }).to_string(),
    );
    let runs = list_all_runs(&registry, Some("e")).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.info.run_id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!((runs[0].info.experiment.as_str(), runs[0].info.start_ms), ("e", 5), "a number that came as text");
    let seen = server.requests();
    let tokens: Vec<Value> = seen
        .iter()
        .filter(|seen| seen.path == SEARCH_RUNS)
        .map(|seen| serde_json::from_slice::<Value>(&seen.body).unwrap()["page_token"].clone())
        .collect();
    assert_eq!(tokens, ["", "p2", "p3"]);
    assert_eq!(
        seen.iter().filter(|seen| seen.path.contains("experiments/get?")).count(),
        1,
        "a name is asked for once"
    );

    let version = |number: u32| json!({ "name": "m", "version": number.to_string(), "current_stage": "None" });
    server.put(MODEL, json!({ "registered_model": { "name": "m" } }).to_string());
    server.trouble(
        VERSIONS,
        Trouble::Answer(200, json!({ "model_versions": [version(1)], "next_page_token": "v2" }).to_string()),
        1,
    );
    server.put(VERSIONS, json!({ "model_versions": [version(2)] }).to_string());
    let versions = registry.list_versions("m").await.unwrap();
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), [2, 1]);
    assert!(server.requests().last().unwrap().path.contains("page_token=v2"));
}

#[tokio::test]
async fn the_stage_follows_the_alias_and_who_may_only_read_is_still_told() {
    let (server, registry) = scene();
    let version =
        |number: u32, stage: &str| json!({ "name": "m", "version": number.to_string(), "current_stage": stage });
    let aliases = json!([{ "alias": "champion", "version": "2" }]);
    server.put(MODEL, json!({ "registered_model": { "name": "m", "aliases": aliases } }).to_string());
    server.put(VERSIONS, json!({ "model_versions": [version(1, "Production"), version(2, "None")] }).to_string());
    let transition = "/api/2.0/mlflow/model-versions/transition-stage";
    server.put(transition, "{}");
    assert_eq!(registry.get_version_by_alias("m", "champion").await.unwrap().unwrap().version, 2);
    let moved: Vec<Value> = server
        .requests()
        .iter()
        .filter(|seen| seen.path == transition)
        .map(|seen| serde_json::from_slice(&seen.body).unwrap())
        .collect();
    let moves: Vec<_> = moved.iter().map(|body| (body["version"].as_str(), body["stage"].as_str())).collect();
    assert_eq!(moves, [(Some("1"), Some("Archived")), (Some("2"), Some("Production"))]);
    server.trouble(transition, Trouble::Status(403), ALWAYS);
    assert_eq!(registry.get_version_by_alias("m", "champion").await.unwrap().unwrap().version, 2);
}

/// Versions 1 and 2, promoted in that order, and the champion that the alias names.
fn promoted(server: &HttpServer, champion: u32) {
    let entry = |previous: Value| json!({ "kind": "promote", "previous": previous, "evidence": "", "at_ms": 1 });
    let version = |number: u32, stage: &str, entry: Value| {
        let tags = json!([{ "key": format!("covid.promotion.{number:06}"), "value": entry.to_string() }]);
        json!({ "name": "m", "version": number.to_string(), "current_stage": stage, "tags": tags })
    };
    let versions = [version(1, "Archived", entry(Value::Null)), version(2, "Production", entry(json!(1)))];
    server.put(VERSIONS, json!({ "model_versions": versions }).to_string());
    let aliases = json!([{ "alias": "champion", "version": champion.to_string() }]);
    server.put(MODEL, json!({ "registered_model": { "name": "m", "aliases": aliases } }).to_string());
    server.put(ALIAS, json!({ "model_version": versions[champion as usize - 1] }).to_string());
}

#[tokio::test]
async fn a_rollback_that_was_cut_off_is_one_and_said_again_goes_no_further() {
    let (server, registry) = scene();
    promoted(&server, 2);
    let moved = |server: &HttpServer| {
        server.requests().iter().filter(|seen| seen.path == ALIAS && seen.method == "POST").count()
    };
    let lost = registry.rollback("m", 1, 9).await;
    assert!(matches!(lost, Err(RegistryError::LostRace { version: None, found: Some(2), .. })), "{lost:?}");
    assert_eq!(moved(&server), 0, "it is compared first");

    // The alias moves, and is read back; nothing after it succeeds.
    let then = json!({ "model_version": { "name": "m", "version": "1" } });
    server.trouble(ALIAS, Trouble::Answer(200, then.to_string()), 2);
    for path in ["model-versions/set-tag", "model-versions/transition-stage"] {
        let path = format!("/api/2.0/mlflow/{path}");
        server.put(&path, "{}");
        server.trouble(&path, Trouble::Status(500), ALWAYS);
    }
    let done = registry.rollback("m", 2, 9).await.unwrap();
    assert_eq!((done.version, done.previous, moved(&server)), (1, Some(2), 1));

    promoted(&server, 1);
    let trail = registry.promotions("m").await.unwrap();
    let last = trail.last().unwrap();
    assert_eq!((trail.len(), last.kind, last.version), (3, PromotionKind::Rollback, 1));
    let again = registry.rollback("m", 2, 9).await;
    assert!(matches!(again, Err(RegistryError::LostRace { version: None, found: Some(1), .. })), "{again:?}");
    let further = registry.rollback("m", 1, 9).await;
    assert!(matches!(further, Err(RegistryError::NoPreviousChampion { .. })), "it is not undone: {further:?}");
    assert_eq!(moved(&server), 0);
}

#[tokio::test]
async fn a_race_that_is_lost_after_the_alias_has_moved_is_told_and_leaves_no_trail() {
    const GET_VERSION: &str = "/api/2.0/mlflow/model-versions/get";
    let (server, registry) = scene();
    promoted(&server, 2);
    server.put(GET_VERSION, json!({ "model_version": { "name": "m", "version": "1" } }).to_string());
    // What is written is taken, and what is read back is another's.
    server.put(ALIAS, json!({ "model_version": { "name": "m", "version": "3" } }).to_string());
    let race = |server: &HttpServer| {
        server.requests();
        server.trouble(ALIAS, Trouble::Answer(200, "{}".into()), 1);
    };
    race(&server);
    let lost = registry.promote("m", 1, Some(2), "it is better", 9).await.unwrap_err();
    assert!(
        matches!(lost, RegistryError::LostRace { version: Some(1), expected: Some(2), found: Some(3), .. }),
        "{lost:?}"
    );
    assert_eq!(lost.kind(), FaultKind::Refused);
    let moved_and_read = |server: &HttpServer| {
        let seen = server.requests();
        let alias = seen.iter().filter(|seen| seen.path.starts_with(ALIAS)).map(|seen| seen.method.clone());
        assert_eq!(alias.collect::<Vec<_>>(), ["POST", "GET"]);
        let written = seen.iter().filter(|seen| seen.method != "GET" && seen.path != ALIAS);
        assert_eq!(written.count(), 0, "neither trail nor stage: {seen:?}");
    };
    moved_and_read(&server);
    race(&server);
    let lost = registry.rollback("m", 2, 9).await.unwrap_err();
    assert!(
        matches!(lost, RegistryError::LostRace { version: None, expected: Some(2), found: Some(3), .. }),
        "{lost:?}"
    );
    moved_and_read(&server);
}

/// [`Capabilities::atomic_batches`](covid_registry::conformance::Capabilities) is what MLflow lacks.
#[tokio::test]
async fn a_batch_that_is_cut_off_is_there_in_part_and_completed_by_the_next_try() {
    const LOG_BATCH: &str = "/api/2.0/mlflow/runs/log-batch";
    let (server, registry) = scene();
    server.put(GET_RUN, json!({ "run": run("r") }).to_string());
    server.put(LOG_BATCH, "{}");
    let batch = RunBatch::new().param("a", "1").metric("m", 0.5, 1, 2).tag("t", "x");
    let parts = |server: &HttpServer| -> Vec<(u16, String)> {
        let seen = server.requests().into_iter().filter(|seen| seen.path == LOG_BATCH);
        let part = |body: Value| {
            let keys = body.as_object().unwrap().keys().filter(|key| *key != "run_id");
            keys.cloned().collect::<Vec<_>>().join(",")
        };
        seen.map(|seen| (seen.status, part(serde_json::from_slice(&seen.body).unwrap()))).collect()
    };
    // The parameters come through; the metrics are refused for good.
    server.trouble(LOG_BATCH, Trouble::Answer(200, "{}".into()), 1);
    server.trouble(LOG_BATCH, Trouble::Status(500), ALWAYS);
    let error = registry.log_batch("r", &batch).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Remote, "{error}");
    let sent = parts(&server);
    assert_eq!(sent[0], (200, "params".into()));
    assert!(sent.len() > 1 && sent[1..].iter().all(|part| *part == (500, "metrics".into())), "{sent:?}");

    server.behave();
    let mut partial = run("r");
    partial["data"] = json!({ "params": [{ "key": "a", "value": "1" }] });
    server.put(GET_RUN, json!({ "run": partial }).to_string());
    registry.log_batch("r", &batch).await.unwrap();
    assert_eq!(parts(&server), [(200, "metrics".into()), (200, "tags".into())], "only what is missing");
}

#[tokio::test]
async fn what_is_no_mlflow_server_is_told() {
    let (server, registry) = scene();
    let elsewhere = MlflowRegistry::new(server.url("/#/experiments/7").parse().unwrap(), &impatient()).unwrap();
    assert_eq!(elsewhere.get_or_create_experiment("e").await.unwrap().id, "7", "the address of a page does");
    for trouble in [Trouble::Html, Trouble::Status(404), Trouble::Answer(200, "[]".into())] {
        server.trouble(BY_NAME, trouble.clone(), 1);
        let error = registry.get_or_create_experiment("e").await.unwrap_err();
        assert!(matches!(error, RegistryError::NotMlflow { .. }), "{trouble:?}: {error:?}");
        assert!(error.to_string().contains("does not answer as an MLflow server does: "), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_mlflow_s_words() {
    let (server, registry) = scene();
    let said = json!({ "error_code": "BAD_REQUEST", "message": "it cannot be\n[SQL: INSERT ...]" });
    server.trouble(BY_NAME, Trouble::Answer(400, said.to_string()), 1);
    let error = registry.get_or_create_experiment("e").await.unwrap_err();
    assert!(error.to_string().ends_with("the server answered 400 Bad Request (BAD_REQUEST: it cannot be)"), "{error}");
    let bin = json!({ "experiment": { "experiment_id": "7", "name": "e", "lifecycle_stage": "deleted" } });
    server.trouble(BY_NAME, Trouble::Answer(200, bin.to_string()), 1);
    let error = registry.get_or_create_experiment("e").await.unwrap_err();
    assert!(matches!(error, RegistryError::DeletedExperiment { .. }), "{error:?}");
}

#[tokio::test]
async fn artifacts_that_the_server_does_not_serve_are_told() {
    let (server, registry) = scene();
    let mut elsewhere = run("r");
    elsewhere["info"]["artifact_uri"] = "s3://bucket/secret-path".into();
    server.put(GET_RUN, json!({ "run": elsewhere }).to_string());
    let error = registry.put_artifact("r", "a.csv", "x".into()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the artifacts of tracking run `r` are not served by MLflow itself, but lie in a store of kind `s3`"
    );
    // Logging needs no artifacts.
    server.put("/api/2.0/mlflow/runs/log-batch", "{}");
    registry.log_batch("r", &RunBatch::new().param("a", "1")).await.unwrap();
}

#[test]
fn a_setting_out_of_its_range_is_refused() {
    let defaults = MlflowSettings::default();
    for settings in [
        MlflowSettings { timeout_seconds: 0.0, ..defaults.clone() },
        MlflowSettings { timeout_seconds: f64::NAN, ..defaults.clone() },
        MlflowSettings { tries: 0, ..defaults.clone() },
        MlflowSettings { backoff_seconds: -1.0, ..defaults.clone() },
    ] {
        let error = settings.checked().unwrap_err();
        assert_eq!(error.kind(), FaultKind::Usage, "{error}");
    }
    defaults.checked().unwrap();
    let split = MlflowSettings { token: Some(Secret::new("secret\n2")), ..defaults };
    let error = split.checked().unwrap_err().to_string();
    assert_eq!(error, "`mlflow.token` cannot be <redacted>: it must be one line, without signs of control");
}
