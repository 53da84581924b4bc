//! Scores of forecasts against published counts. A count below 0 scores as 0.

use serde::{Deserialize, Serialize};

use crate::{LEVELS, log_count};

/// The mean of squared differences on x = ln(1 + count), gathered one pair at a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SquaredLogError {
    sum: f64,
    count: usize,
}

impl SquaredLogError {
    /// Adds a forecast and what was published.
    pub fn add(&mut self, predicted: f64, actual: f64) {
        self.sum += (log_count(predicted) - log_count(actual)).powi(2);
        self.count += 1;
    }

    /// What was gathered elsewhere: the sum of squared differences of some pairs.
    pub fn of_sum(sum: f64, count: usize) -> Self {
        Self { sum, count }
    }

    /// Adds all that another gathered.
    pub fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    /// How many pairs were added.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Root mean squared logarithmic error (the Kaggle competition's score of one target); none without a pair.
    pub fn rmsle(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.sum / self.count as f64).sqrt())
    }
}

/// The headline: the plain mean of both targets' RMSLE; that of one where the other has no published count to be scored
/// by; none without any.
pub fn headline(by_target: [SquaredLogError; 2]) -> Option<f64> {
    mean_of_scored(by_target.map(|error| error.rmsle()))
}

/// The plain mean of the targets' losses that are there; none without any.
pub fn mean_of_scored(losses: [Option<f64>; 2]) -> Option<f64> {
    match losses {
        [Some(cases), Some(deaths)] => Some((cases + deaths) / 2.0),
        [cases, deaths] => cases.or(deaths),
    }
}

/// Weighted interval score of the seven quantiles (Bracher et al. 2021, doi 10.1371/journal.pcbi.1008618), in counts.
///
/// It is the mean over the levels of twice the pinball loss, which equals the score of three central intervals and the
/// median.
pub fn weighted_interval_score(quantiles: &[f64; 7], actual: f64) -> f64 {
    let actual = actual.max(0.0);
    let pinball = |(level, quantile): (f64, f64)| {
        let error = actual - quantile;
        2.0 * if error >= 0.0 { level * error } else { (level - 1.0) * error }
    };
    LEVELS.into_iter().zip(quantiles.iter().copied()).map(pinball).sum::<f64>() / LEVELS.len() as f64
}

/// The quantile of sorted values by linear interpolation (numpy's default); none without a value.
pub fn quantile_of_sorted(sorted: &[f64], level: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = level.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rmsle_by_hand() {
        let mut error = SquaredLogError::default();
        assert_eq!(error.rmsle(), None);
        error.add(std::f64::consts::E - 1.0, 0.0);
        error.add(-5.0, 0.0);
        assert!((error.rmsle().unwrap() - 0.5f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_target_that_was_never_published_does_not_count() {
        let mut errors = [SquaredLogError::default(); 2];
        assert_eq!(headline(errors), None);
        errors[0].add(0.0, std::f64::consts::E - 1.0);
        assert_eq!(headline(errors), Some(1.0));
        errors[1].add(0.0, 0.0);
        assert_eq!(headline(errors), Some(0.5));
    }

    #[test]
    fn the_score_equals_its_definition_by_intervals() {
        let quantiles = [1.0, 2.0, 4.0, 5.0, 8.0, 10.0, 20.0];
        for actual in [0.0, 1.5, 5.0, 9.0, 30.0] {
            let interval = |lower: f64, upper: f64, alpha: f64| {
                let outside = (lower - actual).max(0.0) + (actual - upper).max(0.0);
                alpha / 2.0 * ((upper - lower) + 2.0 / alpha * outside)
            };
            let sum = interval(1.0, 20.0, 0.05) + interval(2.0, 10.0, 0.2) + interval(4.0, 8.0, 0.5);
            let expected = (0.5 * (actual - 5.0f64).abs() + sum) / 3.5;
            assert!((weighted_interval_score(&quantiles, actual) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile_of_sorted(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!(quantile_of_sorted(&[], 0.5), None);
    }
}
