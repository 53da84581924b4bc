//! A prediction run whose parts are forecast by several processes.

use std::sync::Arc;

use covid_core::Fault;
use covid_flow::{Context, Flow, schemars::JsonSchema};
use covid_prediction::{Planned, RunId};
use covid_storage::{ObjectStore, StoreUri};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::{Base, PREDICT_SHARD, Place, Steps};
use crate::{Project, Settings, project::tracking_uri};

/// Which part of which run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "covid_flow::schemars")]
pub struct ShardParameters {
    /// The dataset of the run.
    pub dataset: String,
    /// The run whose plan is followed.
    pub run: String,
    /// The part, from 0.
    pub shard: usize,
    /// Where the plan and the vintage are; by default as the settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Where the plan's model is; by default as the settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
}

/// What was done for a part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShardReport {
    /// The run.
    pub run: String,
    /// The part.
    pub shard: usize,
    /// Whether every part is there, and the run is committed.
    pub committed: bool,
}

/// Offers each part of a planned run to whoever may take it.
pub(crate) async fn offer_shards(project: &Project, planned: &Planned, steps: &Steps) -> Result<(), Fault> {
    let shards = planned.shards();
    if shards.len() == 1 {
        return Ok(());
    }
    let Place { store, tracking } = Place::of(&project.settings)?;
    let parameters = shards.map(|shard| ShardParameters {
        dataset: project.dataset.clone(),
        run: planned.run().to_string(),
        shard,
        store: store.clone(),
        tracking: tracking.clone(),
    });
    let parameters: Result<Vec<_>, _> = parameters.map(serde_json::to_value).collect();
    let offered = steps.offer("offer-shards", PREDICT_SHARD, parameters.map_err(crate::PipelineError::Json)?).await?;
    if offered > 0 {
        tracing::info!("{offered} parts of the run {} are offered to the work pool", planned.run());
    }
    Ok(())
}

/// Forecasts a part, unless somebody has done so.
pub(crate) async fn forecast_shard(
    planned: &Planned,
    store: &dyn ObjectStore,
    shard: usize,
    steps: &Steps,
) -> Result<(), Fault> {
    let work = || async {
        let is_made = planned.forecast(store, shard).await?;
        if planned.shards().len() > 1 {
            let how = if is_made { "forecast" } else { "there already" };
            tracing::info!("part {} of {} of the run {}: {how}", shard + 1, planned.shards().len(), planned.run());
        }
        Ok::<_, Fault>(())
    };
    steps.step("forecast-shard", work).await
}

/// The run that this process read last: its parts come one after the other.
type LastRead = Arc<Mutex<Option<(ShardParameters, Arc<Planned>)>>>;

pub(super) fn flow(base: Base) -> Flow<ShardParameters, ShardReport> {
    let what = "Forecasts one part of the locations of a planned prediction run; whoever sees every part there commits the run.";
    let last = LastRead::default();
    Flow::new(PREDICT_SHARD, what, move |context: Context, parameters| {
        let (base, last) = (base.clone(), last.clone());
        async move { forecast(&base, &last, &context, parameters).await }
    })
}

async fn forecast(
    base: &Base,
    last: &LastRead,
    context: &Context,
    parameters: ShardParameters,
) -> Result<ShardReport, Fault> {
    let ShardParameters { store, tracking, .. } = parameters.clone();
    let settings = Place { store, tracking }.over(Settings::clone(&base.settings))?;
    let store = settings.store.parse::<StoreUri>()?.open()?;
    let (steps, shard) = (base.steps(context), parameters.shard);
    let Some(planned) = steps.step("read-plan", || read(&settings, last, &parameters)).await? else {
        tracing::info!("the run {}, or a later one of its day, is committed: nothing is left to do", parameters.run);
        return Ok(ShardReport { run: parameters.run, shard, committed: true });
    };
    forecast_shard(&planned, store.as_ref(), shard, &steps).await?;
    let manifest = steps.step("commit", || planned.commit_if_whole(store.as_ref(), context.now())).await?;
    if let Some(manifest) = &manifest {
        tracing::info!("every part is there: the run {} is committed, {} rows", manifest.run, manifest.rows);
    }
    Ok(ShardReport { run: parameters.run, shard, committed: manifest.is_some() })
}

/// Reads the plan with its vintage and its model, or finds them as they were read for the part before; none if nothing is left
/// to do.
async fn read(
    settings: &Settings,
    last: &LastRead,
    parameters: &ShardParameters,
) -> Result<Option<Arc<Planned>>, Fault> {
    // Whoever asks for the same run meanwhile waits for it.
    let mut last = last.lock().await;
    let of = ShardParameters { shard: 0, ..parameters.clone() };
    if let Some((_, planned)) = last.as_ref().filter(|(read, _)| *read == of) {
        return Ok(Some(planned.clone()));
    }
    // The one before is not kept beside the new one.
    *last = None;
    let uri: StoreUri = settings.store.parse()?;
    let registry = covid_registry::resolve(&tracking_uri(settings.tracking.as_deref(), &uri), &settings.mlflow).await?;
    let (store, run) = (uri.open()?, RunId::from_name(&parameters.run));
    let planned =
        Planned::read(store.as_ref(), registry.as_ref(), &parameters.dataset, &run, settings.training).await?;
    *last = planned.map(|planned| (of, Arc::new(planned)));
    Ok(last.as_ref().map(|(_, planned)| planned.clone()))
}
