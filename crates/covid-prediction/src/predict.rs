//! A prediction run, from the request to the commit.

use std::sync::Arc;

use covid_core::{Date, Digest, Panel, Timestamp};
use covid_data::{Column, Repair, SourceKind, Table, TableError};
use covid_storage::ObjectStore;
use covid_training::{Model, TrainingError, TrainingSettings};
use serde::{Deserialize, Serialize};

use crate::{Branch, Champion, Ledger, Manifest, Planned, PredictionError, Started, Work, ledger};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The dataset.
    pub dataset: String,
    /// What kind of source the panel was read from.
    pub source_kind: SourceKind,
    /// When it was read.
    pub fetched_at: Timestamp,
    /// The panel as read.
    pub panel: Arc<Panel>,
    /// The date after which nothing is looked at.
    pub as_of: Date,
    /// Days ahead.
    pub horizon: usize,
    /// What models see of the counts.
    pub repair: Repair,
    /// Parts into which the locations are split, at least 1.
    pub shards: usize,
    /// The tree it belongs to.
    pub branch: Branch,
    /// Whether the challenger makes it, for monitoring alone.
    pub shadow: bool,
    /// Whether the rows are read back, and written as CSV beside it, for people.
    pub for_people: bool,
}

/// The model of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsed {
    /// The registered model.
    pub name: String,
    /// The version, `3` or `3+refit`.
    pub version: String,
    /// SHA-256 of the model's file.
    pub digest: String,
    /// The tracking run that made the version.
    pub run_id: String,
    /// The model with its hyper-parameters, for people.
    pub spec: String,
}

/// The work of a prediction run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Predictions {
    /// The dataset.
    pub dataset: String,
    /// The digest of the panel as read.
    pub vintage: String,
    /// What kind of source it was read from.
    pub source_kind: SourceKind,
    /// When it was read.
    pub fetched_at: Timestamp,
    /// The as-of date.
    pub as_of: Date,
    /// Days ahead.
    pub horizon: usize,
    /// What the model saw of the counts.
    pub repair: Repair,
    /// The model.
    pub model: ModelUsed,
    /// Display names of the locations, in the order of the rows.
    pub locations: Vec<String>,
    /// Whether a challenger made it.
    pub shadow: bool,
}

impl Work for Predictions {
    fn as_of(&self) -> Date {
        self.as_of
    }

    fn digest(&self) -> String {
        let digest = Digest::new()
            .part(self.dataset.as_bytes())
            .part(self.vintage.as_bytes())
            .part(self.as_of.to_string().as_bytes())
            .part(&(self.horizon as u64).to_le_bytes())
            .part(self.repair.to_string().as_bytes())
            .part(self.model.name.as_bytes())
            .part(self.model.version.as_bytes())
            .part(self.model.digest.as_bytes())
            .part(&[u8::from(self.shadow)]);
        self.locations.iter().fold(digest, |digest, name| digest.part(name.as_bytes())).hex()
    }

    fn shadow(&self) -> bool {
        self.shadow
    }
}

/// How a request ended.
#[derive(Debug)]
pub struct Outcome {
    /// The commit.
    pub manifest: Manifest<Predictions>,
    /// Whether it was there before.
    pub already_done: bool,
    /// The rows; none where they were not asked for.
    pub rows: Table,
    /// The key of the manifest.
    pub manifest_key: String,
    /// The key of the CSV, if it was asked for.
    pub csv_key: Option<String>,
}

/// The prediction runs of a dataset.
pub fn prediction_ledger<'a>(store: &'a dyn ObjectStore, dataset: &str, branch: Branch) -> Ledger<'a, Predictions> {
    Ledger::new(store, dataset, branch, "predictions")
}

/// How a prediction run begins.
#[derive(Debug)]
pub enum Beginning {
    /// The same was committed before.
    Done(Box<Manifest<Predictions>>),
    /// Its shards are to be forecast, perhaps those that an unfinished run left.
    Planned(Box<Planned>),
}

/// Plans a prediction run, or finds it done.
///
/// # Errors
/// If the as-of date is outside the panel, the horizon out of range, the model cannot be refitted, or the store fails.
pub async fn begin(
    store: &dyn ObjectStore,
    champion: &Champion,
    request: &Request,
    settings: &TrainingSettings,
    now: Timestamp,
) -> Result<Beginning, PredictionError> {
    TrainingError::check_horizon(request.horizon)?;
    check_shards(request.shards)?;
    let (model, version) = on_date(champion, request, *settings).await?;
    let work = plan_work(store, champion, &model, version, request).await?;
    // No shard is without a location.
    let shards = request.shards.min(work.locations.len());
    let ledger = prediction_ledger(store, &request.dataset, request.branch);
    Ok(match ledger.start(work, shards, now).await? {
        Started::Done(manifest) => Beginning::Done(Box::new(manifest)),
        Started::Planned(plan) => {
            Beginning::Planned(Box::new(Planned::new(plan, model, Arc::clone(&request.panel), request.branch)?))
        }
    })
}

/// What a committed run is to whoever asked for it.
///
/// # Errors
/// If the store fails or holds a damaged part.
pub async fn outcome(
    store: &dyn ObjectStore,
    request: &Request,
    manifest: Manifest<Predictions>,
    already_done: bool,
) -> Result<Outcome, PredictionError> {
    let ledger = prediction_ledger(store, &request.dataset, request.branch);
    let manifest_key = ledger.manifest_key(&manifest);
    if !request.for_people {
        return Ok(Outcome { manifest, already_done, rows: Table::concat([])?, manifest_key, csv_key: None });
    }
    let rows = ledger.rows(&manifest).await?;
    let csv_key = Some(ledger.put_csv(&manifest, &with_run(&manifest, &rows)?).await?);
    Ok(Outcome { manifest, already_done, rows, manifest_key, csv_key })
}

/// Makes and commits a prediction run, or finds it done: all of it here, one shard after the other.
///
/// # Errors
/// If the as-of date is outside the panel, the horizon out of range, a forecast not finite, or the store fails. Nothing
/// that a reader of manifests would see is left then.
pub async fn predict(
    store: &dyn ObjectStore,
    champion: &Champion,
    request: &Request,
    settings: &TrainingSettings,
    now: Timestamp,
) -> Result<Outcome, PredictionError> {
    let (manifest, already_done) = match begin(store, champion, request, settings, now).await? {
        Beginning::Done(manifest) => (*manifest, true),
        Beginning::Planned(planned) => {
            for shard in planned.shards() {
                planned.forecast(store, shard).await?;
            }
            (planned.commit(store, now).await?, false)
        }
    };
    outcome(store, request, manifest, already_done).await
}

/// Refuses a number of shards that no run can have.
///
/// # Errors
/// If it is not from 1 to 10,000.
pub fn check_shards(shards: usize) -> Result<(), PredictionError> {
    if (1..=MAX_SHARDS).contains(&shards) {
        return Ok(());
    }
    let (name, range, value) = ("prediction.shards", "from 1 to 10000", shards.to_string());
    Err(PredictionError::OutOfRange { name, range, value })
}

const MAX_SHARDS: usize = 10_000;

/// The champion's model for the request's as-of date, and its version.
async fn on_date(
    champion: &Champion,
    request: &Request,
    settings: TrainingSettings,
) -> Result<(Arc<Model>, String), PredictionError> {
    let (champion, request) = (champion.clone(), request.clone());
    blocking(move || {
        let published = request.panel.as_of(request.as_of)?;
        let dated = champion.on(published, request.repair, &settings)?;
        Ok((Arc::new(dated.model.into_owned()), dated.version))
    })
    .await
}

/// Writes the vintage, and says what is to be done.
async fn plan_work(
    store: &dyn ObjectStore,
    champion: &Champion,
    model: &Model,
    version: String,
    request: &Request,
) -> Result<Predictions, PredictionError> {
    let mut locations: Vec<String> =
        request.panel.locations().iter().map(|location| location.name().to_owned()).collect();
    locations.sort();
    Ok(Predictions {
        dataset: request.dataset.clone(),
        vintage: ledger::write_vintage(store, &request.dataset, &request.panel).await?,
        source_kind: request.source_kind,
        fetched_at: request.fetched_at,
        as_of: request.as_of,
        horizon: request.horizon,
        repair: request.repair,
        model: ModelUsed {
            name: champion.name.clone(),
            version,
            digest: model.digest()?,
            run_id: champion.run_id.clone(),
            spec: model.spec().to_string(),
        },
        locations,
        shadow: request.shadow,
    })
}

/// The rows with the columns that the tree's path holds, for people.
///
/// # Errors
/// If the rows have these columns already.
pub fn with_run(manifest: &Manifest<Predictions>, rows: &Table) -> Result<Table, TableError> {
    let text = |value: String| Column::Text(vec![Some(value); rows.rows()]);
    let mut columns = rows.columns().to_vec();
    columns.insert(0, ("as_of".into(), Column::Date(vec![manifest.work.as_of; rows.rows()])));
    columns.insert(1, ("run".into(), text(manifest.run.to_string())));
    Table::new(columns)
}

/// CPU work, off the threads that wait for bytes.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PredictionError> + Send + 'static,
) -> Result<T, PredictionError> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .map_err(|error| PredictionError::CutOff(error.to_string()))?
}
