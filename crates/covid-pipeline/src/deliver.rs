//! The flow deliver: monitor, retrain when a rule says so, promote when the gate says so, predict.

use covid_core::{Date, Fault};
use covid_prediction::Branch;
use covid_registry::Registry;
use covid_storage::{PutMode, list_all};
use serde::Serialize;

use crate::{
    CommittedRun, MonitoringReport, PipelineError, PredictionReport, Project, Steps, TrainingReport, monitor, predict,
    predict::predict_as_shadow,
    train::{Order, ensure_champion, train_as_ordered},
};

/// The version of the record that this program writes.
const FORMAT_VERSION: u64 = 1;

/// What a delivery did, step by step.
#[derive(Debug, Serialize)]
pub struct DeliveryReport {
    /// The training that had to come first.
    pub first_training: Option<TrainingReport>,
    /// What happened to earlier forecasts.
    pub monitoring: MonitoringReport,
    /// The rules that ask for a challenger.
    pub asked_by: Vec<String>,
    /// Why a challenger was trained, or why not.
    pub rule: String,
    /// The challenger's training.
    pub retraining: Option<TrainingReport>,
    /// The new forecasts.
    pub prediction: PredictionReport,
    /// Those of the challenger, for monitoring alone.
    pub shadow: Option<CommittedRun>,
}

/// Monitors, trains a challenger when a rule says so, and predicts.
///
/// # Errors
/// As each of the steps; those before stay done.
pub async fn deliver(project: &Project, registry: &dyn Registry, steps: &Steps) -> Result<DeliveryReport, Fault> {
    let (_, first_training) = steps.once("find-champion", || ensure_champion(project, registry)).await?;
    let monitoring = steps.once("monitor", || monitor(project, registry)).await?;
    let judge = || asked(project, registry, &monitoring, first_training.is_some());
    let Asked { by, words, train } = steps.step("judge", judge).await?;
    let order = Order { cause: Some(words.clone()), promote: project.settings.delivery.promote };
    let retraining = match train {
        true => Some(steps.once("retrain", || train_as_ordered(project, registry, &order, || {})).await?),
        false => None,
    };
    let prediction = predict(project, registry, Branch::Real, steps).await?;
    let shadow = steps.step("predict-as-challenger", || predict_as_shadow(project, registry)).await?;
    let report =
        DeliveryReport { first_training, monitoring, asked_by: by, rule: words, retraining, prediction, shadow };
    steps.step("record", || record(project, &report)).await?;
    Ok(report)
}

/// What the rules ask for.
struct Asked {
    by: Vec<String>,
    words: String,
    train: bool,
}

async fn asked(
    project: &Project,
    registry: &dyn Registry,
    monitoring: &MonitoringReport,
    just_trained: bool,
) -> Result<Asked, Fault> {
    let rules = project.settings.monitoring.rules()?;
    let asks = |rule: &str| rules.iter().any(|known| known.name == rule && known.retrain);
    // What the data did is not mended by a training.
    let of_model = monitoring.alerts.iter().filter(|alert| alert.blame != covid_monitoring::Blame::Data);
    let asking: Vec<_> = of_model.filter(|alert| asks(&alert.rule)).collect();
    let by: Vec<String> = asking.iter().map(|alert| alert.rule.clone()).collect();
    let Some(first) = asking.first() else {
        let words =
            if monitoring.backdated { "nothing to judge the champion by" } else { "no rule asks for a challenger" };
        return Ok(Asked { by, words: words.to_owned(), train: false });
    };
    let why = format!("rule {}: {}", first.rule, first.sentence);
    let refused = if just_trained {
        Some("the champion was trained just now".to_owned())
    } else if !project.settings.delivery.retrain {
        Some("retraining is turned off".to_owned())
    } else {
        cooldown(project, registry).await?
    };
    Ok(match refused {
        Some(reason) => Asked { by, words: format!("{why}; no challenger is trained: {reason}"), train: false },
        None => Asked { by, words: format!("{why}: a challenger is trained"), train: true },
    })
}

/// Why it is too early to train again, if it is.
async fn cooldown(project: &Project, registry: &dyn Registry) -> Result<Option<String>, Fault> {
    let days = project.settings.delivery.cooldown_days;
    let versions = registry.list_versions(&project.model_name()).await?;
    let trained = versions.iter().filter_map(|version| version.tags.get("trained_as_of")?.parse::<Date>().ok());
    // A training of this day may be one that was cut off before the gate's word was carried out.
    let is_over = !list_all(project.store.as_ref(), &records_of(project)).await?.is_empty();
    let counts = |trained: &Date| *trained < project.as_of || (is_over && *trained == project.as_of);
    let last = trained.filter(counts).max();
    let until = last.map(|last| covid_core::add_days(last, days as i64));
    Ok(last
        .zip(until)
        .filter(|(_, until)| project.as_of < *until)
        .map(|(last, until)| format!("the last training was as of {last}, and the next one may be on {until}")))
}

/// The audit trail of the loop: what it did on an as-of date and why, one record a prediction run.
#[derive(Debug, Serialize)]
struct Record<'a> {
    format_version: u64,
    as_of: &'a str,
    monitoring_run: &'a str,
    backdated: bool,
    alerts: &'a [covid_monitoring::Alert],
    asked_by: &'a [String],
    decision: &'a str,
    training: Option<&'a TrainingReport>,
    outcome: Option<String>,
    prediction_run: &'a str,
    model: &'a str,
    shadow_run: Option<&'a str>,
}

/// Where the records of an as-of date are.
fn records_of(project: &Project) -> String {
    format!("{}/deliveries/as_of={}/", project.dataset, project.as_of)
}

async fn record(project: &Project, report: &DeliveryReport) -> Result<(), Fault> {
    let run = &report.prediction.run;
    let training = report.first_training.as_ref().or(report.retraining.as_ref());
    let record = Record {
        format_version: FORMAT_VERSION,
        as_of: &report.monitoring.as_of,
        monitoring_run: &report.monitoring.run,
        backdated: report.monitoring.backdated,
        alerts: &report.monitoring.alerts,
        asked_by: &report.asked_by,
        decision: &report.rule,
        training,
        outcome: training.map(TrainingReport::sentence),
        prediction_run: &run.run,
        model: &run.model,
        shadow_run: report.shadow.as_ref().map(|shadow| shadow.run.as_str()),
    };
    let unwritable = |error: serde_json::Error| PipelineError::CutOff(error.to_string());
    let bytes = serde_json::to_vec_pretty(&record).map_err(unwritable)?;
    // The same loop on the same day is the same record: it is kept as it was first.
    let key = format!("{}{}-{}.json", records_of(project), report.monitoring.run, run.run);
    match project.store.put(&key, bytes.into(), PutMode::CreateOnly).await {
        Ok(_) | Err(covid_storage::StorageError::AlreadyExists { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
