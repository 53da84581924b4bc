//! The project's flows by name. Whoever runs flows finds them here: a stage program for itself, a scheduler, a worker.

mod artifacts;
mod parameters;
mod shards;
mod steps;

use std::{fmt, sync::Arc};

use covid_core::Fault;
use covid_flow::{Context, Flow, FlowError, Flows};
use covid_prediction::Branch;
use covid_registry::Registry;

pub use self::{
    parameters::Parameters,
    shards::{ShardParameters, ShardReport},
    steps::Steps,
};
pub(crate) use self::{
    parameters::Place,
    shards::{forecast_shard, offer_shards},
};
use crate::{
    DeliveryReport, MonitoringReport, Now, PredictionReport, Project, Settings, TrainingReport, deliver, monitor,
    predict, train_and_promote,
};

/// Compare the candidates, register the best, promote it if the gate says so.
pub const TRAIN_AND_PROMOTE: &str = "train-and-promote";
/// Forecast every location with the champion.
pub const PREDICT: &str = "predict";
/// Forecast one part of the locations of a planned prediction run.
pub const PREDICT_SHARD: &str = "predict-shard";
/// Score the forecasts whose dates have come.
pub const MONITOR: &str = "monitor";
/// Monitor, retrain, promote, predict.
pub const DELIVER: &str = "deliver";

/// Called after each candidate of a training.
pub type Tick = Arc<dyn Fn() + Send + Sync>;

/// The flows, on the settings of this process: the parameters of a flow run are laid over them.
#[derive(Debug)]
pub struct ProjectFlows {
    /// [`TRAIN_AND_PROMOTE`].
    pub train_and_promote: Flow<Parameters, TrainingReport>,
    /// [`PREDICT`].
    pub predict: Flow<Parameters, PredictionReport>,
    /// [`PREDICT_SHARD`].
    pub predict_shard: Flow<ShardParameters, ShardReport>,
    /// [`MONITOR`].
    pub monitor: Flow<Parameters, MonitoringReport>,
    /// [`DELIVER`].
    pub deliver: Flow<Parameters, DeliveryReport>,
    base: Base,
}

impl ProjectFlows {
    /// The flows.
    pub fn new(settings: Settings, now: Now) -> Self {
        let base = Base { settings: Arc::new(settings), now };
        Self {
            train_and_promote: train_and_promote_flow(base.clone(), Arc::new(|| {})),
            predict: predict_flow(base.clone()),
            predict_shard: shards::flow(base.clone()),
            monitor: monitor_flow(base.clone()),
            deliver: deliver_flow(base.clone()),
            base,
        }
    }

    /// Calls `tick` after each candidate of a training.
    pub fn with_tick(self, tick: Tick) -> Self {
        Self { train_and_promote: train_and_promote_flow(self.base.clone(), tick), ..self }
    }

    /// All of them, by name.
    ///
    /// # Errors
    /// None: the names differ.
    pub fn by_name(&self) -> Result<Flows, FlowError> {
        Flows::default()
            .with(&self.train_and_promote)?
            .with(&self.predict)?
            .with(&self.predict_shard)?
            .with(&self.monitor)?
            .with(&self.deliver)
    }
}

/// What every flow of a process works on.
#[derive(Clone)]
struct Base {
    settings: Arc<Settings>,
    now: Now,
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Base").finish_non_exhaustive()
    }
}

/// A flow run with its project.
struct Opened {
    steps: Steps,
    project: Project,
    registry: Arc<dyn Registry>,
}

impl Base {
    fn steps(&self, context: &Context) -> Steps {
        Steps::of(context, self.settings.flow.retrying())
    }

    /// Reads the source that the parameters name.
    async fn open(&self, context: &Context, parameters: Parameters) -> Result<Opened, Fault> {
        let settings = parameters.over(Settings::clone(&self.settings))?;
        let steps = self.steps(context);
        let project = steps.step("read-source", || Project::open(settings.clone(), self.now.clone())).await?;
        let registry = steps.step("open-registry", || project.registry()).await?;
        Ok(Opened { steps, project, registry })
    }
}

fn train_and_promote_flow(base: Base, tick: Tick) -> Flow<Parameters, TrainingReport> {
    let what = "Compares the candidate models on past origins, tracks each, registers the best, and promotes it if the gate \
                says so.";
    Flow::new(TRAIN_AND_PROMOTE, what, move |context: Context, parameters| {
        let (base, tick) = (base.clone(), tick.clone());
        async move {
            let Opened { steps, project, registry } = base.open(&context, parameters).await?;
            let train = || {
                let tick = tick.clone();
                train_and_promote(&project, registry.as_ref(), move || tick())
            };
            let report = steps.once("train-and-promote", train).await?;
            context.artifact(artifacts::training(&project, &report)?);
            Ok(report)
        }
    })
}

fn predict_flow(base: Base) -> Flow<Parameters, PredictionReport> {
    let what =
        "Forecasts the cumulative cases and deaths of every location with the champion, and commits the forecasts.";
    Flow::new(PREDICT, what, move |context: Context, parameters| {
        let base = base.clone();
        async move {
            let Opened { steps, project, registry } = base.open(&context, parameters).await?;
            let report = predict(&project, registry.as_ref(), Branch::Real, &steps).await?;
            context.artifact(artifacts::forecast(&project, &report)?);
            Ok(report)
        }
    })
}

fn monitor_flow(base: Base) -> Flow<Parameters, MonitoringReport> {
    let what = "Scores the committed forecasts whose dates have come, looks at the data, and judges the rules.";
    Flow::new(MONITOR, what, move |context: Context, parameters| {
        let base = base.clone();
        async move {
            let Opened { steps, project, registry } = base.open(&context, parameters).await?;
            let report = steps.once("monitor", || monitor(&project, registry.as_ref())).await?;
            context.artifact(artifacts::verdict(&project, &report)?);
            Ok(report)
        }
    })
}

fn deliver_flow(base: Base) -> Flow<Parameters, DeliveryReport> {
    let what = "The loop: monitors, retrains when a rule says so, promotes when the gate says so, and predicts.";
    Flow::new(DELIVER, what, move |context: Context, parameters| {
        let base = base.clone();
        async move {
            let Opened { steps, project, registry } = base.open(&context, parameters).await?;
            let report = deliver(&project, registry.as_ref(), &steps).await?;
            context.artifact(artifacts::verdict(&project, &report.monitoring)?);
            context.artifact(artifacts::forecast(&project, &report.prediction)?);
            Ok(report)
        }
    })
}
