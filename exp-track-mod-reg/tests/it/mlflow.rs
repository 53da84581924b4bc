//! The stage with an MLflow server: refused addresses, secrets, and (live) the whole of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
    thread,
    time::Duration,
};

use covid_core::sha256_hex;
use covid_registry::{
    EmbeddedRegistry, MlflowRegistry, MlflowSettings, ModelRegistry as _, ModelVersion, RunInfo, Tracker as _,
    list_all_runs,
};
use covid_testing::{ALWAYS, HttpServer, Output, Sandbox, Trouble, assert_run, live_server};
use serde_json::{Value, json};

use crate::run;

#[test]
fn a_tracker_of_mlflow_s_own_is_refused() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &["runs", "-q", "--tracking", "sqlite:///mlflow.db"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `sqlite:///mlflow.db` cannot be used as a tracker: that is a store of MLflow's own, which only MLflow may write to
    hint: use `embedded:PATH`, or start `mlflow server` on that store and name its `http://` address
    "#);
    let sandbox = Sandbox::new().env("MLFLOW_TRACKING_URI", "file:./mlruns");
    assert_run!(run(&sandbox, &["runs", "-q"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the environment variable MLFLOW_TRACKING_URI names a `file` tracker, but only http and https are read
    hint: unset it, or say --tracking embedded:PATH or --tracking http://HOST
    "#);
}

#[test]
fn what_is_no_pair_of_tracker_and_server_is_not_synchronised() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &["sync", "--to", "http://127.0.0.1:9"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: there is nothing to synchronise: no tracking database ./store/tracking.db
    hint: train first with `exp-track-mod-reg`, or say where it is with `--tracking embedded:PATH`
    "#);
    assert_run!(run(&sandbox, &["sync", "--to", "http://127.0.0.1:9", "--tracking", "http://me:secret@127.0.0.1:9"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `http://<redacted>@<server>/` is no embedded tracker, and only such a one is synchronised to a server
    hint: say what to synchronise with `--tracking embedded:PATH`
    "#);
    assert!(run(&sandbox, &["runs", "-q"]).success(), "this makes a tracking database");
    assert_run!(run(&sandbox, &["sync", "--to", "embedded:other.db"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `embedded:other.db` is no MLflow server
    hint: give the address of an MLflow server: `--to http://HOST`
    "#);
}

/// A server that nobody answers for, and one that asks for credentials.
#[test]
fn no_secret_is_told_whatever_fails_and_however_much_is_said() {
    let server = HttpServer::start();
    let path = "/api/2.0/mlflow/experiments/get-by-name";
    server.trouble(path, Trouble::Status(401), ALWAYS);
    let sandbox = Sandbox::new()
        .env("MLFLOW_TRACKING_USERNAME", "me")
        .env("MLFLOW_TRACKING_PASSWORD", "secret-1")
        .env("MLFLOW_TRACKING_TOKEN", "secret-2")
        .env("COVID_MLFLOW_TRIES", "2")
        .env("COVID_MLFLOW_BACKOFF_SECONDS", "0");
    let ask = |uri: &str, level: &[&str]| run(&sandbox, &[&["runs", "--tracking", uri], level].concat());
    let refused = ask(&server.url(""), &["-q"]);
    assert_eq!(refused.code, Some(4), "{refused}");
    assert!(refused.stderr.contains("hint: set MLFLOW_TRACKING_USERNAME"), "{refused}");
    assert_eq!(server.requests()[0].headers["authorization"], "Basic bWU6c2VjcmV0LTE=");
    let own = server.url("").replace("//", "//you:secret-3@");
    for (uri, level) in [(server.url(""), "-vv"), (own, "-vv"), ("http://you:secret-3@127.0.0.1:9".into(), "-vv")] {
        let failed = ask(&uri, &[level]);
        assert_eq!(failed.code, Some(4), "{failed}");
        let said = failed.to_string();
        assert!(!said.contains("secret") && !said.contains("c2VjcmV0"), "{said}");
        assert!(said.contains("DEBUG") || said.contains("TRACE"), "everything was said: {said}");
    }
}

/// The server that COVID_TEST_MLFLOW names, and a dataset that is new there.
fn server() -> Option<(String, String)> {
    let uri = live_server("COVID_TEST_MLFLOW")?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    Some((uri, format!("live-{}-{now}", std::process::id())))
}

/// Another stage's binary, which is built beside this one's.
fn stage(sandbox: &Sandbox, name: &str, args: &[&str]) -> Output {
    let bin = Path::new(env!("CARGO_BIN_EXE_exp-track-mod-reg")).with_file_name(name);
    assert!(bin.is_file(), "{} is not built: run the tests of the whole workspace", bin.display());
    sandbox.run(&bin.display().to_string(), args)
}

fn json_of(output: &Output) -> Value {
    assert!(output.success(), "{output}");
    serde_json::from_str(&output.stdout).unwrap()
}

/// The champion and the stages, as `models` tells them.
fn champion(models: &Value) -> (Vec<u64>, BTreeMap<u64, String>) {
    let versions = models.as_array().unwrap();
    let number = |version: &Value| version["version"].as_u64().unwrap();
    let is_champion = |version: &&Value| version["aliases"].as_array().unwrap().contains(&json!("champion"));
    let stage = |version: &Value| (number(version), version["model_stage"].as_str().unwrap().to_owned());
    (versions.iter().filter(is_champion).map(number).collect(), versions.iter().map(stage).collect())
}

#[test]
fn every_stage_works_with_a_server_and_obeys_a_promotion_made_from_python() {
    let Some((uri, dataset)) = server() else { return };
    let sandbox = Sandbox::new().env("MLFLOW_TRACKING_URI", &uri).env("COVID_DATASET", &dataset);
    let train = |args: &[&str]| json_of(&run(&sandbox, &[&["-q", "--format", "json"], args].concat()));
    let models = || champion(&train(&["models"]));

    let first = train(&["--as-of", "2021-03-01"]);
    assert_eq!((&first["version"], &first["decision"]["kind"]), (&json!(1), &json!("first-champion")));
    train(&[]);
    let again = train(&[]);
    assert_eq!((&again["already_registered"], &again["decision"]["kind"]), (&json!(true), &json!("already-champion")));
    let runs = train(&["runs"]);
    assert_eq!(runs.as_array().unwrap().len(), 3 * first["candidates"].as_array().unwrap().len());
    let (champions, stages) = models();
    let newest = *stages.keys().max().unwrap();
    assert_eq!((champions, stages[&newest].as_str(), stages[&1].as_str()), (vec![newest], "Production", "Archived"));

    let predicted = stage(&sandbox, "deployment", &["-q"]);
    assert!(
        predicted.success() && predicted.stdout.contains(&format!("covid-predictor-{dataset} {newest}")),
        "{predicted}"
    );
    assert!(stage(&sandbox, "monitoring", &["-q"]).success());
    let delivered = stage(&sandbox, "delivery", &["-q"]);
    assert!(matches!(delivered.code, Some(0 | 5)), "{delivered}");
    assert!(!sandbox.files().iter().any(|file| file.ends_with("tracking.db")), "nothing is tracked here");

    let back = train(&["rollback"]);
    assert_eq!((&back["champion"], models().0), (&json!(1), vec![1]));
    let refused = run(&sandbox, &["-q", "promote", "1"]);
    assert!(refused.success() && refused.stdout.contains("the champion already"), "{refused}");

    let Some(client) = live_server("COVID_TEST_MLFLOW_PYTHON") else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/covid-registry/tests/mlflow_client.py");
    let python = |args: &[&str]| -> Value {
        let output =
            Command::new(&client).arg(script).args(args).env("MLFLOW_DISABLE_TELEMETRY", "true").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let model = format!("covid-predictor-{dataset}");
    assert_eq!(python(&["promote", &uri, &model, &newest.to_string()]), json!({ "champion": newest }));
    let predicted = stage(&sandbox, "deployment", &["-q", "--horizon", "14"]);
    assert!(predicted.success() && predicted.stdout.contains(&format!("{model} {newest}")), "{predicted}");
    let (champions, stages) = models();
    assert_eq!((champions, stages[&newest].as_str(), stages[&1].as_str()), (vec![newest], "Production", "Archived"));

    let older = train(&["--as-of", "2021-05-01"]);
    assert_eq!(older["decision"]["kind"], "nothing-better", "it was trained before the champion");
    let seen = python(&["read", &uri, &model, &model]);
    let tracked = train(&["runs"]);
    assert_seen(&seen, &tracked);
    let versions = json!({ "champion": newest, "challenger": older["version"] });
    assert_eq!((&seen["model"]["by_alias"], &seen["model"]["in_production"]), (&versions, &json!([newest])));
    let versions = seen["model"]["versions"].as_array().unwrap();
    let stages: Vec<_> = versions.iter().map(|version| version["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["Archived", "Production", "None"]);

    // The same training with the embedded tracker: a program of the same inputs writes the same bytes.
    let here = Sandbox::new().env("COVID_DATASET", &dataset);
    json_of(&run(&here, &["-q", "--format", "json", "--as-of", "2021-03-01"]));
    assert_same_files(&here, &seen["runs"]);
}

/// Checks what MLflow's own client sees of the runs of trainings.
fn assert_seen(seen: &Value, tracked: &Value) {
    let runs = seen["runs"].as_array().unwrap();
    let id = |info: &Value| info["run_id"].as_str().unwrap().to_owned();
    let tracked: BTreeSet<String> = tracked.as_array().unwrap().iter().map(|run| id(&run["info"])).collect();
    assert_eq!(runs.iter().map(id).collect::<BTreeSet<_>>(), tracked, "each run, and no other");
    let scores: Vec<f64> = runs.iter().map(|run| run["metrics"]["rmsle"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted() && scores[0] < scores[scores.len() - 1], "by order of RMSLE: {scores:?}");
    for run in runs {
        assert_eq!((&run["status"], &run["params"]["horizon"]), (&json!("FINISHED"), &json!("7")), "{run}");
        for target in ["ConfirmedCases", "Fatalities"] {
            let history = run["history"][format!("rmsle_by_horizon.{target}")].as_array().unwrap();
            let steps: Vec<_> = history.iter().map(|value| value[0].as_i64().unwrap()).collect();
            assert_eq!(steps, [1, 2, 3, 4, 5, 6, 7], "the day ahead is the step");
        }
        let (name, digest) = (&run["tags"]["covid.dataset"], &run["tags"]["covid.vintage"].as_str().unwrap()[..12]);
        let context = json!({ "mlflow.data.context": "training" });
        assert_eq!(run["datasets"], json!([{ "name": name, "digest": digest, "context": context }]));
        let model = &run["logged_models"][0];
        assert_eq!((&model["status"], &model["params"]), (&json!("READY"), &run["params"]));
    }
}

/// Checks that the files of the runs as of 2021-03-01 are those that an embedded tracker keeps, byte for byte.
fn assert_same_files(here: &Sandbox, runs: &Value) {
    let local = json_of(&run(here, &["runs", "-q", "--format", "json"]));
    let mut compared = 0;
    for own in local.as_array().unwrap() {
        let (name, id) = (&own["info"]["name"], own["info"]["run_id"].as_str().unwrap());
        let is_same = |run: &&Value| &run["name"] == name && run["params"]["as_of"] == "2021-03-01";
        let run = runs.as_array().unwrap().iter().find(is_same).unwrap();
        for path in ["backtest.csv", "report.html"] {
            let file = here.files().into_iter().find(|file| file.ends_with(&format!("/{id}/{path}"))).unwrap();
            let written = sha256_hex(&std::fs::read(here.path().join(file)).unwrap());
            assert_eq!(run["artifacts"][path], written, "{path} of {name}");
            compared += 1;
        }
        let file = here.files().into_iter().find(|file| file.ends_with(&format!("/{id}/model/model.json"))).unwrap();
        let written = sha256_hex(&std::fs::read(here.path().join(file)).unwrap());
        assert_eq!(run["logged_models"][0]["files"]["model.json"], written, "the model of {name}");
    }
    assert!(compared >= 20, "{compared} files");
}

#[test]
fn a_synchronisation_that_is_killed_again_and_again_is_completed_by_the_next() {
    let Some((uri, dataset)) = server() else { return };
    let sandbox = Sandbox::new().env("COVID_DATASET", &dataset);
    for as_of in ["2021-03-01", "2021-06-04"] {
        assert!(run(&sandbox, &["-q", "--as-of", as_of]).success());
    }
    let sync = ["sync", "-q", "--format", "json", "--to", &uri];
    let bin = env!("CARGO_BIN_EXE_exp-track-mod-reg");
    let mut killed = 0;
    for patience in (1..).map(|nth| Duration::from_millis(150 * nth)) {
        let mut child = sandbox.command(bin, &sync).stdout(std::process::Stdio::null()).spawn().unwrap();
        thread::sleep(patience);
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
    }
    assert!(killed >= 3, "it was killed {killed} times");
    let last = json_of(&run(&sandbox, &sync));
    for kind in ["runs", "versions", "promotions"] {
        assert_eq!(last[kind]["added"], 0, "nothing is missing: {last}");
        assert!(last[kind]["already_there"].as_u64() > Some(0), "{last}");
    }
    assert_eq!(last["left_alone"], json!([]));
    tokio::runtime::Runtime::new().unwrap().block_on(same(&sandbox.path().join("store/tracking.db"), &uri, &dataset));
}

/// Scores as text, in which NaN is equal to itself.
fn text(scores: &impl std::fmt::Debug) -> String {
    format!("{scores:?}")
}

/// Checks that a server has exactly what the embedded registry has.
async fn same(database: &Path, uri: &str, dataset: &str) {
    let here = EmbeddedRegistry::open(database).await.unwrap();
    let there = MlflowRegistry::new(uri.parse().unwrap(), &MlflowSettings::default()).unwrap();
    let name = format!("covid-predictor-{dataset}");
    let runs = list_all_runs(&here, None).await.unwrap();
    assert_eq!(list_all_runs(&there, Some(&name)).await.unwrap().len(), runs.len(), "each run once");
    let mut ids = BTreeMap::new();
    for run in &runs {
        let id = &run.info.run_id;
        let found = there.get_run(id).await.unwrap();
        assert_eq!(RunInfo { run_id: id.clone(), ..found.info.clone() }, run.info, "it is found by its id here");
        assert_eq!(found.params, run.params);
        assert_eq!(text(&found.metrics), text(&run.metrics));
        assert!(run.tags.iter().all(|(key, value)| found.tags.get(key) == Some(value)), "{:?}", found.tags);
        for key in run.metrics.keys() {
            let (found, logged) =
                (there.metric_history(id, key).await.unwrap(), here.metric_history(id, key).await.unwrap());
            assert_eq!(text(&found), text(&logged));
        }
        let files = here.list_artifacts(id).await.unwrap();
        assert_eq!(there.list_artifacts(id).await.unwrap(), files);
        for file in files {
            let read = there.get_artifact(id, &file.path).await.unwrap();
            assert_eq!(read, here.get_artifact(id, &file.path).await.unwrap(), "{}", file.path);
        }
        ids.insert(found.info.run_id, id.clone());
    }
    let (versions, found) = (here.list_versions(&name).await.unwrap(), there.list_versions(&name).await.unwrap());
    assert_eq!(found.len(), versions.len(), "each version once");
    for (found, version) in found.iter().zip(&versions) {
        assert!(found.source.starts_with("models:/m-"), "{}", found.source);
        let mut tags = found.tags.clone();
        assert_eq!(tags.remove("covid.version_id"), Some(format!("{}/{}", version.run_id, version.version)));
        let (source, run_id) = (version.source.clone(), ids[&found.run_id].clone());
        assert_eq!(ModelVersion { source, run_id, tags, ..found.clone() }, *version);
    }
    assert_eq!(there.promotions(&name).await.unwrap(), here.promotions(&name).await.unwrap());
}

#[test]
fn a_champion_that_was_changed_at_the_server_is_left_alone() {
    let Some((uri, dataset)) = server() else { return };
    let sandbox = Sandbox::new().env("COVID_DATASET", &dataset);
    for as_of in ["2021-03-01", "2021-06-04"] {
        assert!(run(&sandbox, &["-q", "--as-of", as_of]).success());
    }
    let sync = || json_of(&run(&sandbox, &["sync", "-q", "--format", "json", "--to", &uri]));
    assert_eq!(sync()["left_alone"], json!([]));
    let newest = json_of(&run(&sandbox, &["models", "-q", "--format", "json"]))[0]["version"].as_u64().unwrap();
    assert!(run(&sandbox, &["rollback", "-q", "--tracking", &uri]).success());
    let model = format!("covid-predictor-{dataset}");
    assert_eq!(sync()["left_alone"], json!([{ "model": model, "there": 1, "here": newest }]));
    let there = json_of(&run(&sandbox, &["models", "-q", "--format", "json", "--tracking", &uri]));
    assert_eq!(champion(&there).0, [1]);
}
