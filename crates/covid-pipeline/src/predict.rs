//! The flow predict, and what can be done with committed runs.

use std::path::Path;

use covid_core::{Fault, Timestamp};
use covid_data::Table;
use covid_monitoring::monitoring_ledger;
use covid_prediction::{
    Beginning, Branch, Champion, Manifest, Outcome, PredictionError, Predictions, Request, Swept, begin, outcome,
    predict as commit_predictions, prediction_ledger,
};
use covid_registry::{CHALLENGER, Registry};
use covid_training::TrainingError;
use serde::Serialize;

use crate::{
    PipelineError, Project, Steps, TrainingReport,
    flows::{forecast_shard, offer_shards},
    train::{ensure_champion, tell_of_refit},
};

/// A committed prediction run, for people.
#[derive(Debug, Clone, Serialize)]
pub struct CommittedRun {
    /// Its id.
    pub run: String,
    /// The as-of date.
    pub as_of: String,
    /// Days ahead.
    pub horizon: usize,
    /// The registered model and version.
    pub model: String,
    /// The model with its hyper-parameters.
    pub spec: String,
    /// Rows.
    pub rows: usize,
    /// When it was committed.
    pub created_at: Timestamp,
    /// Whether it is the latest of its as-of date.
    pub current: bool,
}

/// What a prediction did.
#[derive(Debug, Serialize)]
pub struct PredictionReport {
    /// The run.
    pub run: CommittedRun,
    /// Whether it was there before.
    pub already_done: bool,
    /// The training that had to come first.
    pub trained: Option<TrainingReport>,
    /// Where the manifest is.
    pub manifest: String,
    /// Where the CSV is.
    pub csv: Option<String>,
    /// The rows; none in a replay.
    #[serde(skip)]
    pub rows: Table,
}

/// Predicts every location with the champion and commits the run; trains a champion first if there is none.
///
/// # Errors
/// If training is needed and fails, a forecast explodes, or store or registry fail.
pub async fn predict(
    project: &Project,
    registry: &dyn Registry,
    branch: Branch,
    steps: &Steps,
) -> Result<PredictionReport, Fault> {
    let (champion, trained) = steps.once("find-champion", || ensure_champion(project, registry)).await?;
    if branch == Branch::Real {
        tell_of_refit(project, &champion);
    }
    let request = request(project, branch);
    let outcome = commit(project, &champion, &request, steps).await?;
    let manifest = project.place_of(&outcome.manifest_key);
    let csv = outcome.csv_key.as_ref().map(|key| project.place_of(key));
    let run = describe(&outcome.manifest, true);
    Ok(PredictionReport { run, already_done: outcome.already_done, trained, manifest, csv, rows: outcome.rows })
}

/// Plans the run, forecasts its parts, and commits it. Of several parts, each is offered to others first; what they have done
/// when this comes to it is not done again, and nobody is waited for.
async fn commit(project: &Project, champion: &Champion, request: &Request, steps: &Steps) -> Result<Outcome, Fault> {
    let (store, settings) = (project.store.as_ref(), &project.settings.training);
    let planned = steps.step("plan", || begin(store, champion, request, settings, project.now())).await?;
    let planned = match planned {
        Beginning::Done(manifest) => {
            return steps.step("read-back", || outcome(store, request, Manifest::clone(&manifest), true)).await;
        }
        Beginning::Planned(planned) => planned,
    };
    offer_shards(project, &planned, steps).await?;
    // From the last one on: those who help begin with the first.
    for shard in planned.shards().rev() {
        forecast_shard(&planned, store, shard, steps).await?;
    }
    // One step: who is asked to stop leaves no commit without what is derived from it.
    let commit = || async {
        let manifest = planned.commit(store, project.now()).await?;
        outcome(store, request, manifest, false).await
    };
    steps.step("commit", commit).await
}

/// Lets the challenger predict what the champion does, so that monitoring can compare them: a shadow run, which nobody is
/// given. None if there is no challenger that may be used on the as-of date.
///
/// # Errors
/// If store or registry fail. A challenger whose forecast explodes is told, and is no error: it is not promoted either.
pub(crate) async fn predict_as_shadow(
    project: &Project,
    registry: &dyn Registry,
) -> Result<Option<CommittedRun>, Fault> {
    let Some(version) = registry.get_version_by_alias(&project.model_name(), CHALLENGER).await? else {
        return Ok(None);
    };
    let challenger = Champion::load(registry, &version).await?;
    if version.is_champion() || challenger.model.trained_as_of() > project.as_of {
        return Ok(None);
    }
    let request = Request { shadow: true, ..request(project, Branch::Real) };
    let store = project.store.as_ref();
    match commit_predictions(store, &challenger, &request, &project.settings.training, project.now()).await {
        Ok(outcome) => Ok(Some(describe(&outcome.manifest, false))),
        Err(PredictionError::Training(error @ TrainingError::Exploded { .. })) => {
            tracing::warn!("the challenger, version {}, makes no forecast: {error}", version.version);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn request(project: &Project, branch: Branch) -> Request {
    Request {
        dataset: project.dataset.clone(),
        source_kind: project.source_kind,
        fetched_at: project.fetched_at,
        panel: project.panel.clone(),
        as_of: project.as_of,
        horizon: project.settings.prediction.horizon,
        repair: project.repair,
        shards: project.settings.prediction.shards,
        branch,
        shadow: false,
        for_people: project.replay.is_none(),
    }
}

fn describe(manifest: &Manifest<Predictions>, current: bool) -> CommittedRun {
    let work = &manifest.work;
    CommittedRun {
        run: manifest.run.to_string(),
        as_of: work.as_of.to_string(),
        horizon: work.horizon,
        model: format!("{} {}", work.model.name, work.model.version),
        spec: work.model.spec.clone(),
        rows: manifest.rows,
        created_at: manifest.created_at,
        current,
    }
}

/// Every committed prediction run of the dataset, the newest as-of date first.
///
/// # Errors
/// If the store fails or holds a damaged manifest.
pub async fn committed_runs(project: &Project) -> Result<Vec<CommittedRun>, Fault> {
    let mut manifests = prediction_ledger(project.store.as_ref(), &project.dataset, Branch::Real).all().await?;
    manifests.reverse();
    let mut runs: Vec<CommittedRun> = Vec::with_capacity(manifests.len());
    for manifest in manifests {
        let as_of = manifest.work.as_of.to_string();
        let superseded = runs.iter().any(|run| run.current && run.as_of == as_of);
        runs.push(describe(&manifest, !superseded && !manifest.work.shadow));
    }
    Ok(runs)
}

/// Writes the rows of the current run (of the as-of date that was set, else of the latest) to a `.csv` or `.parquet` file.
/// With `data_only` as they lie in the store, else with as-of date and run as columns. Returns the run.
///
/// # Errors
/// If there is no run, the ending is another one, or the file cannot be written.
pub async fn export(project: &Project, out: &Path, data_only: bool) -> Result<CommittedRun, Fault> {
    let ledger = prediction_ledger(project.store.as_ref(), &project.dataset, Branch::Real);
    let asked = project.settings.as_of;
    let as_of = match asked {
        Some(date) => Some(date),
        None => ledger.all().await?.iter().map(|manifest| manifest.work.as_of).max(),
    };
    let current = match as_of {
        Some(date) => ledger.current(date).await?,
        None => None,
    };
    let none = || PipelineError::NoRun { dataset: project.dataset.clone(), as_of: asked };
    let manifest = current.ok_or_else(none)?;
    let mut rows = ledger.rows(&manifest).await?;
    if !data_only {
        rows = covid_prediction::with_run(&manifest, &rows)?;
    }
    write_table(out, &rows)?;
    Ok(describe(&manifest, true))
}

/// The formats of a table in a file, by its ending.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TableFormat {
    Csv,
    Parquet,
}

impl TableFormat {
    /// The format of a file's ending.
    pub(crate) fn of(out: &Path) -> Result<Self, Fault> {
        match out.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Ok(Self::Csv),
            Some("parquet") => Ok(Self::Parquet),
            _ => {
                let value = out.display().to_string();
                Err(PipelineError::BadSetting { name: "--out", range: "a .csv or .parquet file", value }.into())
            }
        }
    }
}

/// Writes a table to a `.csv` or `.parquet` file, whole or not at all.
pub(crate) fn write_table(out: &Path, table: &Table) -> Result<(), Fault> {
    let bytes = match TableFormat::of(out)? {
        TableFormat::Csv => table.to_csv()?,
        TableFormat::Parquet => table.to_parquet()?,
    };
    covid_data::write_file(out, &bytes)
        .map_err(|source| PipelineError::Unwritable { path: out.to_owned(), source }.into())
}

/// Removes parts that no manifest names, of predictions and of monitoring, back-dated or not.
///
/// # Errors
/// If the store fails or holds a damaged manifest.
pub async fn sweep(project: &Project) -> Result<Swept, Fault> {
    let (store, now) = (project.store.as_ref(), project.now());
    let mut total = Swept::default();
    for branch in [Branch::Real, Branch::Backdated] {
        let predictions = prediction_ledger(store, &project.dataset, branch).sweep(now).await?;
        let monitoring = monitoring_ledger(store, &project.dataset, branch).sweep(now).await?;
        for swept in [predictions, monitoring] {
            total.removed += swept.removed;
            total.spared += swept.spared;
        }
    }
    Ok(total)
}
