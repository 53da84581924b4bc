//! The comparison of candidates on the last origins, the same for training and for a promotion by hand.

use covid_core::{Date, Fault, PanelView, Target};
use covid_data::repair;
use covid_training::{Backtest, Model, Recipe, Replay, Verdict, backtest, compare, recent_origins, refresh};
use serde::Serialize;

use crate::Project;

/// How a candidate did on the last origins.
#[derive(Debug, Clone, Serialize)]
pub struct Candidate {
    /// The family of models.
    pub recipe: String,
    /// The model with the hyper-parameters chosen as of the as-of date.
    pub spec: String,
    /// The tracking run.
    pub run_id: String,
    /// Mean headline RMSLE over the origins; none if it exploded.
    pub rmsle: Option<f64>,
    /// The same of cases.
    pub rmsle_cases: Option<f64>,
    /// The same of deaths.
    pub rmsle_deaths: Option<f64>,
    /// Origins at which a forecast was not finite or above 1e12.
    pub exploded: Vec<String>,
}

impl Candidate {
    pub(crate) fn new(tested: &Backtest, spec: String, run_id: String) -> Self {
        let finite = |loss: f64| loss.is_finite().then_some(loss);
        Self {
            recipe: tested.recipe.to_string(),
            spec,
            run_id,
            rmsle: finite(tested.mean_loss()),
            rmsle_cases: finite(tested.mean_rmsle(Target::ConfirmedCases)),
            rmsle_deaths: finite(tested.mean_rmsle(Target::Fatalities)),
            exploded: tested.exploded().iter().map(ToString::to_string).collect(),
        }
    }
}

/// Runs some work on a replay of the project's published counts, in which models see repaired ones.
pub(crate) fn with_replay<T>(
    project: &Project,
    horizon: usize,
    work: impl FnOnce(&Replay<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let prepare = |view: &PanelView<'_>| repair(view, project.repair).0;
    work(&Replay::new(project.published()?, &prepare, horizon))
}

/// The gate's last origins.
pub(crate) fn gate_origins(project: &Project) -> Result<Vec<Date>, Fault> {
    let (training, gate) = (&project.settings.training, &project.settings.gate);
    // Origins nearer than the horizon would share days, and the paired test would count them twice.
    let every = training.every.max(training.horizon);
    Ok(recent_origins(&project.published()?, training.horizon, every, gate.origins)?)
}

/// Backtests recipes on the gate's last origins.
pub(crate) fn compare_on_gate_origins(
    project: &Project,
    replay: &Replay<'_>,
    recipes: &[Recipe],
) -> Result<Vec<Backtest>, Fault> {
    let (training, origins) = (&project.settings.training, gate_origins(project)?);
    let test = |&recipe: &Recipe| Ok(backtest(replay, recipe, &origins, training.horizon, training)?);
    recipes.iter().map(test).collect()
}

/// The gate's word on a candidate that would replace the champion.
pub(crate) fn judge(
    project: &Project,
    replay: &Replay<'_>,
    champion: &Model,
    candidate: &Model,
    tested: &[Backtest],
) -> Result<Verdict, Fault> {
    let gate = &project.settings.gate;
    let dates = [candidate.trained_as_of(), champion.trained_as_of()];
    if let Some(later) = dates.into_iter().find(|&date| date > project.as_of) {
        let as_of = project.as_of;
        return Ok(Verdict::refused(format!("data up to {as_of} cannot judge a model that was trained as of {later}")));
    }
    if champion.recipe() == candidate.recipe() && dates[0] == dates[1] {
        return Ok(Verdict::refused(format!("it is the champion's recipe, and both were trained as of {}", dates[0])));
    }
    let of = |recipe: Recipe| tested.iter().find(|tested| tested.recipe == recipe);
    if candidate.trained_as_of() < champion.trained_as_of() {
        let (old, new) = (candidate.trained_as_of(), champion.trained_as_of());
        return Ok(Verdict::refused(format!("it was trained as of {old}, before the champion ({new})")));
    }
    let (seen, _) = project.repaired()?;
    if let Err(error) = candidate.forecast(&seen.view(), project.settings.training.horizon) {
        return Ok(Verdict::refused(error.to_string()));
    }
    match (of(champion.recipe()), of(candidate.recipe())) {
        (Some(_), Some(new)) if champion.recipe() == candidate.recipe() => {
            Ok(refresh(replay, champion, &new.origins, gate)?)
        }
        (Some(old), Some(new)) => Ok(compare(&old.losses(), &new.losses(), gate)),
        _ => Ok(Verdict::refused("it was not compared with the champion".into())),
    }
}
