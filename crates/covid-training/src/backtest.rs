//! Rolling-origin backtests: at each origin a recipe is tuned, fitted and calibrated on that day's data, and scored
//! against what was published later.

use std::collections::BTreeMap;

use covid_core::{
    Date, Forecast, PanelView, Target, WeeklyForecast,
    metrics::{self, SquaredLogError},
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Model, Recipe, Replay, Size, Spec, TrainingError, TrainingSettings,
    replay::{MIN_DAYS, origins_before},
    train::train_in_turn,
};

/// A recipe over its origins, the oldest first.
#[derive(Debug)]
pub struct Backtest {
    /// What was tested.
    pub recipe: Recipe,
    /// Days ahead.
    pub horizon: usize,
    /// One score an origin.
    pub origins: Vec<OriginScore>,
}

/// A recipe at one origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OriginScore {
    /// The as-of date.
    pub origin: Date,
    /// The model that was chosen there.
    pub spec: Spec,
    /// Days ahead.
    pub horizon: usize,
    /// Its errors; none if a forecast is not finite or above 1e12.
    pub errors: Option<OriginErrors>,
}

/// The errors of a forecast over all places, by target and added up in two ways.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OriginErrors {
    /// By day ahead.
    pub by_day: [Vec<SquaredLogError>; 2],
    /// By size of the series at the origin, in the order of [`Size::ALL`].
    pub by_size: [[SquaredLogError; 5]; 2],
}

impl OriginScore {
    /// A forecast scored against what was published.
    pub fn new(spec: Spec, forecast: &Forecast, published: &PanelView<'_>) -> Self {
        let point = |place: usize, target, ahead: usize| forecast.get(place, target, ahead).point;
        let errors =
            || squared_errors(published, forecast.as_of(), [forecast.locations().len(), forecast.horizon()], point);
        let errors = forecast.exploded().is_none().then(errors);
        Self { origin: forecast.as_of(), spec, horizon: forecast.horizon(), errors }
    }

    /// RMSLE of one target over all places and days; none if it exploded, or nothing was published.
    pub fn rmsle(&self, target: Target) -> Option<f64> {
        self.total(target)?.rmsle()
    }

    /// The headline: the mean of the targets' RMSLE.
    pub fn headline(&self) -> Option<f64> {
        metrics::headline([self.total(Target::ConfirmedCases)?, self.total(Target::Fatalities)?])
    }

    /// The headline as a loss: infinite where it exploded, NaN where nothing was published to score it by.
    pub fn loss(&self) -> f64 {
        self.or_unscored(self.headline())
    }

    fn or_unscored(&self, score: Option<f64>) -> f64 {
        score.unwrap_or(if self.errors.is_some() { f64::NAN } else { f64::INFINITY })
    }

    fn total(&self, target: Target) -> Option<SquaredLogError> {
        let mut total = SquaredLogError::default();
        self.errors.as_ref()?.by_day[target.index()].iter().for_each(|error| total.merge(*error));
        Some(total)
    }
}

impl Backtest {
    /// The loss of every origin.
    pub fn losses(&self) -> Vec<f64> {
        self.each(OriginScore::headline)
    }

    /// The mean headline over the origins that can be scored; infinite if the recipe exploded on any, NaN with none.
    pub fn mean_loss(&self) -> f64 {
        mean(&self.losses())
    }

    /// The same of one target's RMSLE.
    pub fn mean_rmsle(&self, target: Target) -> f64 {
        mean(&self.each(|origin| origin.rmsle(target)))
    }

    /// The same of one target's RMSLE on one day ahead.
    pub fn mean_rmsle_at(&self, target: Target, ahead: usize) -> f64 {
        mean(&self.each(|origin| origin.errors.as_ref()?.by_day[target.index()][ahead - 1].rmsle()))
    }

    /// The same of one target's RMSLE over the places whose series had a size at the origin; NaN if none ever had it.
    pub fn mean_rmsle_of(&self, target: Target, size: Size) -> f64 {
        mean(&self.each(|origin| origin.errors.as_ref()?.by_size[target.index()][size as usize].rmsle()))
    }

    fn each(&self, score: impl Fn(&OriginScore) -> Option<f64>) -> Vec<f64> {
        self.origins.iter().map(|origin| origin.or_unscored(score(origin))).collect()
    }

    /// The origins where it exploded.
    pub fn exploded(&self) -> Vec<Date> {
        self.origins.iter().filter(|origin| origin.errors.is_none()).map(|origin| origin.origin).collect()
    }
}

/// The mean of the losses that are there; NaN without any.
pub(crate) fn mean(losses: &[f64]) -> f64 {
    let there = || losses.iter().filter(|loss| !loss.is_nan());
    there().sum::<f64>() / there().count() as f64
}

/// The last `most` origins, `every` days apart and the oldest first, whose whole horizon is known on the view's as-of date.
///
/// # Errors
/// If there is none with four weeks of history.
pub fn recent_origins(
    view: &PanelView<'_>,
    horizon: usize,
    every: usize,
    most: usize,
) -> Result<Vec<Date>, TrainingError> {
    let mut days = origins_before(view.days() - 1, horizon, every, most);
    if days.is_empty() {
        let needed = MIN_DAYS + horizon;
        let what = format!("a comparison {horizon} days ahead");
        return Err(TrainingError::TooShort { days: view.days(), as_of: view.as_of(), what, needed });
    }
    days.reverse();
    Ok(days.into_iter().map(|day| view.date(day)).collect())
}

/// Origins from a date on, `every` days apart, whose whole horizon is known on the view's as-of date.
///
/// # Errors
/// If there is none, or the first has less than four weeks of history.
pub fn rolling_origins(
    view: &PanelView<'_>,
    from: Date,
    every: usize,
    horizon: usize,
) -> Result<Vec<Date>, TrainingError> {
    TrainingError::check_horizon(horizon)?;
    crate::error::check("every", "at least 1 day", every, every > 0)?;
    let first = view.earlier(from)?.days() - 1;
    let short = |days, needed, what| TrainingError::TooShort { days, as_of: view.as_of(), what, needed };
    if first + 1 < MIN_DAYS {
        return Err(short(first + 1, MIN_DAYS, format!("an origin on {from}")));
    }
    if first + horizon >= view.days() {
        return Err(short(
            view.days(),
            first + 1 + horizon,
            format!("an origin on {from} with {horizon} days after it"),
        ));
    }
    Ok((first..view.days() - horizon).step_by(every).map(|day| view.date(day)).collect())
}

/// What a model forecast on the day of its training, by what models see of it; it may have exploded.
///
/// # Errors
/// If the day is outside the data.
pub fn forecast_at_origin(
    replay: &Replay<'_>,
    model: &Model,
    horizon: usize,
) -> Result<(Forecast, Option<WeeklyForecast>), TrainingError> {
    model.check_horizon(horizon)?;
    let day = replay.published().earlier(model.trained_as_of())?.days() - 1;
    Ok(model.forecast_unchecked(&replay.prepared(day)?.view(), horizon))
}

/// Tests a recipe on origins, in parallel, 1 to `horizon` days ahead.
///
/// # Errors
/// If an origin is outside the data, or a fit fails.
pub fn backtest(
    replay: &Replay<'_>,
    recipe: Recipe,
    origins: &[Date],
    horizon: usize,
    settings: &TrainingSettings,
) -> Result<Backtest, TrainingError> {
    let mut scores: BTreeMap<Date, OriginScore> = BTreeMap::new();
    train_in_turn(replay, &[recipe], origins, horizon, settings, |trained| {
        let found = trained.par_iter().flatten().map(|model| score_at_origin(replay, model, horizon));
        let found = found.collect::<Result<Vec<OriginScore>, TrainingError>>()?;
        scores.extend(found.into_iter().map(|score| (score.origin, score)));
        Ok::<(), TrainingError>(())
    })?;
    let origins = origins.iter().filter_map(|origin| scores.get(origin).cloned()).collect();
    Ok(Backtest { recipe, horizon, origins })
}

/// The score of a model on the day of its training.
pub(crate) fn score_at_origin(
    replay: &Replay<'_>,
    model: &Model,
    horizon: usize,
) -> Result<OriginScore, TrainingError> {
    let (forecast, _) = forecast_at_origin(replay, model, horizon)?;
    Ok(OriginScore::new(*model.spec(), &forecast, &replay.published()))
}

/// The errors of so many places' points some days ahead, which `point` tells by place, target and day ahead.
pub(crate) fn squared_errors(
    published: &PanelView<'_>,
    origin: Date,
    [places, horizon]: [usize; 2],
    point: impl Fn(usize, Target, usize) -> f64,
) -> OriginErrors {
    let seen = published.earlier(origin).unwrap_or(*published);
    let mut errors = OriginErrors {
        by_day: Target::ALL.map(|_| vec![SquaredLogError::default(); horizon]),
        by_size: Default::default(),
    };
    for target in Target::ALL {
        for place in 0..places {
            let of_size = &mut errors.by_size[target.index()][Size::of(seen.last_count(place, target)) as usize];
            let actuals = published.counts(place, target).iter().skip(seen.days());
            let days = errors.by_day[target.index()].iter_mut().zip(1..).zip(actuals);
            for ((of_day, ahead), &actual) in days.filter(|(_, actual)| !actual.is_nan()) {
                let point = point(place, target, ahead);
                of_day.add(point, actual);
                of_size.add(point, actual);
            }
        }
    }
    errors
}
