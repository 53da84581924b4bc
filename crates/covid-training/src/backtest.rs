//! Rolling-origin backtests: at each origin a recipe is tuned, fitted and calibrated on that day's data, and scored
//! against what was published later.

use covid_core::{
    Date, Forecast, PanelView, Target,
    metrics::{self, SquaredLogError},
};
use rayon::prelude::*;

use crate::{
    Model, Recipe, Replay, Spec, TrainingError, TrainingSettings,
    replay::{MIN_DAYS, origins_before},
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
#[derive(Debug)]
pub struct OriginScore {
    /// The as-of date.
    pub origin: Date,
    /// The model that was chosen there.
    pub spec: Spec,
    /// What it forecast; it may have exploded.
    pub forecast: Forecast,
    /// Errors by target, then day ahead; none if a forecast is not finite or above 1e12.
    pub errors: Option<[Vec<SquaredLogError>; 2]>,
}

impl OriginScore {
    /// A forecast scored against what was published.
    pub(crate) fn new(spec: Spec, forecast: Forecast, published: &PanelView<'_>) -> Self {
        let errors = forecast.exploded().is_none().then(|| errors(published, &forecast));
        Self { origin: forecast.as_of(), spec, forecast, errors }
    }

    /// RMSLE of one target over all places and days; none if it exploded, or nothing was published.
    pub fn rmsle(&self, target: Target) -> Option<f64> {
        self.total(target)?.rmsle()
    }

    /// The headline: the mean of both targets' RMSLE.
    pub fn headline(&self) -> Option<f64> {
        metrics::headline([self.total(Target::ConfirmedCases)?, self.total(Target::Fatalities)?])
    }

    fn total(&self, target: Target) -> Option<SquaredLogError> {
        let mut total = SquaredLogError::default();
        self.errors.as_ref()?[target.index()].iter().for_each(|error| total.merge(*error));
        Some(total)
    }
}

impl Backtest {
    /// The headline of every origin; an origin that exploded counts as infinitely bad.
    pub fn losses(&self) -> Vec<f64> {
        self.origins.iter().map(|origin| origin.headline().unwrap_or(f64::INFINITY)).collect()
    }

    /// The mean headline over the origins; infinite if the recipe exploded on any.
    pub fn mean_loss(&self) -> f64 {
        mean(self.losses().into_iter())
    }

    /// The mean RMSLE of a target over the origins; infinite if the recipe exploded on any.
    pub fn mean_rmsle(&self, target: Target) -> f64 {
        mean(self.origins.iter().map(|origin| origin.rmsle(target).unwrap_or(f64::INFINITY)))
    }

    /// The mean over the origins of a target's RMSLE on one day ahead; infinite if the recipe exploded on any.
    pub fn mean_rmsle_at(&self, target: Target, ahead: usize) -> f64 {
        let at = |origin: &OriginScore| origin.errors.as_ref()?[target.index()][ahead - 1].rmsle();
        mean(self.origins.iter().map(|origin| at(origin).unwrap_or(f64::INFINITY)))
    }

    /// The origins where it exploded.
    pub fn exploded(&self) -> Vec<Date> {
        self.origins.iter().filter(|origin| origin.errors.is_none()).map(|origin| origin.origin).collect()
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
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

/// Tests a recipe on origins, in parallel, 1 to `horizon` days ahead (at most the replay's).
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
    crate::error::check("horizon", "within the replay's", horizon, (1..=replay.horizon()).contains(&horizon))?;
    let day_of = |&origin: &Date| Ok(replay.published().earlier(origin)?.days() - 1);
    let days = origins.iter().map(day_of).collect::<Result<Vec<usize>, TrainingError>>()?;
    // Neighbouring origins are tuned on the same earlier ones: made once here, not by each of them.
    let gap = settings.horizon.min(replay.horizon());
    let tuned_on = |&day: &usize| origins_before(day, gap, settings.every, settings.tuning_origins);
    replay.make(&recipe.grid(), &days.iter().flat_map(tuned_on).collect::<Vec<usize>>())?;
    let score = |&day: &usize| {
        let model = Model::train_on_day(replay, recipe, day, horizon, settings)?;
        let prepared = replay.prepared(day)?;
        let forecast = model.forecast_unchecked(&prepared.view(), horizon);
        Ok(OriginScore::new(*model.spec(), forecast, &replay.published()))
    };
    let origins = days.par_iter().map(score).collect::<Result<_, TrainingError>>()?;
    Ok(Backtest { recipe, horizon, origins })
}

fn errors(published: &PanelView<'_>, forecast: &Forecast) -> [Vec<SquaredLogError>; 2] {
    let seen = published.earlier(forecast.as_of()).map_or(published.days(), |view| view.days());
    Target::ALL.map(|target| {
        let mut errors = vec![SquaredLogError::default(); forecast.horizon()];
        for location in 0..forecast.locations().len() {
            let actuals = published.counts(location, target).iter().skip(seen);
            for ((error, predicted), &actual) in errors.iter_mut().zip(forecast.path(location, target)).zip(actuals) {
                if !actual.is_nan() {
                    error.add(predicted.point, actual);
                }
            }
        }
        errors
    })
}

/// The headline of a model at an origin over `horizon` days, by what was known on a day; none if it exploded.
pub(crate) fn loss(
    replay: &Replay<'_>,
    spec: &Spec,
    day: usize,
    origin: usize,
    horizon: usize,
) -> Result<Option<f64>, TrainingError> {
    let known = replay.view(day)?;
    let paths = replay.forecast(spec, origin)?;
    let mut by_target = [(0.0, 0usize); 2];
    for target in Target::ALL {
        for ahead in 1..=horizon {
            for error in replay.errors(&known, &paths, origin, target, ahead) {
                let (sum, count) = &mut by_target[target.index()];
                *sum += error * error;
                *count += 1;
            }
        }
    }
    let [cases, deaths] = by_target.map(|(sum, count)| (sum / count as f64).sqrt());
    let headline = (cases + deaths) / 2.0;
    Ok(headline.is_finite().then_some(headline))
}
