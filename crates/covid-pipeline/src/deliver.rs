//! The flow deliver: monitor, retrain when the rule says so, promote when the gate says so, predict.

use covid_core::Fault;
use covid_prediction::Branch;
use covid_registry::Registry;
use serde::Serialize;

use crate::{
    MonitoringReport, PredictionReport, Project, TrainingReport, monitor, predict, train::ensure_champion,
    train_and_promote,
};

/// What a delivery did, step by step.
#[derive(Debug, Serialize)]
pub struct DeliveryReport {
    /// The training that had to come first.
    pub first_training: Option<TrainingReport>,
    /// What happened to earlier forecasts.
    pub monitoring: MonitoringReport,
    /// Why a challenger was trained, or why not.
    pub rule: String,
    /// The challenger's training.
    pub retraining: Option<TrainingReport>,
    /// The new forecasts.
    pub prediction: PredictionReport,
}

/// Monitors, retrains when the champion is not better than no change by the share that is set, and predicts.
///
/// # Errors
/// As each of the steps; those before stay done.
pub async fn deliver(project: &Project, registry: &dyn Registry) -> Result<DeliveryReport, Fault> {
    let (_, first_training) = ensure_champion(project, registry).await?;
    let monitoring = monitor(project, registry).await?;
    let (rule, broken) = judge(&monitoring, project.settings.delivery.min_skill);
    let retraining = match broken && first_training.is_none() {
        true => Some(train_and_promote(project, registry, || {}).await?),
        false => None,
    };
    let prediction = predict(project, registry, Branch::Real).await?;
    Ok(DeliveryReport { first_training, monitoring, rule, retraining, prediction })
}

/// Whether a challenger is due, in words and as an answer.
fn judge(monitoring: &MonitoringReport, min_skill: f64) -> (String, bool) {
    let Some(skill) = monitoring.skill() else {
        return ("nothing to judge the champion by".to_owned(), false);
    };
    let broken = skill < min_skill;
    let figure = format!("skill against no change {skill:.3}, at least {min_skill} wanted");
    (
        if broken { format!("{figure}: a challenger is trained") } else { format!("{figure}: the champion stays") },
        broken,
    )
}
