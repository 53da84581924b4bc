//! Intervals from past errors: for each target and day ahead, quantiles of actual less forecast on ln(1 + count), pooled
//! over places and past origins.

use covid_core::{LEVELS, MAX_COUNT, MAX_HORIZON, Predicted, Target, log_count, metrics::quantile_of_sorted};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Replay, Spec, TrainingError, TrainingSettings,
    error::check,
    replay::{self, origins_before},
};

/// Errors on ln(1 + count) by target, day ahead and level, never falling over the levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct ErrorQuantiles {
    #[serde(rename = "ConfirmedCases")]
    cases: Vec<[f64; 7]>,
    #[serde(rename = "Fatalities")]
    deaths: Vec<[f64; 7]>,
}

/// Before there are past origins, errors are taken to be normal with mean 0 and a standard deviation of 0.1 * sqrt(days
/// ahead) on ln(1 + count), about that of persistence a month into the pandemic; an assumption, not a measurement.
const PRIOR_DEVIATION: f64 = 0.1;

/// Standard normal quantiles at the seven levels.
const NORMAL: [f64; 7] = [
    -1.959963984540054,
    -1.2815515655446004,
    -0.6744897501960817,
    0.0,
    0.6744897501960817,
    1.2815515655446004,
    1.959963984540054,
];

impl ErrorQuantiles {
    /// The errors of a model as they were known on a day, for 1 to `horizon` days ahead: each from the last
    /// `calibration_origins` origins for which that day ahead is known. Where there are fewer, the prior stands in for
    /// those that lack.
    pub(crate) fn learn(
        replay: &Replay<'_>,
        spec: &Spec,
        day: usize,
        horizon: usize,
        settings: &TrainingSettings,
    ) -> Result<Self, TrainingError> {
        let most = settings.calibration_origins + horizon.div_ceil(settings.every);
        let origins = origins_before(day, settings.every, settings.every, most);
        replay.make(&[*spec], &origins)?;
        let learn = |target: Target| -> Result<Vec<[f64; 7]>, TrainingError> {
            (1..=horizon)
                .into_par_iter()
                .map(|ahead| at(replay, spec, day, &origins, target, ahead, settings))
                .collect()
        };
        Ok(Self { cases: learn(Target::ConfirmedCases)?, deaths: learn(Target::Fatalities)? })
    }

    /// Days ahead that it knows.
    pub fn horizon(&self) -> usize {
        self.cases.len()
    }

    /// A forecast count with its quantiles. `x` is the point as ln(1 + count), `last` the last published count; no quantile
    /// lies below both, since cumulative counts do not fall but for corrections, nor above [`MAX_COUNT`].
    pub fn around(&self, target: Target, ahead: usize, x: f64, last: f64) -> Predicted {
        // There and back through the logarithm, a count would change in its last digits.
        let count = |y: f64| if y == log_count(last) { last } else { count(y) };
        let point = count(x);
        let floor = last.min(point);
        let quantile = |offset: f64| if x.is_nan() { x } else { count(x + offset).clamp(floor, MAX_COUNT.max(floor)) };
        Predicted { point, quantiles: self.of(target)[ahead - 1].map(quantile) }
    }

    fn of(&self, target: Target) -> &[[f64; 7]] {
        match target {
            Target::ConfirmedCases => &self.cases,
            Target::Fatalities => &self.deaths,
        }
    }
}

fn at(
    replay: &Replay<'_>,
    spec: &Spec,
    day: usize,
    origins: &[usize],
    target: Target,
    ahead: usize,
    settings: &TrainingSettings,
) -> Result<[f64; 7], TrainingError> {
    let known = replay.view(day)?;
    let used: Vec<usize> =
        origins.iter().copied().filter(|origin| origin + ahead <= day).take(settings.calibration_origins).collect();
    let mut errors = Vec::with_capacity(used.len() * known.locations().len());
    for &origin in &used {
        let paths = replay.forecast(spec, origin)?;
        errors.extend(replay::errors(&known, &paths, origin, target, ahead).map(bounded));
    }
    errors.sort_unstable_by(f64::total_cmp);
    let weight = if errors.is_empty() { 0.0 } else { used.len() as f64 / settings.calibration_origins as f64 };
    let prior = PRIOR_DEVIATION * (ahead as f64).sqrt();
    Ok(std::array::from_fn(|level| {
        let seen = quantile_of_sorted(&errors, LEVELS[level]).unwrap_or(0.0);
        weight * seen + (1.0 - weight) * prior * NORMAL[level]
    }))
}

/// Past forecasts may have exploded; their errors count as the largest that can be stated.
fn bounded(error: f64) -> f64 {
    let most = MAX_COUNT.ln_1p();
    if error.is_nan() { -most } else { error.clamp(-most, most) }
}

fn count(x: f64) -> f64 {
    // Not `max` alone, which would turn a NaN into 0 and hide an explosion.
    if x.is_nan() { x } else { x.exp_m1().max(0.0) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    #[serde(rename = "ConfirmedCases")]
    cases: Vec<[f64; 7]>,
    #[serde(rename = "Fatalities")]
    deaths: Vec<[f64; 7]>,
}

impl TryFrom<Unchecked> for ErrorQuantiles {
    type Error = TrainingError;

    fn try_from(Unchecked { cases, deaths }: Unchecked) -> Result<Self, TrainingError> {
        let right = cases.len() == deaths.len() && (1..=MAX_HORIZON).contains(&cases.len());
        check("days ahead of the error quantiles", "from 1 to 60, the same for both targets", cases.len(), right)?;
        let rising =
            cases.iter().chain(&deaths).all(|offsets| offsets.is_sorted() && offsets.iter().all(|x| x.is_finite()));
        check("order of the error quantiles", "rising", rising, rising)?;
        Ok(Self { cases, deaths })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nan_stays_one_and_nothing_is_below_the_last_count() {
        let errors = ErrorQuantiles { cases: vec![NORMAL], deaths: vec![NORMAL] };
        assert!(errors.around(Target::Fatalities, 1, f64::NAN, 0.0).exploded());
        assert!(errors.around(Target::Fatalities, 1, f64::INFINITY, 0.0).exploded());
        let predicted = errors.around(Target::ConfirmedCases, 1, 3.0, 12.0);
        assert_eq!(predicted.quantiles[0], 12.0);
        assert_eq!(predicted.point, predicted.quantiles[3]);
    }
}
