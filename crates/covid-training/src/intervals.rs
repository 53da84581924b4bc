//! The intervals of model files of version 1: for each target and day ahead, quantiles of actual less forecast on
//! ln(1 + count), pooled over places and past origins. Such files are still read; no new one is made.

use covid_core::{MAX_COUNT, MAX_HORIZON, Predicted, Target, log_count};
use serde::{Deserialize, Serialize};

use crate::{TrainingError, error::check};

/// Errors on ln(1 + count) by target, day ahead and level, never falling over the levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct ErrorQuantiles {
    #[serde(rename = "ConfirmedCases")]
    cases: Vec<[f64; 7]>,
    #[serde(rename = "Fatalities")]
    deaths: Vec<[f64; 7]>,
}

impl ErrorQuantiles {
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
