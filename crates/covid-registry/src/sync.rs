//! The embedded registry replayed into an MLflow server.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;

use crate::{
    CHALLENGER, CHAMPION, DatasetInput, MlflowRegistry, ModelRegistry as _, ModelVersion, NewVersion, PromotionEvent,
    RUN_ID_TAG, RegisteredModel, Registry, RegistryError, Run, RunBatch, RunStatus, Tracker as _, VERSION_ID_TAG,
    champions, list_all_runs,
};

/// What a synchronisation added, and what was there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// The embedded registry.
    pub from: String,
    /// The server.
    pub to: String,
    /// Tracking runs.
    pub runs: Synced,
    /// Versions of registered models.
    pub versions: Synced,
    /// Changes of champion.
    pub promotions: Synced,
    /// Registered models whose champion was changed at the server: it decides, and is left alone.
    pub left_alone: Vec<ChampionThere>,
}

/// How many of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Synced {
    /// Were not there, or not whole, and are now.
    pub added: usize,
    /// Were there already.
    pub already_there: usize,
}

/// A champion that was changed at the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChampionThere {
    /// The registered model.
    pub model: String,
    /// The champion there, by its number there; none if its alias was deleted.
    pub there: Option<u64>,
    /// The champion of the embedded registry, by its number there.
    pub here: Option<u64>,
}

impl Synced {
    fn count(&mut self, is_new: bool) {
        if is_new { self.added += 1 } else { self.already_there += 1 }
    }
}

/// Adds to an MLflow server what it does not have yet of an embedded registry: experiments, runs with all that was logged
/// to them, registered models, versions, aliases and the trail of promotions. Nothing there is removed or changed but
/// the alias [`CHALLENGER`] of a version that came from here, and tags of what came from here; an alias whose name is in use
/// there stays as it is.
///
/// What is logged and registered here meanwhile is left to the next call.
///
/// A run is known again by its id in the embedded registry, which the tag [`RUN_ID_TAG`] keeps, and a version by
/// [`VERSION_ID_TAG`]. Its end is the last thing that a run gets: a run that was cut off before is completed by the next
/// call. Two calls must not run at once: both could add the same run.
///
/// # Errors
/// If one of the two fails. What was added stays, and the next call goes on from there.
pub async fn sync(from: &dyn Registry, to: &MlflowRegistry) -> Result<SyncReport, RegistryError> {
    let report = SyncReport { from: from.uri(), to: to.uri(), ..SyncReport::default() };
    let mut sync = Sync { from, to, report, run_ids: BTreeMap::new() };
    // What refers to other things is read before them, so that they are there even if somebody trains meanwhile: aliases,
    // promotions, versions, and then the runs.
    let mut models = Vec::new();
    for model in from.list_registered_models().await? {
        let promotions = from.promotions(&model.name).await?;
        let versions = from.list_versions(&model.name).await?;
        models.push(Model { model, promotions, versions });
    }
    for experiment in from.list_experiments().await? {
        sync.experiment(&experiment.name).await?;
    }
    for model in models {
        sync.model(model).await?;
    }
    Ok(sync.report)
}

/// A registered model of the embedded registry at one moment.
struct Model {
    model: RegisteredModel,
    promotions: Vec<PromotionEvent>,
    versions: Vec<ModelVersion>,
}

struct Sync<'a> {
    from: &'a dyn Registry,
    to: &'a MlflowRegistry,
    report: SyncReport,
    /// The server's ids of runs, by those here.
    run_ids: BTreeMap<String, String>,
}

impl Sync<'_> {
    async fn experiment(&mut self, name: &str) -> Result<(), RegistryError> {
        self.to.get_or_create_experiment(name).await?;
        let there = list_all_runs(self.to, Some(name)).await?;
        let there: BTreeMap<String, Run> =
            there.into_iter().filter_map(|run| Some((run.tags.get(RUN_ID_TAG)?.clone(), run))).collect();
        // The oldest first, so that one that is cut off has what lies before it.
        for run in list_all_runs(self.from, Some(name)).await?.into_iter().rev() {
            let found = there.get(&run.info.run_id);
            let (id, is_new) = match found {
                Some(found) => (found.info.run_id.clone(), !self.is_whole(found, &run).await?),
                None => (self.create_run(&run).await?, true),
            };
            if is_new {
                self.fill(&run, &id).await?;
                tracing::debug!(run = run.info.run_id, there = id, "synchronised");
            }
            self.report.runs.count(is_new);
            self.run_ids.insert(run.info.run_id, id);
        }
        Ok(())
    }

    async fn create_run(&self, run: &Run) -> Result<String, RegistryError> {
        let info = &run.info;
        let mut tags = run.tags.clone();
        tags.insert(RUN_ID_TAG.to_owned(), info.run_id.clone());
        let tags: Vec<_> = tags.into_iter().collect();
        Ok(self.to.create_run(&info.experiment, &info.name, info.start_ms, &tags).await?.run_id)
    }

    /// Whether nothing of a run is missing at the server. Its end is logged last, so one that has its end has all but the
    /// tags that may be set later. One that has none yet, or whose program died, is looked at by what it has; new values
    /// of a metric that is there come with the end.
    async fn is_whole(&self, there: &Run, here: &Run) -> Result<bool, RegistryError> {
        let (a, b) = (&there.info, &here.info);
        let has_tag = |(key, value): (&String, &String)| there.tags.get(key) == Some(value);
        if (a.status, a.end_ms) != (b.status, b.end_ms) || !here.tags.iter().all(has_tag) {
            return Ok(false);
        }
        if b.status != RunStatus::Running {
            return Ok(true);
        }
        let has_metric = |key: &String| there.metrics.contains_key(key);
        Ok(there.params == here.params
            && here.metrics.keys().all(has_metric)
            && self.to.list_artifacts(&a.run_id).await? == self.from.list_artifacts(&b.run_id).await?)
    }

    /// Logs all of a run. What is there already is logged again, which changes nothing.
    async fn fill(&self, run: &Run, id: &str) -> Result<(), RegistryError> {
        let mut batch = RunBatch {
            params: run.params.clone().into_iter().collect(),
            tags: run.tags.clone().into_iter().collect(),
            metrics: Vec::new(),
        };
        for key in run.metrics.keys() {
            batch.metrics.extend(self.from.metric_history(&run.info.run_id, key).await?);
        }
        self.to.log_batch(id, &batch).await?;
        if let Some(dataset) = DatasetInput::of(run) {
            self.to.log_dataset(id, &dataset).await?;
        }
        self.copy_files(&run.info.run_id, id).await?;
        match (run.info.status, run.info.end_ms) {
            (RunStatus::Running, _) | (_, None) => Ok(()),
            (status, Some(end_ms)) => self.to.finish_run(id, status, end_ms).await,
        }
    }

    async fn copy_files(&self, run_id: &str, id: &str) -> Result<(), RegistryError> {
        let mut model: Vec<(String, Bytes)> = Vec::new();
        for artifact in self.from.list_artifacts(run_id).await? {
            let bytes = self.from.get_artifact(run_id, &artifact.path).await?;
            match artifact.path.strip_prefix("model/") {
                Some(path) => model.push((path.to_owned(), bytes)),
                None => self.to.put_artifact(id, &artifact.path, bytes).await?,
            }
        }
        if !model.is_empty() {
            self.to.log_model(id, &model).await?;
        }
        Ok(())
    }

    async fn model(&mut self, Model { model, promotions, versions }: Model) -> Result<(), RegistryError> {
        let name = &model.name;
        self.to.get_or_create_registered_model(name, &model.description).await?;
        let there = self.to.list_versions(name).await?;
        let mut numbers = BTreeMap::new();
        for version in versions.into_iter().rev() {
            let id = format!("{}/{}", version.run_id, version.version);
            let found = there.iter().find(|found| found.tags.get(VERSION_ID_TAG) == Some(&id));
            self.report.versions.count(found.is_none());
            let number = match found {
                Some(found) => self.update_tags(found, &version).await?,
                None => self.create_version(&version, id).await?,
            };
            numbers.insert(version.version, number);
        }
        self.champion(name, promotions, &numbers).await?;
        self.aliases(&model, &numbers).await
    }

    async fn create_version(&self, version: &ModelVersion, id: String) -> Result<u64, RegistryError> {
        let ModelVersion { name, run_id, source, description, created_ms, .. } = version;
        let unknown = || RegistryError::UnknownRun { run_id: run_id.clone(), uri: self.from.uri() };
        let run_there = self.run_ids.get(run_id).ok_or_else(unknown)?;
        let source = match self.to.model_source(run_there).await? {
            Some(source) => source,
            None => source.replace(run_id, run_there),
        };
        let mut tags = version.tags.clone();
        tags.insert(VERSION_ID_TAG.to_owned(), id);
        let new = NewVersion {
            run_id: run_there.clone(),
            source,
            description: description.clone(),
            tags: tags.into_iter().collect(),
            created_ms: *created_ms,
        };
        Ok(self.to.create_version(name, &new).await?.version)
    }

    async fn update_tags(&self, there: &ModelVersion, here: &ModelVersion) -> Result<u64, RegistryError> {
        for (key, value) in here.tags.iter().filter(|(key, value)| there.tags.get(*key) != Some(value)) {
            self.to.set_version_tag(&there.name, there.version, key, value).await?;
        }
        Ok(there.version)
    }

    /// Replays the changes of champion that the server has not seen, if nobody changed the champion there. The alias
    /// moves first, and once, whatever the number of changes: no reader there sees a champion of old.
    async fn champion(
        &mut self,
        name: &str,
        events: Vec<PromotionEvent>,
        numbers: &BTreeMap<u64, u64>,
    ) -> Result<(), RegistryError> {
        let events: Vec<PromotionEvent> = events.into_iter().filter_map(|event| renumbered(event, numbers)).collect();
        let shelf = self.to.shelf(name).await?;
        let (written, there) = (&shelf.trail.written, shelf.champion());
        let here = champions(&events).last().copied();
        let is_ours = events.starts_with(written) && (there == here || there == champions(written).last().copied());
        let missing = events.get(written.len()..).unwrap_or_default();
        if !is_ours || (missing.is_empty() && there != here) {
            self.report.left_alone.push(ChampionThere { model: name.to_owned(), there, here });
            return Ok(());
        }
        if let Some(champion) = here.filter(|_| there != here) {
            self.to.move_alias(name, CHAMPION, champion).await?;
        }
        self.to.write_trail(&shelf.trail, missing).await?;
        // The stages follow the alias.
        self.to.shelf(name).await?;
        self.report.promotions.added += missing.len();
        self.report.promotions.already_there += written.len();
        Ok(())
    }

    /// Adds the aliases whose names are not in use at the server. The challenger alone is moved or taken away, where it is
    /// a version from here: all other aliases there may be somebody's own.
    async fn aliases(&self, model: &RegisteredModel, numbers: &BTreeMap<u64, u64>) -> Result<(), RegistryError> {
        let mut there = self.to.get_or_create_registered_model(&model.name, &model.description).await?.aliases;
        let number = |version: &u64| numbers.get(version).copied();
        let challenger = there.get(CHALLENGER).copied().filter(|there| numbers.values().any(|number| number == there));
        if challenger.is_some() && challenger != model.aliases.get(CHALLENGER).and_then(number) {
            self.to.delete_alias(&model.name, CHALLENGER).await?;
            there.remove(CHALLENGER);
        }
        for (alias, version) in &model.aliases {
            if let Some(version) = number(version).filter(|_| alias != CHAMPION && !there.contains_key(alias)) {
                self.to.set_alias(&model.name, alias, version).await?;
            }
        }
        Ok(())
    }
}

/// A change of champion with the server's numbers of the versions.
fn renumbered(event: PromotionEvent, numbers: &BTreeMap<u64, u64>) -> Option<PromotionEvent> {
    let version = *numbers.get(&event.version)?;
    let previous = match event.previous {
        Some(previous) => Some(*numbers.get(&previous)?),
        None => None,
    };
    Some(PromotionEvent { version, previous, ..event })
}
