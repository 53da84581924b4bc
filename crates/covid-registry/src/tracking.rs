//! Experiment tracking, in MLflow's terms: what a backend offers, and the words it uses.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

use crate::RegistryError;

/// The tag of a run by which this project's programs know it, whatever the server's own id of it: one that was
/// synchronised has the id that it has in the embedded tracker.
pub const RUN_ID_TAG: &str = "covid.run_id";

/// A name under which runs are kept together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Experiment {
    /// The backend's id; opaque.
    pub id: String,
    /// The name, unique in a tracker.
    pub name: String,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunStatus {
    /// Started, and not yet ended (or its program died).
    Running,
    /// Ended well.
    Finished,
    /// Ended by an error.
    Failed,
    /// Ended from outside.
    Killed,
}

impl RunStatus {
    /// MLflow's word for it, such as `FINISHED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }

    /// Checks that a run may end so.
    pub(crate) fn check_end(self, run_id: &str) -> Result<(), RegistryError> {
        if self != Self::Running {
            return Ok(());
        }
        let reason = "a run cannot end as RUNNING".to_owned();
        Err(RegistryError::BadValue { what: "status of tracking run", name: run_id.to_owned(), reason })
    }

    /// The status that MLflow calls so.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Running, Self::Finished, Self::Failed, Self::Killed].into_iter().find(|status| status.as_str() == word)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One value of a metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metric {
    /// Its name.
    pub key: String,
    /// The value; NaN and the infinities are values too.
    pub value: f64,
    /// The step it belongs to; 0 where there are none.
    pub step: i64,
    /// When it was measured, in milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
}

/// What is logged to a run in one go: all of it, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RunBatch {
    /// Values of metrics; each is kept.
    pub metrics: Vec<Metric>,
    /// Parameters, key and value; a parameter never changes.
    pub params: Vec<(String, String)>,
    /// Tags, key and value; the last one written counts.
    pub tags: Vec<(String, String)>,
}

impl RunBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter.
    pub fn param(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.push((key.into(), value.into()));
        self
    }

    /// Adds a tag.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    /// Adds a value of a metric; the time is in milliseconds since the Unix epoch.
    pub fn metric(mut self, key: impl Into<String>, value: f64, step: i64, timestamp_ms: i64) -> Self {
        self.metrics.push(Metric { key: key.into(), value, step, timestamp_ms });
        self
    }
}

/// The data that a run worked on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DatasetInput {
    /// The dataset's name.
    pub name: String,
    /// SHA-256 of its content, in hexadecimal digits.
    pub digest: String,
    /// Where it came from, for people.
    pub source: String,
    /// How large it is, and the like: JSON.
    pub profile: serde_json::Value,
}

impl DatasetInput {
    /// The tags that keep it: every backend has these, whatever form of its own it has besides.
    pub(crate) fn tags(&self) -> RunBatch {
        RunBatch::new()
            .tag(DATASET_TAGS[0], &self.name)
            .tag(DATASET_TAGS[1], &self.digest)
            .tag(DATASET_TAGS[2], &self.source)
            .tag(DATASET_TAGS[3], self.profile.to_string())
    }

    /// The dataset that a run's tags keep, if it has any.
    pub fn of(run: &Run) -> Option<Self> {
        let [name, digest, source, profile] = DATASET_TAGS.map(|key| run.tags.get(key));
        Some(Self {
            name: name?.clone(),
            digest: digest?.clone(),
            source: source.cloned().unwrap_or_default(),
            profile: profile.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        })
    }
}

const DATASET_TAGS: [&str; 4] = ["covid.dataset", "covid.vintage", "covid.source", "covid.profile"];

/// What a run is, apart from what was logged to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunInfo {
    /// 32 hexadecimal digits.
    pub run_id: String,
    /// The name of its experiment.
    pub experiment: String,
    /// Its name, for people; need not be unique.
    pub name: String,
    /// How far it has come.
    pub status: RunStatus,
    /// When it started, in milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// When it ended, in milliseconds since the Unix epoch.
    pub end_ms: Option<i64>,
}

/// A run, with what was logged to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// What it is.
    pub info: RunInfo,
    /// Its parameters.
    pub params: BTreeMap<String, String>,
    /// The latest value of every metric: that of the greatest step, then the latest time, then the greatest value.
    pub metrics: BTreeMap<String, f64>,
    /// Its tags. A backend may add its own, whose keys start with `mlflow.`.
    pub tags: BTreeMap<String, String>,
}

/// One page of runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RunPage {
    /// The runs, newest first.
    pub runs: Vec<Run>,
    /// Give this to `search_runs` for the next page; none on the last.
    pub next: Option<String>,
}

/// A file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// Its path inside the run, such as `model/model.json`.
    pub path: String,
    /// Bytes.
    pub size: u64,
}

/// Experiment tracking, modelled on MLflow. Times are milliseconds since the Unix epoch, and the caller's.
///
/// Names are checked as MLflow does, see [`names`](crate::names); a bad one is [`RegistryError::BadName`].
#[async_trait]
pub trait Tracker: fmt::Debug + Send + Sync + 'static {
    /// The experiment of that name, created if it is not there.
    async fn get_or_create_experiment(&self, name: &str) -> Result<Experiment, RegistryError>;

    /// All experiments, by name.
    async fn list_experiments(&self) -> Result<Vec<Experiment>, RegistryError>;

    /// Starts a run, its status `RUNNING`; [`RegistryError::UnknownExperiment`] if the experiment is not there.
    async fn create_run(
        &self,
        experiment: &str,
        name: &str,
        start_ms: i64,
        tags: &[(String, String)],
    ) -> Result<RunInfo, RegistryError>;

    /// Logs a batch, all of it or nothing; logging the same again changes nothing. (MLflow takes a large batch in
    /// portions: one that is cut off may be there in part, and logging it again completes it.)
    ///
    /// # Errors
    /// [`RegistryError::ParamChanged`] if a parameter has another value already, [`RegistryError::UnknownRun`].
    async fn log_batch(&self, run_id: &str, batch: &RunBatch) -> Result<(), RegistryError>;

    /// Logs the data that a run works on; the last ones count.
    async fn log_dataset(&self, run_id: &str, dataset: &DatasetInput) -> Result<(), RegistryError>;

    /// Ends a run; `RUNNING` is no end, and a [`RegistryError::BadValue`].
    async fn finish_run(&self, run_id: &str, status: RunStatus, end_ms: i64) -> Result<(), RegistryError>;

    /// A run; [`RegistryError::UnknownRun`] if there is none.
    async fn get_run(&self, run_id: &str) -> Result<Run, RegistryError>;

    /// A page of at most `limit` runs (at least one) of an experiment, or of all: newest first by start. `after` is the
    /// `next` of the page before. An experiment that is not there has no runs.
    async fn search_runs(
        &self,
        experiment: Option<&str>,
        limit: usize,
        after: Option<&str>,
    ) -> Result<RunPage, RegistryError>;

    /// Every value of one metric of a run, by step, then time, then value; empty if it was never logged.
    async fn metric_history(&self, run_id: &str, key: &str) -> Result<Vec<Metric>, RegistryError>;

    /// Logs the run's model, all its files at once, each by its path inside the folder `model`, and gives the source of
    /// a version: what [`NewVersion::source`](crate::NewVersion::source) says. The files are artifacts of the run then,
    /// `model/model.json` say. What the run has logged before counts as the model's.
    async fn log_model(&self, run_id: &str, files: &[(String, Bytes)]) -> Result<String, RegistryError>;

    /// Writes a file of a run, whole or not at all, over what was there.
    async fn put_artifact(&self, run_id: &str, path: &str, bytes: Bytes) -> Result<(), RegistryError>;

    /// Reads a file of a run; [`RegistryError::UnknownArtifact`] if there is none.
    async fn get_artifact(&self, run_id: &str, path: &str) -> Result<Bytes, RegistryError>;

    /// The files of a run, those in folders too, by path.
    async fn list_artifacts(&self, run_id: &str) -> Result<Vec<Artifact>, RegistryError>;
}

/// Every run of an experiment, or of all: newest first by start, all pages of the search.
pub async fn list_all_runs(tracker: &dyn Tracker, experiment: Option<&str>) -> Result<Vec<Run>, RegistryError> {
    const PAGE: usize = 100;
    let mut runs = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = tracker.search_runs(experiment, PAGE, after.as_deref()).await?;
        runs.extend(page.runs);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(runs),
        }
    }
}
