//! The loop against what else could have been done on the same days.

use std::collections::{BTreeMap, BTreeSet};

use covid_core::{Date, Fault, Target, add_days, metrics::SquaredLogError};
use covid_monitoring::{Alert, Blame, Group, Standing, tallies};
use covid_prediction::{Branch, Champion, get_json, prediction_ledger};
use covid_registry::{PromotionKind, Registry};
use covid_storage::list_all;
use covid_training::{Backtest, Ensemble, Model, OriginErrors, OriginScore, Recipe, Spec, frozen_scores};
use serde::Serialize;

use super::{KeptBacktests, ReplayReport, ReplayRequest};
use crate::{Project, candidates::with_replay, monitoring_page::Contender, project::blocking};

/// Who forecast, and how well.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rival {
    /// Who.
    pub name: String,
    /// Mean headline RMSLE over the days; none if a forecast exploded.
    pub rmsle: Option<f64>,
    /// The same of cases.
    pub rmsle_cases: Option<f64>,
    /// The same of deaths.
    pub rmsle_deaths: Option<f64>,
}

impl Rival {
    fn of(name: impl Into<String>, tested: &Backtest) -> Self {
        let finite = |loss: f64| loss.is_finite().then_some(loss);
        Self {
            name: name.into(),
            rmsle: finite(tested.mean_loss()),
            rmsle_cases: finite(tested.mean_rmsle(Target::ConfirmedCases)),
            rmsle_deaths: finite(tested.mean_rmsle(Target::Fatalities)),
        }
    }

    /// The same as the page shows it.
    pub(super) fn contender(&self) -> Contender {
        let [headline, cases, deaths] =
            [self.rmsle, self.rmsle_cases, self.rmsle_deaths].map(|loss| loss.unwrap_or(f64::INFINITY));
        Contender { who: self.name.clone(), cases, deaths, headline }
    }
}

/// Alerts that were raised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Alarms {
    /// That the model is at fault.
    pub of_model: usize,
    /// Those of them after which no candidate, refitted daily, beat the champion as it stood by 5 % over four weeks.
    pub false_alarms: usize,
    /// Those too near to the end to tell.
    pub undecided: usize,
    /// That the data are.
    pub of_data: usize,
}

/// Days over which hindsight judges an alarm, and the share by which another has to be better.
const HINDSIGHT_DAYS: i64 = 28;
const WORTH: f64 = 0.05;

pub(super) async fn compare(
    replayed: &Project,
    registry: &dyn Registry,
    request: &ReplayRequest,
    days: &[Date],
    kept: &KeptBacktests,
) -> Result<ReplayReport, Fault> {
    let horizon = replayed.settings.training.horizon;
    // The loop scores on its own days alone.
    let last = add_days(days.last().copied().unwrap_or(request.to), -(horizon as i64));
    let origins: Vec<Date> = days.iter().copied().filter(|day| *day <= last).collect();
    let name = replayed.model_name();
    let trail = registry.promotions(&name).await?;
    let promotions = trail.iter().filter(|event| event.kind == PromotionKind::Promote).count().saturating_sub(1);
    let versions = registry.list_versions(&name).await?;
    let trained: BTreeSet<&String> = versions.iter().filter_map(|version| version.tags.get("trained_as_of")).collect();
    let trainings = trained.len().saturating_sub(1);
    let looped = Rival::of("the loop", &looped(replayed, &origins).await?);
    let mut rivals = Vec::new();
    if let Some(first) = trail.first() {
        let first = Champion::load(registry, &registry.get_version(&name, first.version).await?).await?;
        let label = format!("first champion ({}), never trained again", first.model.recipe());
        rivals.push(Rival::of(label, &frozen(replayed, first.model, &origins).await?));
    }
    for recipe in Recipe::CANDIDATES {
        if let Some(tested) = kept.backtest(recipe, &origins, horizon) {
            rivals.push(Rival::of(format!("{recipe}, refitted each time"), &tested));
        }
    }
    rivals.sort_by(|a, b| a.rmsle.unwrap_or(f64::INFINITY).total_cmp(&b.rmsle.unwrap_or(f64::INFINITY)));
    Ok(ReplayReport {
        from: request.from.to_string(),
        to: request.to.to_string(),
        every: request.every,
        days: days.len(),
        source: replayed.headline()?,
        locations: replayed.panel.locations().len(),
        horizon,
        origins: origins.len(),
        looped,
        rivals,
        promotions,
        trainings,
        alarms: alarms(replayed, registry, &origins, kept).await?,
        tree: replayed.store.uri(),
        page: String::new(),
    })
}

/// What monitoring found of the loop's forecasts of each day.
async fn looped(replayed: &Project, origins: &[Date]) -> Result<Backtest, Fault> {
    let horizon = replayed.settings.training.horizon;
    let days = replayed.panel.days();
    let mut sums: BTreeMap<Date, [Vec<SquaredLogError>; 2]> = BTreeMap::new();
    let store = replayed.store.as_ref();
    for tally in tallies(store, &replayed.dataset, Branch::Real, replayed.as_of, days).await? {
        let Group { date, horizon: ahead, target, shadow } = tally.group;
        if !shadow && (1..=horizon).contains(&ahead) {
            let none = || Target::ALL.map(|_| vec![SquaredLogError::default(); horizon]);
            let errors = sums.entry(add_days(date, -(ahead as i64))).or_insert_with(none);
            let rows = usize::try_from(tally.sums.rows).unwrap_or(0);
            errors[target.index()][ahead - 1].merge(SquaredLogError::of_sum(tally.sums.squared_error, rows));
        }
    }
    let mut score = |&origin: &Date| {
        let errors = OriginErrors { by_day: sums.remove(&origin)?, by_size: Default::default() };
        Some(OriginScore { origin, spec: Spec::Ensemble(Ensemble), horizon, errors: Some(errors) })
    };
    let origins = origins.iter().filter_map(&mut score).collect();
    Ok(Backtest { recipe: Recipe::FULL, horizon, origins })
}

/// A model as it was trained, on each day.
async fn frozen(replayed: &Project, model: Model, origins: &[Date]) -> Result<Backtest, Fault> {
    let (project, origins) = (replayed.clone(), origins.to_vec());
    let horizon = project.settings.training.horizon;
    blocking(move || {
        let recipe = model.recipe();
        let origins = with_replay(&project, horizon, |replay| Ok(frozen_scores(replay, &model, &origins, horizon)?))?;
        Ok(Backtest { recipe, horizon, origins })
    })
    .await
}

/// Counts the alerts that were raised, and judges those of the model by what came after them.
async fn alarms(
    replayed: &Project,
    registry: &dyn Registry,
    origins: &[Date],
    kept: &KeptBacktests,
) -> Result<Alarms, Fault> {
    let store = replayed.store.as_ref();
    let mut alarms = Alarms::default();
    for object in list_all(store, &format!("{}/monitoring/rules/", replayed.dataset)).await? {
        let standing: Standing = get_json(store, &object.key).await?;
        let raised = standing.alerts().into_iter().filter(|alert| alert.since == standing.as_of);
        for alert in raised.filter(Alert::is_loud) {
            if alert.blame == Blame::Data {
                alarms.of_data += 1;
                continue;
            }
            alarms.of_model += 1;
            match could_be_better(replayed, registry, standing.as_of, origins, kept).await? {
                Some(true) => {}
                Some(false) => alarms.false_alarms += 1,
                None => alarms.undecided += 1,
            }
        }
    }
    Ok(alarms)
}

/// Whether a candidate, refitted each day, beat the champion of a day as it stood then over the four weeks after it; none
/// without a day to tell by.
async fn could_be_better(
    replayed: &Project,
    registry: &dyn Registry,
    day: Date,
    origins: &[Date],
    kept: &KeptBacktests,
) -> Result<Option<bool>, Fault> {
    let until = add_days(day, HINDSIGHT_DAYS);
    let after: Vec<Date> = origins.iter().copied().filter(|origin| *origin >= day && *origin < until).collect();
    let ledger = prediction_ledger(replayed.store.as_ref(), &replayed.dataset, Branch::Real);
    let earlier = ledger.listed(add_days(day, -366)).await?.into_iter().map(|listed| listed.as_of);
    let Some(before) = earlier.filter(|as_of| *as_of < day).max().filter(|_| !after.is_empty()) else {
        return Ok(None);
    };
    let Some(before) = ledger.current(before).await? else { return Ok(None) };
    let Ok(version) = before.work.model.version.parse::<u64>() else { return Ok(None) };
    let version = registry.get_version(&replayed.model_name(), version).await?;
    let model = Champion::load(registry, &version).await?.model;
    let horizon = replayed.settings.training.horizon;
    let stood = frozen(replayed, model, &after).await?.mean_loss();
    let best = Recipe::CANDIDATES.iter().filter_map(|&recipe| kept.backtest(recipe, &after, horizon));
    let best = best.map(|tested| tested.mean_loss()).fold(f64::INFINITY, f64::min);
    Ok(Some(best < stood * (1.0 - WORTH)))
}
