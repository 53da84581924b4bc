//! The tracker's side: experiments and runs.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    MlflowRegistry,
    api::{BAD_VALUE, NOT_FOUND, TAKEN},
    wire::{
        Done, ExperimentAnswer, ExperimentsAnswer, MetricsAnswer, Pair, RunAnswer, RunsAnswer, WireExperiment,
        WireMetric, WireRun, json_number, map, pairs,
    },
};
use crate::{
    Artifact, DatasetInput, Experiment, Metric, RUN_ID_TAG, Registry as _, RegistryError, Run, RunBatch, RunInfo,
    RunPage, RunStatus, Tracker,
    names::{check_batch, check_experiment, check_run, check_tags},
};

/// Things on one page of a search.
const PAGE: usize = 1000;
/// MLflow takes so many metrics in one call.
const METRICS_AT_ONCE: usize = 1000;
/// MLflow takes so many parameters or tags in one call, if they are short.
const PAIRS_AT_ONCE: usize = 100;
/// MLflow takes calls of a million bytes; this leaves room for what stands around the pairs.
const BYTES_AT_ONCE: usize = 900_000;

/// Where a run is kept.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// MLflow's own id of it.
    pub(super) run_id: String,
    /// The folder of its files in the server's artifact store.
    pub(super) folder: String,
}

#[async_trait]
impl Tracker for MlflowRegistry {
    async fn get_or_create_experiment(&self, name: &str) -> Result<Experiment, RegistryError> {
        check_experiment(name)?;
        if let Some(found) = self.experiment(name).await? {
            return Ok(found);
        }
        match self.api.post::<WireNewExperiment>("experiments/create", &json!({ "name": name })).await {
            Ok(created) => Ok(Experiment { id: created.experiment_id, name: name.to_owned() }),
            // Somebody else was quicker, or this was the second try.
            Err(refusal) if refusal.is(TAKEN) => {
                let found = self.experiment(name).await?;
                found.ok_or_else(|| refusal.into())
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn list_experiments(&self) -> Result<Vec<Experiment>, RegistryError> {
        let size = PAGE.to_string();
        let found = self.api.get_all::<ExperimentsAnswer>("experiments/search", &[("max_results", &size)]).await?;
        let mut found: Vec<Experiment> = found.into_iter().map(Experiment::from).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    async fn create_run(
        &self,
        experiment: &str,
        name: &str,
        start_ms: i64,
        tags: &[(String, String)],
    ) -> Result<RunInfo, RegistryError> {
        check_run(name)?;
        check_tags(tags)?;
        let unknown = || RegistryError::UnknownExperiment { name: experiment.to_owned(), uri: self.uri() };
        let experiment = self.experiment(experiment).await?.ok_or_else(unknown)?;
        let mut tags: BTreeMap<String, String> = tags.iter().cloned().collect();
        let id =
            tags.entry(RUN_ID_TAG.to_owned()).or_insert_with(|| format!("{:032x}", rand::random::<u128>())).clone();
        let tags: Vec<_> = tags.into_iter().collect();
        let body = json!({
            "experiment_id": experiment.id, "run_name": name, "start_time": start_ms, "tags": pairs(&tags),
        });
        let answer: RunAnswer = self
            .api
            .create("runs/create", &body, || async {
                let found = self.search_by_id(&id, vec![experiment.id.clone()]).await?;
                Ok(found.map(|run| RunAnswer { run }))
            })
            .await?;
        self.known().experiments.insert(experiment.id, experiment.name.clone());
        run_info(answer.run, experiment.name)
    }

    async fn log_batch(&self, run_id: &str, batch: &RunBatch) -> Result<(), RegistryError> {
        check_batch(batch)?;
        let run = self.wire_run(run_id).await?;
        let (id, params) = (run.info.run_id.clone(), new_params(run_id, run.data.params, &batch.params)?);
        // MLflow keeps the order of tags within a call in no way that is promised: the last one of a key is sent alone.
        let tags: BTreeMap<_, _> = batch.tags.iter().cloned().collect();
        let tags: Vec<_> = tags.into_iter().collect();
        // The parameters first: they are what may be refused.
        for params in chunks(&params) {
            self.log(json!({ "run_id": id, "params": pairs(params) })).await?;
        }
        for metrics in batch.metrics.chunks(METRICS_AT_ONCE) {
            let metrics: Vec<Value> = metrics.iter().map(json_metric).collect();
            self.log(json!({ "run_id": id, "metrics": metrics })).await?;
        }
        for tags in chunks(&tags) {
            self.log(json!({ "run_id": id, "tags": pairs(tags) })).await?;
        }
        Ok(())
    }

    async fn log_dataset(&self, run_id: &str, dataset: &DatasetInput) -> Result<(), RegistryError> {
        self.log_batch(run_id, &dataset.tags()).await?;
        let place = self.place(run_id).await?;
        let source = json!({ "source": dataset.source, "sha256": dataset.digest });
        let input = json!({
            "tags": [{ "key": "mlflow.data.context", "value": "training" }],
            "dataset": {
                "name": dataset.name,
                "digest": short_digest(&dataset.digest),
                "source_type": "covid",
                "source": source.to_string(),
                "profile": dataset.profile.to_string(),
            },
        });
        let body = json!({ "run_id": place.run_id, "datasets": [input] });
        self.api.post::<Done>("runs/log-inputs", &body).await?;
        Ok(())
    }

    async fn finish_run(&self, run_id: &str, status: RunStatus, end_ms: i64) -> Result<(), RegistryError> {
        status.check_end(run_id)?;
        let place = self.place(run_id).await?;
        let body = json!({ "run_id": place.run_id, "status": status.as_str(), "end_time": end_ms });
        self.api.post::<Value>("runs/update", &body).await?;
        Ok(())
    }

    async fn get_run(&self, run_id: &str) -> Result<Run, RegistryError> {
        let run = self.wire_run(run_id).await?;
        self.with_experiment(run).await
    }

    async fn search_runs(
        &self,
        experiment: Option<&str>,
        limit: usize,
        after: Option<&str>,
    ) -> Result<RunPage, RegistryError> {
        let ids = match experiment {
            Some(name) => self.experiment(name).await?.into_iter().map(|found| found.id).collect(),
            None => self.experiment_ids().await?,
        };
        if ids.is_empty() {
            return Ok(RunPage::default());
        }
        let body = json!({
            "experiment_ids": ids,
            "max_results": limit.clamp(1, PAGE),
            "order_by": ["attributes.start_time DESC"],
            "page_token": after.unwrap_or_default(),
        });
        let answer: RunsAnswer = match (self.api.post("runs/search", &body).await, after) {
            (Ok(answer), _) => answer,
            // Nothing else in this call is the caller's.
            (Err(refusal), Some(token)) if refusal.is(BAD_VALUE) => {
                return Err(RegistryError::BadPage { token: token.to_owned() });
            }
            (Err(refusal), _) => return Err(refusal.into()),
        };
        let mut runs = Vec::with_capacity(answer.runs.len());
        for run in answer.runs {
            runs.push(self.with_experiment(run).await?);
        }
        Ok(RunPage { runs, next: self.api.next_page(after, answer.next_page_token)? })
    }

    async fn metric_history(&self, run_id: &str, key: &str) -> Result<Vec<Metric>, RegistryError> {
        let place = self.place(run_id).await?;
        let size = PAGE.to_string();
        let query = [("run_id", place.run_id.as_str()), ("metric_key", key), ("max_results", &size)];
        let found = self.api.get_all::<MetricsAnswer>("metrics/get-history", &query).await?;
        let mut found: Vec<Metric> = found.into_iter().map(Metric::from).collect();
        // A NaN comes before every number, as in the embedded backend.
        let rank = |metric: &Metric| (metric.step, metric.timestamp_ms, !metric.value.is_nan());
        found.sort_by(|a, b| rank(a).cmp(&rank(b)).then(a.value.total_cmp(&b.value)));
        Ok(found)
    }

    async fn log_model(&self, run_id: &str, files: &[(String, Bytes)]) -> Result<String, RegistryError> {
        self.log_model_files(run_id, files).await
    }

    async fn put_artifact(&self, run_id: &str, path: &str, bytes: Bytes) -> Result<(), RegistryError> {
        self.put_file(run_id, path, bytes).await
    }

    async fn get_artifact(&self, run_id: &str, path: &str) -> Result<Bytes, RegistryError> {
        self.get_file(run_id, path).await
    }

    async fn list_artifacts(&self, run_id: &str) -> Result<Vec<Artifact>, RegistryError> {
        self.list_files(run_id).await
    }
}

#[derive(Debug, serde::Deserialize)]
struct WireNewExperiment {
    experiment_id: String,
}

impl MlflowRegistry {
    async fn experiment(&self, name: &str) -> Result<Option<Experiment>, RegistryError> {
        match self.api.get::<ExperimentAnswer>("experiments/get-by-name", &[("experiment_name", name)]).await {
            Ok(answer) if answer.experiment.lifecycle_stage == "deleted" => {
                Err(RegistryError::DeletedExperiment { name: name.to_owned(), uri: self.uri() })
            }
            Ok(answer) => Ok(Some(answer.experiment.into())),
            Err(refusal) if refusal.is(NOT_FOUND) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn experiment_name(&self, id: &str) -> Result<String, RegistryError> {
        if let Some(name) = self.known().experiments.get(id) {
            return Ok(name.clone());
        }
        let answer: ExperimentAnswer = self.api.get("experiments/get", &[("experiment_id", id)]).await?;
        let name = answer.experiment.name;
        self.known().experiments.insert(id.to_owned(), name.clone());
        Ok(name)
    }

    async fn experiment_ids(&self) -> Result<Vec<String>, RegistryError> {
        Ok(self.list_experiments().await?.into_iter().map(|experiment| experiment.id).collect())
    }

    /// A run by MLflow's id of it, or by the one under which this project's programs know it.
    pub(super) async fn wire_run(&self, run_id: &str) -> Result<WireRun, RegistryError> {
        let unknown = || RegistryError::UnknownRun { run_id: run_id.to_owned(), uri: self.uri() };
        let is_id = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if run_id.is_empty() || run_id.len() > 64 || !run_id.chars().all(is_id) {
            return Err(unknown());
        }
        match self.api.get::<RunAnswer>("runs/get", &[("run_id", run_id)]).await {
            Ok(answer) => Ok(answer.run),
            Err(refusal) if refusal.is(NOT_FOUND) => {
                let found = self.search_by_id(run_id, self.experiment_ids().await?).await?;
                found.ok_or_else(unknown)
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn search_by_id(&self, id: &str, experiment_ids: Vec<String>) -> Result<Option<WireRun>, RegistryError> {
        let body = json!({
            "experiment_ids": experiment_ids,
            "max_results": 1,
            "filter": format!("tags.`{RUN_ID_TAG}` = '{id}'"),
            // Of two by accident, always the same one.
            "order_by": ["attributes.start_time ASC", "attributes.run_id ASC"],
        });
        let answer: RunsAnswer = self.api.post("runs/search", &body).await?;
        Ok(answer.runs.into_iter().next())
    }

    /// Where a run is kept; asked for once.
    pub(super) async fn place(&self, run_id: &str) -> Result<Place, RegistryError> {
        if let Some(place) = self.known().places.get(run_id) {
            return Ok(place.clone());
        }
        let run = self.wire_run(run_id).await?;
        let place = self.place_of(&run)?;
        self.known().places.insert(run_id.to_owned(), place.clone());
        Ok(place)
    }

    pub(super) fn place_of(&self, run: &WireRun) -> Result<Place, RegistryError> {
        let info = &run.info;
        let folder = self.folder_of(&info.run_id, &info.artifact_uri)?;
        Ok(Place { run_id: info.run_id.clone(), folder })
    }

    pub(super) async fn log(&self, body: Value) -> Result<(), RegistryError> {
        self.api.post::<Done>("runs/log-batch", &body).await?;
        Ok(())
    }

    async fn with_experiment(&self, run: WireRun) -> Result<Run, RegistryError> {
        let experiment = self.experiment_name(&run.info.experiment_id).await?;
        let data = run.data.clone();
        Ok(Run {
            info: run_info(run, experiment)?,
            params: map(data.params),
            metrics: data.metrics.into_iter().map(|metric| (metric.key, metric.value)).collect(),
            tags: map(data.tags),
        })
    }
}

fn run_info(run: WireRun, experiment: String) -> Result<RunInfo, RegistryError> {
    let info = run.info;
    Ok(RunInfo {
        run_id: info.run_id,
        experiment,
        name: info.run_name,
        // `SCHEDULED`, the fifth of MLflow's words, is for runs that have not begun; none of this project's.
        status: RunStatus::parse(&info.status).unwrap_or(RunStatus::Running),
        start_ms: info.start_time,
        end_ms: info.end_time,
    })
}

/// The parameters that are not there yet, each once.
fn new_params(
    run_id: &str,
    logged: Vec<Pair>,
    params: &[(String, String)],
) -> Result<Vec<(String, String)>, RegistryError> {
    let mut known = map(logged);
    let there: BTreeSet<String> = known.keys().cloned().collect();
    for (key, new) in params {
        let old = known.entry(key.clone()).or_insert_with(|| new.clone());
        if old != new {
            let (old, run_id, key, new) = (old.clone(), run_id.to_owned(), key.clone(), new.clone());
            return Err(RegistryError::ParamChanged { run_id, key, old, new });
        }
    }
    Ok(known.into_iter().filter(|(key, _)| !there.contains(key)).collect())
}

/// Pairs in portions that MLflow takes.
fn chunks(pairs: &[(String, String)]) -> Vec<&[(String, String)]> {
    let mut portions = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (at, (key, value)) in pairs.iter().enumerate() {
        // MLflow counts what is outside ASCII as it is written in JSON: six bytes a UTF-16 unit at most.
        let size = 6 * (key.len() + value.len()) + 40;
        if at > from && (at - from == PAIRS_AT_ONCE || bytes + size > BYTES_AT_ONCE) {
            portions.push(&pairs[from..at]);
            (from, bytes) = (at, 0);
        }
        bytes += size;
    }
    if from < pairs.len() {
        portions.push(&pairs[from..]);
    }
    portions
}

pub(super) fn json_metric(metric: &Metric) -> Value {
    json!({
        "key": metric.key,
        "value": json_number(metric.value),
        "timestamp": metric.timestamp_ms,
        "step": metric.step,
    })
}

/// MLflow keeps 36 characters of a digest, and its pages have room for a dozen. The tag has all of them.
fn short_digest(digest: &str) -> String {
    digest.chars().take(12).collect()
}

impl From<WireExperiment> for Experiment {
    fn from(wire: WireExperiment) -> Self {
        Self { id: wire.experiment_id, name: wire.name }
    }
}

impl From<WireMetric> for Metric {
    fn from(wire: WireMetric) -> Self {
        Self { key: wire.key, value: wire.value, step: wire.step, timestamp_ms: wire.timestamp }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(count: usize, length: usize) -> Vec<(String, String)> {
        (0..count).map(|i| (format!("k{i}"), "x".repeat(length))).collect()
    }

    #[test]
    fn pairs_are_sent_in_portions_that_mlflow_takes() {
        let sizes = |pairs: &[(String, String)]| chunks(pairs).iter().map(|chunk| chunk.len()).collect::<Vec<_>>();
        assert_eq!(sizes(&[]), Vec::<usize>::new());
        assert_eq!(sizes(&many(250, 1)), [100, 100, 50]);
        assert_eq!(sizes(&many(40, 8000)), [18, 18, 4]);
        assert_eq!(sizes(&many(1, 8000)), [1]);
    }

    #[test]
    fn only_new_parameters_are_sent() {
        let logged = || vec![Pair { key: "a".into(), value: "1".into() }];
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let new = new_params("r", logged(), &[pair("a", "1"), pair("b", "2"), pair("b", "2")]).unwrap();
        assert_eq!(new, [pair("b", "2")]);
        let changed = new_params("r", logged(), &[pair("b", "2"), pair("a", "2")]);
        assert!(matches!(changed, Err(RegistryError::ParamChanged { key, .. }) if key == "a"));
    }
}
