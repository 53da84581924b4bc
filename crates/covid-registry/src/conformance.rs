//! What every [`Registry`] must do: one suite, run by each backend's tests, here and in other crates.
//!
//! A backend that does not conform makes the suite panic, as a test does; the message says what was expected.
//!
//! Where a backend cannot do what another can, its [`Capabilities`] say so, and the suite asks for what is left. In two
//! things it leaves room to all: a server may add tags of its own (`mlflow.*`, `covid.*`), and a version's source is what
//! the backend makes of a run's model.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{
    CHALLENGER, CHAMPION, DatasetInput, ModelStage, ModelVersion, NewVersion, Promotion, PromotionKind, Registry,
    RegistryError, Run, RunBatch, RunInfo, RunStatus, list_all_runs,
};

/// What a backend can do. Nothing in here is a matter of taste: it is what its store can do at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether the champion changes only if it is still the expected one, in one step: of those who promote at the same
    /// moment one wins. Without it all of them may be told that they won; still one champion remains, which is one of
    /// theirs, and whoever lost is told of a champion.
    pub compare_and_set: bool,
    /// Whether an infinite metric stays infinite. Without it, it becomes the greatest finite number.
    pub infinite_metrics: bool,
    /// Whether a batch is there as a whole or not at all, whoever reads meanwhile and whatever cuts it off. Without it, what
    /// is logged by one call arrives in several: the parameters, the metrics, the tags. (A batch that is refused for what is
    /// in it leaves nothing in either case.)
    pub atomic_batches: bool,
    /// Whether every change of champion is in the trail with its evidence. Without it, changes that another client makes, or
    /// one that is cut off, are seen by the alias alone: the last of them is told, without evidence.
    pub complete_trail: bool,
}

impl Capabilities {
    /// Those of the embedded backend: everything.
    pub fn embedded() -> Self {
        Self { compare_and_set: true, infinite_metrics: true, atomic_batches: true, complete_trail: true }
    }

    /// Those of an MLflow server.
    pub fn mlflow() -> Self {
        Self { compare_and_set: false, infinite_metrics: false, atomic_batches: false, complete_trail: false }
    }
}

/// Runs the whole suite. It makes experiments and registered models whose names start with `scope`; there must be none
/// such yet, and they stay.
///
/// # Panics
/// If the registry does not conform.
pub async fn run(registry: Arc<dyn Registry>, capabilities: Capabilities, scope: &str) {
    let suite = Suite { registry, capabilities, scope: scope.to_owned() };
    suite.experiments().await;
    suite.life_of_a_run().await;
    suite.unknown_runs().await;
    suite.params_never_change().await;
    suite.last_tag_counts().await;
    suite.metrics_keep_every_value().await;
    suite.latest_metric().await;
    suite.batches_are_all_or_nothing().await;
    suite.batches_are_seen_whole().await;
    suite.bad_names_in_tracking().await;
    suite.search_is_newest_first_in_pages().await;
    suite.artifacts().await;
    suite.datasets().await;
    suite.models_of_runs().await;
    suite.registered_models().await;
    suite.versions().await;
    suite.versions_are_numbered_without_gaps().await;
    suite.aliases().await;
    suite.bad_names_in_models().await;
    suite.promotion().await;
    suite.champion_is_managed().await;
    suite.lost_race().await;
    suite.one_promotion_wins().await;
    suite.rollback().await;
}

struct Suite {
    registry: Arc<dyn Registry>,
    capabilities: Capabilities,
    scope: String,
}

impl Suite {
    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.scope)
    }

    async fn experiments(&self) {
        let name = self.name("experiments");
        let first = self.registry.get_or_create_experiment(&name).await.expect("an experiment");
        let again = self.registry.get_or_create_experiment(&name).await.expect("the same experiment");
        assert_eq!(first, again, "an experiment is created once");
        assert_eq!(first.name, name);
        let other = self.registry.get_or_create_experiment(&self.name("experiments 2")).await.expect("another one");
        assert_ne!(first.id, other.id);
        let listed = self.registry.list_experiments().await.expect("a list");
        assert!(listed.contains(&first) && listed.contains(&other), "both are listed: {listed:?}");
        assert!(listed.iter().map(|experiment| &experiment.name).is_sorted(), "by name: {listed:?}");
        let unknown = self.registry.create_run(&self.name("nowhere"), "a", 1, &[]).await;
        assert!(matches!(unknown, Err(RegistryError::UnknownExperiment { .. })), "{unknown:?}");
    }

    async fn life_of_a_run(&self) {
        let name = self.name("life");
        self.registry.get_or_create_experiment(&name).await.expect("an experiment");
        let tags = [("dataset".to_owned(), "sample".to_owned()), ("note".to_owned(), "é\n".to_owned())];
        let created = self.registry.create_run(&name, "first run", 1_000, &tags).await.expect("a run");
        let hexadecimal = created.run_id.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
        assert!(created.run_id.len() == 32 && hexadecimal, "32 hexadecimal digits: {}", created.run_id);
        let expected = RunInfo {
            run_id: created.run_id.clone(),
            experiment: name,
            name: "first run".to_owned(),
            status: RunStatus::Running,
            start_ms: 1_000,
            end_ms: None,
        };
        assert_eq!(created, expected);
        let run = self.run(&created.run_id).await;
        assert_eq!(run.info, expected);
        assert!(run.params.is_empty() && run.metrics.is_empty());
        assert!(tags.iter().all(|(key, value)| run.tags.get(key) == Some(value)), "{:?}", run.tags);
        for status in [RunStatus::Failed, RunStatus::Killed, RunStatus::Finished] {
            self.registry.finish_run(&created.run_id, status, 2_000).await.expect("an end");
            let ended = RunInfo { status, end_ms: Some(2_000), ..expected.clone() };
            assert_eq!(self.run(&created.run_id).await.info, ended);
        }
        let running = self.registry.finish_run(&created.run_id, RunStatus::Running, 3_000).await;
        assert!(matches!(running, Err(RegistryError::BadValue { .. })), "RUNNING is no end: {running:?}");
    }

    async fn unknown_runs(&self) {
        let unknown = "0123456789abcdef0123456789abcdef";
        for id in [unknown, "", "no-run", "../../etc"] {
            let answers = [
                self.registry.get_run(id).await.map(|_| ()),
                self.registry.log_batch(id, &RunBatch::new().param("a", "b")).await,
                self.registry.log_batch(id, &RunBatch::new()).await,
                self.registry.finish_run(id, RunStatus::Finished, 1).await,
                self.registry.metric_history(id, "a").await.map(|_| ()),
                self.registry.put_artifact(id, "a", Bytes::new()).await,
                self.registry.get_artifact(id, "a").await.map(|_| ()),
                self.registry.list_artifacts(id).await.map(|_| ()),
            ];
            for answer in answers {
                assert!(matches!(answer, Err(RegistryError::UnknownRun { .. })), "`{id}`: {answer:?}");
            }
        }
    }

    async fn params_never_change(&self) {
        let id = self.new_run("params").await;
        let longest = "é".repeat(6000);
        let batch = RunBatch::new().param("alpha", "0.5").param("a b/c.d-e_f", &longest).param("empty", "");
        self.log(&id, &batch).await;
        self.log(&id, &batch).await;
        let changed = self.registry.log_batch(&id, &RunBatch::new().param("alpha", "0.6")).await;
        match changed {
            Err(RegistryError::ParamChanged { run_id, key, old, new }) => {
                assert_eq!(
                    (run_id.as_str(), key.as_str(), old.as_str(), new.as_str()),
                    (id.as_str(), "alpha", "0.5", "0.6")
                );
            }
            other => panic!("a parameter cannot change: {other:?}"),
        }
        let twice = self.registry.log_batch(&id, &RunBatch::new().param("beta", "1").param("beta", "2")).await;
        assert!(matches!(twice, Err(RegistryError::ParamChanged { .. })), "nor within a batch: {twice:?}");
        let params = self.run(&id).await.params;
        assert_eq!(params.len(), 3, "{params:?}");
        assert_eq!((params["alpha"].as_str(), params["empty"].as_str()), ("0.5", ""));
        assert!(params["a b/c.d-e_f"] == longest, "a long value survives");
    }

    async fn last_tag_counts(&self) {
        let id = self.new_run("tags").await;
        self.log(&id, &RunBatch::new().tag("a", "1").tag("b", "1").tag("a", "2")).await;
        self.log(&id, &RunBatch::new().tag("b", "3")).await;
        let tags = self.run(&id).await.tags;
        assert_eq!((tags["a"].as_str(), tags["b"].as_str()), ("2", "3"));
    }

    async fn metrics_keep_every_value(&self) {
        let id = self.new_run("metrics").await;
        let batch = RunBatch::new()
            .metric("loss", 0.1, 1, 20)
            .metric("loss", 0.3, 0, 10)
            .metric("loss", f64::NAN, 2, 30)
            .metric("loss", 5e-324, 3, 40)
            .metric("loss", -1.5, -1, 5)
            .metric("up", f64::INFINITY, 0, 1)
            .metric("down", f64::NEG_INFINITY, 0, 1);
        self.log(&id, &batch).await;
        self.log(&id, &batch).await;
        self.log(&id, &RunBatch::new().metric("loss", 0.2, 1, 20).metric("loss", 0.1, 1, 19)).await;
        let history = self.registry.metric_history(&id, "loss").await.expect("a history");
        let values: Vec<_> = history.iter().map(|m| (m.step, m.timestamp_ms, format!("{:?}", m.value))).collect();
        let expected = [
            (-1, 5, "-1.5"),
            (0, 10, "0.3"),
            (1, 19, "0.1"),
            (1, 20, "0.1"),
            (1, 20, "0.2"),
            (2, 30, "NaN"),
            (3, 40, "5e-324"),
        ];
        assert_eq!(values, expected.map(|(step, time, value)| (step, time, value.to_owned())), "each value once");
        let metrics = self.run(&id).await.metrics;
        let greatest = if self.capabilities.infinite_metrics { f64::INFINITY } else { f64::MAX };
        assert_eq!((metrics["up"], metrics["down"]), (greatest, -greatest), "{metrics:?}");
        assert!(self.registry.metric_history(&id, "never").await.expect("a history").is_empty());
    }

    async fn latest_metric(&self) {
        let id = self.new_run("latest").await;
        let batch = RunBatch::new()
            .metric("step", 1.0, 2, 1)
            .metric("step", 2.0, 1, 9)
            .metric("time", 1.0, 1, 9)
            .metric("time", 2.0, 1, 1)
            .metric("value", 1.0, 1, 1)
            .metric("value", 2.0, 1, 1)
            .metric("nan", f64::NAN, 1, 1)
            .metric("nan", 2.0, 0, 1);
        self.log(&id, &batch).await;
        let metrics = self.run(&id).await.metrics;
        assert_eq!((metrics["step"], metrics["time"], metrics["value"]), (1.0, 1.0, 2.0), "step, time, value");
        assert!(metrics["nan"].is_nan(), "a NaN can be the latest");
    }

    async fn batches_are_all_or_nothing(&self) {
        let id = self.new_run("batches").await;
        self.log(&id, &RunBatch::new().param("a", "1")).await;
        let batch = RunBatch::new().metric("m", 1.0, 0, 0).tag("t", "1").param("b", "1").param("a", "2");
        self.registry.log_batch(&id, &batch).await.expect_err("a parameter cannot change");
        let run = self.run(&id).await;
        assert!(run.metrics.is_empty() && !run.params.contains_key("b") && !run.tags.contains_key("t"), "{run:?}");
    }

    /// Who reads while a batch is logged sees all of it or nothing, if the backend can do that; in the end all.
    async fn batches_are_seen_whole(&self) {
        let id = self.new_run("whole batches").await;
        let batch = (0..1500).fold(RunBatch::new().param("a", "1").tag("t", "1"), |batch, step| {
            batch.metric(format!("m{}", step % 3), f64::from(step), step.into(), 0)
        });
        let (registry, run_id) = (Arc::clone(&self.registry), id.clone());
        let writing = tokio::spawn(async move { registry.log_batch(&run_id, &batch).await });
        loop {
            let is_written = writing.is_finished();
            let run = self.run(&id).await;
            let seen = [run.params.contains_key("a"), run.metrics.len() == 3, run.tags.contains_key("t")];
            let is_whole = seen.iter().all(|part| *part == seen[0]) && matches!(run.metrics.len(), 0 | 3);
            assert!(is_whole || !self.capabilities.atomic_batches, "a part of a batch is seen: {run:?}");
            if is_written {
                writing.await.expect("no panic").expect("a batch is logged");
                assert_eq!((seen, run.metrics["m2"]), ([true; 3], 1499.0));
                return;
            }
        }
    }

    async fn bad_names_in_tracking(&self) {
        let id = self.new_run("bad names").await;
        let long = "k".repeat(251);
        for key in ["", "a:b", "a\nb", "a\"b", "/a", "a/", "a//b", "..", "a/../b", &long] {
            for batch in
                [RunBatch::new().metric(key, 1.0, 0, 0), RunBatch::new().param(key, "1"), RunBatch::new().tag(key, "1")]
            {
                let refused = self.registry.log_batch(&id, &batch).await;
                assert!(matches!(refused, Err(RegistryError::BadName { .. })), "`{key}`: {refused:?}");
            }
        }
        for batch in [RunBatch::new().param("a", "x".repeat(6001)), RunBatch::new().tag("a", "x".repeat(8001))] {
            let refused = self.registry.log_batch(&id, &batch).await;
            assert!(matches!(refused, Err(RegistryError::BadValue { .. })), "too long: {refused:?}");
        }
        let longest = "k".repeat(250);
        let batch = RunBatch::new().param(&longest, "1").tag(&longest, "x".repeat(8000)).metric(&longest, 1.0, 0, 0);
        self.log(&id, &batch).await;
        let long = "n".repeat(251);
        for name in ["", " ", "a/b", "..", "a\0b", &long] {
            let refused = self.registry.get_or_create_experiment(name).await;
            assert!(matches!(refused, Err(RegistryError::BadName { .. })), "`{name}`: {refused:?}");
        }
        let refused = self.registry.create_run(&self.name("bad names"), "", 1, &[]).await;
        assert!(matches!(refused, Err(RegistryError::BadName { .. })), "a run has a name: {refused:?}");
        let tags = [("a:b".to_owned(), String::new())];
        let refused = self.registry.create_run(&self.name("bad names"), "a", 1, &tags).await;
        assert!(matches!(refused, Err(RegistryError::BadName { .. })), "{refused:?}");
    }

    async fn search_is_newest_first_in_pages(&self) {
        let name = self.name("search");
        self.registry.get_or_create_experiment(&name).await.expect("an experiment");
        for start_ms in [30, 10, 50, 20, 40] {
            let run = self.registry.create_run(&name, &format!("at {start_ms}"), start_ms, &[]).await.expect("a run");
            self.log(&run.run_id, &RunBatch::new().metric("start", start_ms as f64, 0, start_ms)).await;
        }
        let first = self.registry.search_runs(Some(&name), 2, None).await.expect("a page");
        assert_eq!(starts(&first.runs), [50, 40]);
        assert_eq!(first.runs[0].metrics["start"], 50.0, "runs come with what was logged to them");
        let second = self.registry.search_runs(Some(&name), 2, first.next.as_deref()).await.expect("a page");
        assert_eq!(starts(&second.runs), [30, 20]);
        let third = self.registry.search_runs(Some(&name), 2, second.next.as_deref()).await.expect("a page");
        assert_eq!(starts(&third.runs), [10]);
        assert_eq!(third.next, None, "the last page");
        let one = self.registry.search_runs(Some(&name), 0, None).await.expect("a page");
        assert_eq!(starts(&one.runs), [50], "a page holds one run at least");

        let all = list_all_runs(self.registry.as_ref(), Some(&name)).await.expect("all runs");
        assert_eq!(starts(&all), [50, 40, 30, 20, 10]);
        let everywhere = list_all_runs(self.registry.as_ref(), None).await.expect("the runs of all experiments");
        assert!(everywhere.len() > all.len() && all.iter().all(|run| everywhere.contains(run)));
        assert!(starts(&everywhere).is_sorted_by(|a, b| a >= b), "newest first");
        let nowhere = self.registry.search_runs(Some(&self.name("nowhere")), 2, None).await.expect("a page");
        assert!(nowhere.runs.is_empty() && nowhere.next.is_none(), "no experiment, no runs");
        let bad = self.registry.search_runs(Some(&name), 2, Some("no page")).await;
        assert!(matches!(bad, Err(RegistryError::BadPage { .. })), "{bad:?}");
    }

    async fn artifacts(&self) {
        let id = self.new_run("artifacts").await;
        assert!(self.registry.list_artifacts(&id).await.expect("a list").is_empty());
        let missing = self.registry.get_artifact(&id, "model/model.json").await;
        assert!(matches!(missing, Err(RegistryError::UnknownArtifact { .. })), "{missing:?}");
        let files = [("b.txt", &b"b"[..]), ("model/MLmodel", b""), ("model/model.json", b"{}"), ("a é.csv", b"1,2\n")];
        for (path, bytes) in files {
            self.registry.put_artifact(&id, path, Bytes::copy_from_slice(b"old content")).await.expect("a file");
            self.registry.put_artifact(&id, path, Bytes::from_static(bytes)).await.expect("a file over it");
            assert_eq!(self.registry.get_artifact(&id, path).await.expect("the file"), bytes, "`{path}`");
        }
        let listed = self.registry.list_artifacts(&id).await.expect("a list");
        let listed: Vec<_> = listed.iter().map(|artifact| (artifact.path.as_str(), artifact.size)).collect();
        assert_eq!(listed, [("a é.csv", 4), ("b.txt", 1), ("model/MLmodel", 0), ("model/model.json", 2)]);
        for path in ["", "/etc/passwd", "../other", "a/../../b", "a//b"] {
            let answers = [
                self.registry.put_artifact(&id, path, Bytes::new()).await,
                self.registry.get_artifact(&id, path).await.map(|_| ()),
            ];
            for answer in answers {
                assert!(matches!(answer, Err(RegistryError::BadName { .. })), "`{path}`: {answer:?}");
            }
        }
        let other = self.new_run("artifacts").await;
        assert!(self.registry.list_artifacts(&other).await.expect("a list").is_empty(), "each run has its own");
    }

    async fn datasets(&self) {
        let id = self.new_run("datasets").await;
        assert_eq!(DatasetInput::of(&self.run(&id).await), None);
        let profile = serde_json::json!({ "locations": 48, "days": 500 });
        let digest = "0123456789abcdef".repeat(4);
        let (name, source) = ("sample".to_owned(), "a folder".to_owned());
        let dataset = DatasetInput { name, digest, source, profile };
        for _ in 0..2 {
            self.registry.log_dataset(&id, &dataset).await.expect("a dataset");
            assert_eq!(DatasetInput::of(&self.run(&id).await).as_ref(), Some(&dataset));
        }
    }

    async fn models_of_runs(&self) {
        let id = self.new_run("models of runs").await;
        self.log(&id, &RunBatch::new().param("recipe", "growth").metric("rmsle", 0.5, 0, 1)).await;
        let files = |content: &'static str| {
            [("MLmodel", "flavors: {}\n"), ("model.json", content)]
                .map(|(path, text)| (path.to_owned(), Bytes::from_static(text.as_bytes())))
        };
        let first = self.registry.log_model(&id, &files("old")).await.expect("a model");
        let second = self.registry.log_model(&id, &files("{\"a\":1}")).await.expect("the model again");
        assert_eq!(first, second, "a run has one model");
        let listed = self.registry.list_artifacts(&id).await.expect("a list");
        let listed: Vec<_> = listed.iter().map(|artifact| (artifact.path.as_str(), artifact.size)).collect();
        assert_eq!(listed, [("model/MLmodel", 12), ("model/model.json", 7)]);
        let read = self.registry.get_artifact(&id, "model/model.json").await.expect("the file");
        assert_eq!(read, "{\"a\":1}");
        let missing = self.registry.get_artifact(&id, "model/other").await;
        assert!(matches!(missing, Err(RegistryError::UnknownArtifact { .. })), "{missing:?}");

        let name = self.name("model-of-run");
        self.registry.get_or_create_registered_model(&name, "").await.expect("a model");
        let new = NewVersion { run_id: id.clone(), source: second.clone(), ..NewVersion::default() };
        let version = self.registry.create_version(&name, &new).await.expect("a version");
        assert_eq!((version.run_id, version.source), (id, second));
    }

    async fn registered_models(&self) {
        let name = self.name("registered");
        let first = self.registry.get_or_create_registered_model(&name, "what it is").await.expect("a model");
        assert_eq!((first.name.as_str(), first.description.as_str()), (name.as_str(), "what it is"));
        let again = self.registry.get_or_create_registered_model(&name, "something else").await.expect("the model");
        assert_eq!(again, first, "a registered model is created once");
        let listed = self.registry.list_registered_models().await.expect("a list");
        assert!(listed.contains(&first) && listed.iter().map(|model| &model.name).is_sorted(), "{listed:?}");
        assert!(self.registry.list_versions(&name).await.expect("a list").is_empty());
    }

    async fn versions(&self) {
        let (name, run_id) = (self.name("versions"), self.new_run("versions").await);
        let new = NewVersion {
            run_id: run_id.clone(),
            source: format!("runs:/{run_id}/model"),
            description: "the first".to_owned(),
            tags: vec![("digest".to_owned(), "0".to_owned()), ("digest".to_owned(), "1".to_owned())],
            created_ms: 7_000,
        };
        let unknown = self.registry.create_version(&name, &new).await;
        assert!(matches!(unknown, Err(RegistryError::UnknownModel { .. })), "{unknown:?}");
        self.registry.get_or_create_registered_model(&name, "").await.expect("a model");
        let first = self.registry.create_version(&name, &new).await.expect("a version");
        assert_eq!((first.name.as_str(), first.version, first.model_stage), (name.as_str(), 1, ModelStage::None));
        assert_eq!((&first.run_id, &first.source, &first.description), (&new.run_id, &new.source, &new.description));
        assert_eq!((first.tags["digest"].as_str(), first.aliases.len()), ("1", 0));
        let second = self.registry.create_version(&name, &new).await.expect("a version");
        assert_eq!(second.version, 2);
        self.registry.set_version_tag(&name, 1, "gate", "passed").await.expect("a tag");
        self.registry.set_version_tag(&name, 1, "digest", "2").await.expect("a tag");
        let first = self.version(&name, 1).await;
        assert_eq!((first.tags["gate"].as_str(), first.tags["digest"].as_str()), ("passed", "2"));
        assert_eq!(self.versions_of(&name).await, [second, first], "newest first");
        self.unknown_versions(&name).await;
        let unknown = self.registry.create_version(&name, &NewVersion { run_id: "f".repeat(32), ..new.clone() }).await;
        assert!(matches!(unknown, Err(RegistryError::UnknownRun { .. })), "{unknown:?}");
        let empty = self.registry.create_version(&name, &NewVersion { source: String::new(), ..new }).await;
        assert!(matches!(empty, Err(RegistryError::BadValue { .. })), "a version has a source: {empty:?}");
    }

    async fn unknown_versions(&self, name: &str) {
        for (name, version) in [(name, 0), (name, 3), (name, u64::MAX), (&self.name("no model"), 1)] {
            let answers = [
                self.registry.get_version(name, version).await.map(|_| ()),
                self.registry.set_version_tag(name, version, "a", "b").await,
                self.registry.set_alias(name, "a", version).await,
                self.registry.promote(name, version, None, "", 1).await.map(|_| ()),
            ];
            for answer in answers {
                assert!(matches!(answer, Err(RegistryError::UnknownVersion { .. })), "{version}: {answer:?}");
            }
        }
    }

    async fn versions_are_numbered_without_gaps(&self) {
        let (name, run_id) = (self.name("numbers"), self.new_run("numbers").await);
        self.registry.get_or_create_registered_model(&name, "").await.expect("a model");
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (registry, name) = (Arc::clone(&self.registry), name.clone());
            let new =
                NewVersion { run_id: run_id.clone(), source: format!("runs:/{run_id}/model"), ..NewVersion::default() };
            tasks.spawn(async move { registry.create_version(&name, &new).await.expect("a version").version });
        }
        let numbers: BTreeSet<_> = tasks.join_all().await.into_iter().collect();
        assert!(numbers.into_iter().eq(1..=8), "versions that are created at once get numbers of their own");
    }

    async fn aliases(&self) {
        let name = self.new_model("aliases", 2).await;
        self.registry.set_alias(&name, CHALLENGER, 1).await.expect("an alias");
        self.registry.set_alias(&name, "tried_2-x", 1).await.expect("an alias");
        assert_eq!(self.version(&name, 1).await.aliases, set(&[CHALLENGER, "tried_2-x"]));
        self.registry.set_alias(&name, CHALLENGER, 2).await.expect("an alias");
        assert_eq!(self.version(&name, 1).await.aliases, set(&["tried_2-x"]), "an alias names one version");
        let found = self.registry.get_version_by_alias(&name, CHALLENGER).await.expect("an answer");
        assert_eq!(found, Some(self.version(&name, 2).await));
        let model = self.registry.get_or_create_registered_model(&name, "").await.expect("the model");
        assert_eq!(
            model.aliases.into_iter().collect::<Vec<_>>(),
            [(CHALLENGER.to_owned(), 2), ("tried_2-x".to_owned(), 1)]
        );
        self.registry.delete_alias(&name, CHALLENGER).await.expect("a removal");
        self.registry.delete_alias(&name, CHALLENGER).await.expect("a second removal");
        assert_eq!(self.registry.get_version_by_alias(&name, CHALLENGER).await.expect("an answer"), None);
        let no_model = self.registry.get_version_by_alias(&self.name("no model"), CHAMPION).await;
        assert_eq!(no_model.expect("an answer"), None, "no model, no champion");
    }

    async fn bad_names_in_models(&self) {
        let name = self.new_model("bad-names", 1).await;
        let long = "a".repeat(256);
        for alias in ["", "latest", "LATEST", "v1", "V23", "a b", "a.b", "a/b", &long] {
            let refused = self.registry.set_alias(&name, alias, 1).await;
            assert!(matches!(refused, Err(RegistryError::BadName { .. })), "`{alias}`: {refused:?}");
        }
        for alias in ["v", "v1a", "1", "latest-1"] {
            self.registry.set_alias(&name, alias, 1).await.expect("an alias that only looks like a reserved one");
        }
        for name in ["", " ", "a/b", "a:b", &long] {
            let refused = self.registry.get_or_create_registered_model(name, "").await;
            assert!(matches!(refused, Err(RegistryError::BadName { .. })), "`{name}`: {refused:?}");
        }
        let refused = self.registry.set_version_tag(&name, 1, "a:b", "").await;
        assert!(matches!(refused, Err(RegistryError::BadName { .. })), "{refused:?}");
    }

    async fn promotion(&self) {
        let name = self.new_model("promotion", 2).await;
        assert!(self.registry.promotions(&name).await.expect("the trail").is_empty());
        let promoted = self.registry.promote(&name, 1, None, "the first", 100).await.expect("a promotion");
        let Promotion::Promoted(first) = promoted else { panic!("version 1 becomes champion: {promoted:?}") };
        assert_eq!((first.kind, first.version, first.previous), (PromotionKind::Promote, 1, None));
        assert_eq!((first.name.as_str(), first.evidence.as_str(), first.at_ms), (name.as_str(), "the first", 100));
        self.assert_champion(&name, 1).await;

        for alias in [CHALLENGER, "other"] {
            self.registry.set_alias(&name, alias, 2).await.expect("an alias");
        }
        let promoted = self.registry.promote(&name, 2, Some(1), "p = 0.01", 200).await.expect("a promotion");
        let Promotion::Promoted(second) = promoted else { panic!("version 2 becomes champion: {promoted:?}") };
        assert_eq!((second.version, second.previous), (2, Some(1)));
        self.assert_champion(&name, 2).await;
        assert_eq!(self.version(&name, 2).await.aliases, set(&[CHAMPION, "other"]), "a champion is no challenger");
        assert_eq!(self.version(&name, 1).await.model_stage, ModelStage::Archived);

        let before = self.versions_of(&name).await;
        for expected in [None, Some(1), Some(2)] {
            let again = self.registry.promote(&name, 2, expected, "again", 300).await.expect("an answer");
            assert_eq!(again, Promotion::AlreadyChampion { name: name.clone(), version: 2 });
        }
        assert_eq!(self.versions_of(&name).await, before, "promoting the champion changes nothing");
        assert_eq!(self.registry.promotions(&name).await.expect("the trail"), [first, second]);
    }

    async fn champion_is_managed(&self) {
        let name = self.new_model("managed", 2).await;
        self.registry.promote(&name, 1, None, "", 1).await.expect("a promotion");
        let answers = [
            self.registry.set_alias(&name, CHAMPION, 2).await,
            self.registry.set_alias(&name, CHAMPION, 1).await,
            self.registry.set_alias(&name, "Champion", 2).await,
            self.registry.delete_alias(&name, CHAMPION).await,
        ];
        for answer in answers {
            assert!(matches!(answer, Err(RegistryError::ChampionIsManaged { .. })), "{answer:?}");
        }
        self.assert_champion(&name, 1).await;
    }

    async fn lost_race(&self) {
        let name = self.new_model("lost", 3).await;
        let early = self.registry.promote(&name, 1, Some(2), "", 1).await;
        assert!(matches!(early, Err(RegistryError::LostRace { expected: Some(2), found: None, .. })), "{early:?}");
        assert_eq!(self.registry.get_version_by_alias(&name, CHAMPION).await.expect("an answer"), None);
        self.registry.promote(&name, 1, None, "", 1).await.expect("a promotion");
        self.registry.promote(&name, 2, Some(1), "", 2).await.expect("a promotion");
        for expected in [None, Some(1), Some(3)] {
            match self.registry.promote(&name, 3, expected, "", 3).await {
                Err(RegistryError::LostRace { version: Some(3), expected: told, found: Some(2), .. }) => {
                    assert_eq!(told, expected);
                }
                other => panic!("the champion is another than expected: {other:?}"),
            }
        }
        self.assert_champion(&name, 2).await;
        assert_eq!(self.version(&name, 3).await.model_stage, ModelStage::None);
        assert_eq!(self.registry.promotions(&name).await.expect("the trail").len(), 2);
    }

    async fn one_promotion_wins(&self) {
        let name = self.new_model("race", 8).await;
        self.registry.promote(&name, 1, None, "", 1).await.expect("a promotion");
        let mut tasks = JoinSet::new();
        for version in 2..=8 {
            let (registry, name) = (Arc::clone(&self.registry), name.clone());
            tasks.spawn(async move { registry.promote(&name, version, Some(1), "", 2).await });
        }
        let (won, lost): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
        let champion = self.registry.get_version_by_alias(&name, CHAMPION).await.expect("an answer");
        let champion = champion.expect("a champion").version;
        self.assert_champion(&name, champion).await;
        let winners: Vec<u64> = won
            .iter()
            .map(|answer| match answer {
                Ok(Promotion::Promoted(event)) => event.version,
                other => panic!("it was promoted: {other:?}"),
            })
            .collect();
        assert!(winners.contains(&champion), "the champion was told that it won: {winners:?}");
        if self.capabilities.compare_and_set {
            assert_eq!(winners, [champion], "of those who compared with the same champion, one wins");
        }
        for answer in lost {
            match answer {
                Err(RegistryError::LostRace { found, .. }) if self.capabilities.compare_and_set => {
                    assert_eq!(found, Some(champion));
                }
                Err(RegistryError::LostRace { found: Some(2..=8), .. }) => {}
                other => panic!("the others are told who won: {other:?}"),
            }
        }
    }

    async fn rollback(&self) {
        let name = self.new_model("rollback", 4).await;
        self.assert_no_previous_champion(&self.name("no model")).await;
        self.assert_no_previous_champion(&name).await;
        let mut champion = None;
        for version in [1, 2, 3] {
            self.registry.promote(&name, version, champion, "", 10).await.expect("a promotion");
            champion = Some(version);
        }
        self.assert_rollback(&name, 3, 2).await;
        // Said again, it goes no further.
        let again = self.registry.rollback(&name, 3, 20).await;
        let told =
            matches!(again, Err(RegistryError::LostRace { version: None, expected: Some(3), found: Some(2), .. }));
        assert!(told, "{again:?}");
        self.assert_champion(&name, 2).await;
        self.assert_rollback(&name, 2, 1).await;
        self.assert_no_previous_champion(&name).await;
        self.assert_champion(&name, 1).await;
        // A promotion after a rollback starts from there: 2 and 3 are forgotten.
        self.registry.promote(&name, 4, Some(1), "", 30).await.expect("a promotion");
        self.registry.promote(&name, 1, Some(4), "", 40).await.expect("a promotion");
        self.assert_rollback(&name, 1, 4).await;
        self.assert_rollback(&name, 4, 1).await;
        self.assert_no_previous_champion(&name).await;
        let trail = self.registry.promotions(&name).await.expect("the trail");
        let champions: Vec<_> =
            trail.iter().map(|event| (event.kind.as_str(), event.previous, event.version)).collect();
        assert_eq!(
            champions,
            [
                ("promote", None, 1),
                ("promote", Some(1), 2),
                ("promote", Some(2), 3),
                ("rollback", Some(3), 2),
                ("rollback", Some(2), 1),
                ("promote", Some(1), 4),
                ("promote", Some(4), 1),
                ("rollback", Some(1), 4),
                ("rollback", Some(4), 1),
            ]
        );
    }

    async fn assert_rollback(&self, name: &str, from: u64, to: u64) {
        let event = self.registry.rollback(name, from, 20).await.expect("a rollback");
        assert_eq!((event.kind, event.previous, event.version), (PromotionKind::Rollback, Some(from), to));
        self.assert_champion(name, to).await;
        assert_eq!(self.version(name, from).await.model_stage, ModelStage::Archived);
    }

    async fn assert_no_previous_champion(&self, name: &str) {
        let champion = self.registry.get_version_by_alias(name, CHAMPION).await.expect("an answer");
        let refused = self.registry.rollback(name, champion.map_or(1, |champion| champion.version), 20).await;
        assert!(matches!(refused, Err(RegistryError::NoPreviousChampion { .. })), "{refused:?}");
    }

    async fn assert_champion(&self, name: &str, version: u64) {
        assert_one_champion(self.registry.as_ref(), name, version).await;
    }

    async fn new_run(&self, experiment: &str) -> String {
        let experiment = self.name(experiment);
        self.registry.get_or_create_experiment(&experiment).await.expect("an experiment");
        self.registry.create_run(&experiment, "a run", 1_000, &[]).await.expect("a run").run_id
    }

    /// A registered model with versions 1 to n.
    async fn new_model(&self, model: &str, versions: u64) -> String {
        let (name, run_id) = (self.name(model), self.new_run(model).await);
        self.registry.get_or_create_registered_model(&name, "").await.expect("a model");
        let source = format!("runs:/{run_id}/model");
        let new = NewVersion { run_id, source, ..NewVersion::default() };
        for version in 1..=versions {
            assert_eq!(self.registry.create_version(&name, &new).await.expect("a version").version, version);
        }
        name
    }

    async fn log(&self, run_id: &str, batch: &RunBatch) {
        self.registry.log_batch(run_id, batch).await.expect("a batch");
    }

    async fn run(&self, run_id: &str) -> Run {
        self.registry.get_run(run_id).await.expect("a run")
    }

    async fn version(&self, name: &str, version: u64) -> ModelVersion {
        self.registry.get_version(name, version).await.expect("a version")
    }

    async fn versions_of(&self, name: &str) -> Vec<ModelVersion> {
        self.registry.list_versions(name).await.expect("a list")
    }
}

/// Checks that a version is the champion by its alias and by its stage, and that no other version is.
///
/// # Panics
/// If it is not so.
pub async fn assert_one_champion(registry: &dyn Registry, name: &str, version: u64) {
    let champion = registry.get_version_by_alias(name, CHAMPION).await.expect("an answer");
    assert_eq!(champion.map(|champion| champion.version), Some(version), "the alias names the champion");
    let versions = registry.list_versions(name).await.expect("a list");
    let in_production = |found: &&ModelVersion| found.model_stage == ModelStage::Production;
    let by_stage: Vec<_> = versions.iter().filter(in_production).map(|found| found.version).collect();
    let by_alias: Vec<_> = versions.iter().filter(|found| found.is_champion()).map(|found| found.version).collect();
    assert_eq!((by_stage, by_alias), (vec![version], vec![version]), "there is one champion");
}

fn starts(runs: &[Run]) -> Vec<i64> {
    runs.iter().map(|run| run.info.start_ms).collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
