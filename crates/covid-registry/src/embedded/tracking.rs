//! The tracker's side of the embedded backend.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use covid_storage::{ObjectStore as _, PutMode, StorageError, list_all};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{
    EmbeddedRegistry,
    session::{Failure, Session, word},
};
use crate::{
    Artifact, DatasetInput, Experiment, Metric, RegistryError, Run, RunBatch, RunInfo, RunPage, RunStatus, Tracker,
    names::{check_batch, check_experiment, check_run, check_tags},
};

const SELECT_RUN: &str = "SELECT runs.*, experiments.name AS experiment FROM runs \
                          JOIN experiments ON experiments.id = runs.experiment_id";

#[async_trait]
impl Tracker for EmbeddedRegistry {
    async fn get_or_create_experiment(&self, name: &str) -> Result<Experiment, RegistryError> {
        check_experiment(name)?;
        let name = name.to_owned();
        self.write(move |session| session.get_or_create_experiment(name)).await
    }

    async fn list_experiments(&self) -> Result<Vec<Experiment>, RegistryError> {
        self.read(|session| session.experiments()).await
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
        let info = RunInfo {
            run_id: format!("{:032x}", rand::random::<u128>()),
            experiment: experiment.to_owned(),
            name: name.to_owned(),
            status: RunStatus::Running,
            start_ms,
            end_ms: None,
        };
        let tags = tags.to_vec();
        self.write(move |session| session.create_run(info, &tags)).await
    }

    async fn log_batch(&self, run_id: &str, batch: &RunBatch) -> Result<(), RegistryError> {
        check_batch(batch)?;
        let (run_id, batch) = (run_id.to_owned(), batch.clone());
        self.write(move |session| session.log_batch(&run_id, &batch)).await
    }

    async fn finish_run(&self, run_id: &str, status: RunStatus, end_ms: i64) -> Result<(), RegistryError> {
        status.check_end(run_id)?;
        let run_id = run_id.to_owned();
        self.write(move |session| session.finish_run(&run_id, status, end_ms)).await
    }

    async fn get_run(&self, run_id: &str) -> Result<Run, RegistryError> {
        let run_id = run_id.to_owned();
        self.read(move |session| {
            let info = session.run_info(&run_id)?;
            session.with_data(info)
        })
        .await
    }

    async fn search_runs(
        &self,
        experiment: Option<&str>,
        limit: usize,
        after: Option<&str>,
    ) -> Result<RunPage, RegistryError> {
        let experiment = experiment.map(str::to_owned);
        let after = after.map(Position::parse).transpose()?;
        self.read(move |session| session.page(experiment.as_deref(), limit.max(1), after)).await
    }

    async fn metric_history(&self, run_id: &str, key: &str) -> Result<Vec<Metric>, RegistryError> {
        let (run_id, key) = (run_id.to_owned(), key.to_owned());
        self.read(move |session| session.metric_history(&run_id, &key)).await
    }

    async fn log_dataset(&self, run_id: &str, dataset: &DatasetInput) -> Result<(), RegistryError> {
        self.log_batch(run_id, &dataset.tags()).await
    }

    async fn log_model(&self, run_id: &str, files: &[(String, Bytes)]) -> Result<String, RegistryError> {
        for (path, bytes) in files {
            self.put_artifact(run_id, &format!("model/{path}"), bytes.clone()).await?;
        }
        Ok(format!("runs:/{run_id}/model"))
    }

    async fn put_artifact(&self, run_id: &str, path: &str, bytes: Bytes) -> Result<(), RegistryError> {
        let key = self.artifact_folder(run_id).await? + path;
        let written = self.artifacts.put(&key, bytes, PutMode::Overwrite).await;
        written.map(|_| ()).map_err(|cause| artifact_error(run_id, path, cause))
    }

    async fn get_artifact(&self, run_id: &str, path: &str) -> Result<Bytes, RegistryError> {
        let key = self.artifact_folder(run_id).await? + path;
        let read = self.artifacts.get(&key).await;
        read.map(|object| object.bytes).map_err(|cause| artifact_error(run_id, path, cause))
    }

    async fn list_artifacts(&self, run_id: &str) -> Result<Vec<Artifact>, RegistryError> {
        let folder = self.artifact_folder(run_id).await?;
        let objects = list_all(&self.artifacts, &folder).await.map_err(|cause| artifact_error(run_id, "", cause))?;
        let inside = |key: &str| key.strip_prefix(&folder).unwrap_or(key).to_owned();
        Ok(objects.iter().map(|object| Artifact { path: inside(&object.key), size: object.size }).collect())
    }
}

impl EmbeddedRegistry {
    /// The key below which a run's files are, with its `/`.
    async fn artifact_folder(&self, run_id: &str) -> Result<String, RegistryError> {
        let run_id = run_id.to_owned();
        let info = self.read(move |session| session.run_info(&run_id)).await?;
        Ok(format!("{}/{}/", info.experiment, info.run_id))
    }
}

/// Where a page of a search ended.
#[derive(Clone, Copy)]
struct Position {
    start_ms: i64,
    sequence: i64,
}

impl Position {
    fn parse(token: &str) -> Result<Self, RegistryError> {
        let numbers =
            token.split_once(':').and_then(|(start, sequence)| Some((start.parse().ok()?, sequence.parse().ok()?)));
        match numbers {
            Some((start_ms, sequence)) => Ok(Self { start_ms, sequence }),
            None => Err(RegistryError::BadPage { token: token.to_owned() }),
        }
    }

    fn token(self) -> String {
        format!("{}:{}", self.start_ms, self.sequence)
    }
}

impl Session<'_> {
    fn get_or_create_experiment(&self, name: String) -> Result<Experiment, Failure> {
        self.sql.execute("INSERT INTO experiments (name) VALUES (?1) ON CONFLICT DO NOTHING", [&name])?;
        let id: i64 = self.sql.query_row("SELECT id FROM experiments WHERE name = ?1", [&name], |row| row.get(0))?;
        Ok(Experiment { id: id.to_string(), name })
    }

    fn experiments(&self) -> Result<Vec<Experiment>, Failure> {
        let mut statement = self.sql.prepare("SELECT id, name FROM experiments ORDER BY name")?;
        let experiments = statement
            .query_map([], |row| Ok(Experiment { id: row.get::<_, i64>("id")?.to_string(), name: row.get("name")? }))?;
        Ok(experiments.collect::<Result<_, _>>()?)
    }

    fn create_run(&self, info: RunInfo, tags: &[(String, String)]) -> Result<RunInfo, Failure> {
        let created = self.sql.execute(
            "INSERT INTO runs (run_id, experiment_id, name, status, start_ms) \
             SELECT ?1, id, ?2, ?3, ?4 FROM experiments WHERE name = ?5",
            params![info.run_id, info.name, info.status.as_str(), info.start_ms, info.experiment],
        )?;
        if created == 0 {
            return Err(RegistryError::UnknownExperiment { name: info.experiment, uri: self.uri.clone() }.into());
        }
        self.set_run_tags(&info.run_id, tags)?;
        Ok(info)
    }

    fn log_batch(&self, run_id: &str, batch: &RunBatch) -> Result<(), Failure> {
        self.run_info(run_id)?;
        self.add_metrics(run_id, &batch.metrics)?;
        self.add_params(run_id, &batch.params)?;
        self.set_run_tags(run_id, &batch.tags)
    }

    fn add_metrics(&self, run_id: &str, metrics: &[Metric]) -> Result<(), Failure> {
        let mut insert = self.sql.prepare(
            "INSERT INTO metrics (run_id, key, step, timestamp_ms, is_nan, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT DO NOTHING",
        )?;
        for metric in metrics {
            let is_nan = metric.value.is_nan();
            let value = if is_nan { 0.0 } else { metric.value };
            insert.execute(params![run_id, metric.key, metric.step, metric.timestamp_ms, is_nan, value])?;
        }
        Ok(())
    }

    fn add_params(&self, run_id: &str, params: &[(String, String)]) -> Result<(), Failure> {
        let mut insert =
            self.sql.prepare("INSERT INTO params (run_id, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
        let mut select = self.sql.prepare("SELECT value FROM params WHERE run_id = ?1 AND key = ?2")?;
        for (key, new) in params {
            insert.execute([run_id, key, new])?;
            let old: String = select.query_row([run_id, key], |row| row.get(0))?;
            if old != *new {
                let (run_id, key, new) = (run_id.to_owned(), key.clone(), new.clone());
                return Err(RegistryError::ParamChanged { run_id, key, old, new }.into());
            }
        }
        Ok(())
    }

    fn set_run_tags(&self, run_id: &str, tags: &[(String, String)]) -> Result<(), Failure> {
        let mut upsert = self.sql.prepare(
            "INSERT INTO run_tags (run_id, key, value) VALUES (?1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET value = excluded.value",
        )?;
        for (key, value) in tags {
            upsert.execute([run_id, key, value])?;
        }
        Ok(())
    }

    fn finish_run(&self, run_id: &str, status: RunStatus, end_ms: i64) -> Result<(), Failure> {
        let changed = self.sql.execute(
            "UPDATE runs SET status = ?2, end_ms = ?3 WHERE run_id = ?1",
            params![run_id, status.as_str(), end_ms],
        )?;
        if changed == 0 { Err(self.unknown_run(run_id)) } else { Ok(()) }
    }

    pub(super) fn run_info(&self, run_id: &str) -> Result<RunInfo, Failure> {
        let found = self.sql.query_row(&format!("{SELECT_RUN} WHERE run_id = ?1"), [run_id], run_info).optional()?;
        found.ok_or_else(|| self.unknown_run(run_id))
    }

    fn with_data(&self, info: RunInfo) -> Result<Run, Failure> {
        let params = self.pairs("SELECT key, value FROM params WHERE run_id = ?1", &info.run_id)?;
        let tags = self.pairs("SELECT key, value FROM run_tags WHERE run_id = ?1", &info.run_id)?;
        Ok(Run { params, metrics: self.latest_metrics(&info.run_id)?, tags, info })
    }

    fn pairs(&self, sql: &str, run_id: &str) -> Result<BTreeMap<String, String>, Failure> {
        let mut statement = self.sql.prepare_cached(sql)?;
        let pairs = statement.query_map([run_id], |row| Ok((row.get("key")?, row.get("value")?)))?;
        Ok(pairs.collect::<Result<_, _>>()?)
    }

    /// A map keeps the last value of each key, and the rows come in the order that makes it the latest one.
    fn latest_metrics(&self, run_id: &str) -> Result<BTreeMap<String, f64>, Failure> {
        let mut statement = self.sql.prepare_cached(
            "SELECT key, step, timestamp_ms, is_nan, value FROM metrics WHERE run_id = ?1 \
             ORDER BY key, step, timestamp_ms, is_nan DESC, value",
        )?;
        let metrics = statement.query_map([run_id], metric)?;
        Ok(metrics.map(|found| found.map(|metric| (metric.key, metric.value))).collect::<Result<_, _>>()?)
    }

    fn metric_history(&self, run_id: &str, key: &str) -> Result<Vec<Metric>, Failure> {
        self.run_info(run_id)?;
        let mut statement = self.sql.prepare_cached(
            "SELECT key, step, timestamp_ms, is_nan, value FROM metrics WHERE run_id = ?1 AND key = ?2 \
             ORDER BY step, timestamp_ms, is_nan DESC, value",
        )?;
        let metrics = statement.query_map([run_id, key], metric)?;
        Ok(metrics.collect::<Result<_, _>>()?)
    }

    fn page(&self, experiment: Option<&str>, limit: usize, after: Option<Position>) -> Result<RunPage, Failure> {
        let mut found = self.infos(experiment, limit.saturating_add(1), after)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|(position, _)| position.token());
        let runs = found.into_iter().map(|(_, info)| self.with_data(info)).collect::<Result<_, _>>()?;
        Ok(RunPage { runs, next })
    }

    fn infos(
        &self,
        experiment: Option<&str>,
        limit: usize,
        after: Option<Position>,
    ) -> Result<Vec<(Position, RunInfo)>, Failure> {
        let mut statement = self.sql.prepare_cached(&format!(
            "{SELECT_RUN} WHERE (?1 IS NULL OR experiments.name = ?1) \
             AND (?2 IS NULL OR (start_ms, sequence) < (?2, ?3)) ORDER BY start_ms DESC, sequence DESC LIMIT ?4"
        ))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let (start, sequence) = (after.map(|after| after.start_ms), after.map(|after| after.sequence));
        let found = statement.query_map(params![experiment, start, sequence, limit], |row| {
            Ok((Position { start_ms: row.get("start_ms")?, sequence: row.get("sequence")? }, run_info(row)?))
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    fn unknown_run(&self, run_id: &str) -> Failure {
        RegistryError::UnknownRun { run_id: run_id.to_owned(), uri: self.uri.clone() }.into()
    }
}

fn run_info(row: &Row<'_>) -> rusqlite::Result<RunInfo> {
    Ok(RunInfo {
        run_id: row.get("run_id")?,
        experiment: row.get("experiment")?,
        name: row.get("name")?,
        status: word(row, "status", RunStatus::parse)?,
        start_ms: row.get("start_ms")?,
        end_ms: row.get("end_ms")?,
    })
}

fn metric(row: &Row<'_>) -> rusqlite::Result<Metric> {
    let is_nan: bool = row.get("is_nan")?;
    Ok(Metric {
        key: row.get("key")?,
        value: if is_nan { f64::NAN } else { row.get("value")? },
        step: row.get("step")?,
        timestamp_ms: row.get("timestamp_ms")?,
    })
}

fn artifact_error(run_id: &str, path: &str, cause: StorageError) -> RegistryError {
    let (run_id, path) = (run_id.to_owned(), path.to_owned());
    match cause {
        StorageError::NotFound { .. } => RegistryError::UnknownArtifact { run_id, path },
        StorageError::BadKey { reason, .. } => {
            RegistryError::BadName { what: "path of an artifact", name: path, reason }
        }
        cause => RegistryError::Artifact { run_id, cause },
    }
}
