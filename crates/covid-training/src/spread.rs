//! How wide a place's errors are for its size: a ridge regression of the logarithm of standardised absolute errors of weekly
//! new counts on how unsteady its last weeks were.
//!
//! e = |ln(1 + y) - mu| / S, and what is learned is ln(e + 0.3), within 2.5 of 0, from past forecasts whose week is known; places
//! weigh as the fourth root of their level, a week as 0.5^(weeks / 52). The general level of errors is the tables' to say, so
//! only departures from the mean place count, within 1.5 of 0, and with i weeks of forecasts as i / (i + 20).

use covid_core::Target;
use serde::{Deserialize, Serialize};

use crate::{
    TrainingError,
    error::check,
    models::{recent::Recent, weeks::Weeks},
    normal::{Gram, ridge},
    paths::WEEKS,
};

/// Features, the constant first.
const FEATURES: usize = 9;

const PENALTY: f64 = 300.0;
const HALF_LIFE_WEEKS: f64 = 52.0;
const HALF_TRUST: f64 = 20.0;
const MOST: f64 = 1.5;

/// What is read of one series, but for the centre of its forecast.
pub(crate) struct Unsteadiness {
    features: [f64; FEATURES - 1],
    log: f64,
    level: f64,
    /// Mean new counts of the last four weeks.
    mean_week: f64,
    /// Days without reports, if it pauses.
    pub(crate) pause: usize,
}

impl Unsteadiness {
    pub(crate) fn of(recent: &Recent<'_>, target: Target) -> Self {
        let weeks = Weeks::of(recent, target);
        let new = &weeks.new;
        let changes: [f64; 8] =
            std::array::from_fn(|week| ((new[week] + 2.0) / (new[week + 1] + 2.0)).ln().clamp(-3.0, 3.0));
        let zeros = new[..8].iter().filter(|&&count| count == 0.0).count();
        let month = new[..4].iter().sum::<f64>() / 4.0;
        let features = [
            1.0,
            changes.iter().map(|change| change.abs()).sum::<f64>() / 8.0,
            changes.windows(2).map(|pair| (pair[0] - pair[1]).abs()).sum::<f64>() / 7.0,
            zeros as f64 / 8.0,
            weeks.size(recent.count(target, 0)),
            weeks.log / 5.0,
            changes[0].abs(),
            weeks.above(month).abs(),
        ];
        Self { features, log: weeks.log, level: weeks.level, mean_week: month, pause: recent.pause(target) }
    }

    /// ln(1 + new counts) by which a forecast is compared with others, of a week or, up to an end, of `weeks`: its own, or
    /// those of as many mean weeks of the last four, whichever is larger. A model that sees no growth forecasts the same for
    /// every place; how far it errs is a matter of the place.
    pub(crate) fn size(&self, mu: f64, weeks: f64) -> f64 {
        mu.max((self.mean_week * weeks).ln_1p())
    }

    fn with_centre(&self, mu: f64) -> [f64; FEATURES] {
        std::array::from_fn(|i| self.features.get(i).copied().unwrap_or_else(|| departure(mu, self.log)))
    }
}

#[cfg(test)]
impl Unsteadiness {
    /// A place of which nothing is known.
    pub(crate) const UNKNOWN: Self =
        Self { features: [1.0; FEATURES - 1], log: 0.0, level: 0.0, mean_week: 0.0, pause: 0 };
}

/// How far a forecast lies from the level; one that is not a number is nowhere.
fn departure(mu: f64, level: f64) -> f64 {
    let away = (mu - level).abs();
    if away.is_nan() { 0.0 } else { away.min(10.0) }
}

/// What the forecasts of one day taught of one target and week ahead.
#[derive(Debug, Clone)]
pub(crate) struct SpreadSums {
    gram: Gram<FEATURES>,
    moment: [f64; FEATURES],
}

impl SpreadSums {
    pub(crate) fn new() -> Self {
        Self { gram: Gram::new(), moment: [0.0; FEATURES] }
    }

    /// The outcomes of all places: centre, new counts (NaN where not published), scale; in the order of `places`.
    pub(crate) fn of(places: &[Unsteadiness], outcomes: impl Iterator<Item = (f64, f64, f64)>) -> Self {
        let root = |place: &Unsteadiness| (1.0 + place.level).sqrt().sqrt();
        let mean = places.iter().map(root).sum::<f64>() / places.len() as f64;
        let mut sums = Self::new();
        for (place, (mu, seen, scale)) in places.iter().zip(outcomes) {
            let error = (seen.max(0.0).ln_1p() - mu).abs() / scale;
            if seen.is_nan() || !error.is_finite() || place.pause > 0 {
                continue;
            }
            let (features, weight) = (place.with_centre(mu), root(place) / mean);
            sums.gram.add(&features, weight);
            let wide = weight * (error + 0.3).ln().clamp(-2.5, 2.5);
            sums.moment.iter_mut().zip(&features).for_each(|(sum, feature)| *sum += feature * wide);
        }
        sums
    }

    /// Adds another, times a factor.
    pub(crate) fn merge(&mut self, other: &Self, factor: f64) {
        self.gram.merge(&other.gram, factor);
        self.moment.iter_mut().zip(&other.moment).for_each(|(sum, value)| *sum += factor * value);
    }

    /// Fades what is there by a week.
    pub(crate) fn fade(&mut self) {
        let factor = 0.5f64.powf(1.0 / HALF_LIFE_WEEKS);
        self.gram.fade(factor);
        self.moment.iter_mut().for_each(|sum| *sum *= factor);
    }
}

/// The widths that were learned: by target and week ahead, coefficients with the constant first, and how far they are trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub(crate) struct Spread {
    trust: f64,
    coefficients: [Vec<Vec<f64>>; 2],
}

impl Spread {
    /// Learns from the sums of `weeks` weeks.
    pub(crate) fn learn(sums: &[Vec<SpreadSums>; 2], weeks: usize) -> Result<Self, String> {
        let fit = |sums: &SpreadSums| {
            let mut found = ridge(&sums.gram, &sums.moment, PENALTY)?;
            // The mean place is not wider than itself.
            let means = sums.gram.means();
            found[0] = -(1..FEATURES).map(|i| means[i] * found[i]).sum::<f64>();
            Ok(found.to_vec())
        };
        let of = |sums: &Vec<SpreadSums>| sums.iter().map(fit).collect::<Result<Vec<Vec<f64>>, String>>();
        let trust = weeks as f64 / (weeks as f64 + HALF_TRUST);
        Ok(Self { trust, coefficients: [of(&sums[0])?, of(&sums[1])?] })
    }

    /// Logarithms of the factors on the scales of the weeks ahead.
    pub(crate) fn factors(&self, place: &Unsteadiness, target: Target, centres: &[f64; WEEKS]) -> [f64; WEEKS] {
        std::array::from_fn(|week| {
            let features = place.with_centre(centres[week]);
            let row = &self.coefficients[target.index()][week];
            let wide: f64 = row.iter().zip(features).map(|(c, feature)| c * feature).sum();
            self.trust * wide.clamp(-MOST, MOST)
        })
    }
}

/// The factor some days ahead, between those of the weeks.
pub(crate) fn factor_at(factors: &[f64; WEEKS], ahead: usize) -> f64 {
    let weeks = (ahead as f64 / 7.0).clamp(1.0, WEEKS as f64);
    let before = (weeks.floor() as usize).min(WEEKS - 1);
    let share = weeks - before as f64;
    (1.0 - share) * factors[before - 1] + share * factors[before]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    trust: f64,
    coefficients: [Vec<Vec<f64>>; 2],
}

impl TryFrom<Unchecked> for Spread {
    type Error = TrainingError;

    fn try_from(Unchecked { trust, coefficients }: Unchecked) -> Result<Self, TrainingError> {
        let shape = |of: &Vec<Vec<f64>>| of.len() == WEEKS && of.iter().all(|row| row.len() == FEATURES);
        let right = coefficients.iter().all(shape);
        check("coefficients of the spread", "9 for each of 4 weeks ahead", coefficients[0].len(), right)?;
        check("trust in the spread", "from 0 to 1", trust, (0.0..=1.0).contains(&trust))?;
        Ok(Self { trust, coefficients })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_lie_between_the_weeks() {
        let factors = [1.0, 2.0, 4.0, 8.0];
        for (ahead, want) in [(1, 1.0), (7, 1.0), (14, 2.0), (21, 4.0), (28, 8.0), (60, 8.0)] {
            assert_eq!(factor_at(&factors, ahead), want, "{ahead} days ahead");
        }
        assert!((factor_at(&factors, 10) - (1.0 + 3.0 / 7.0)).abs() < 1e-12);
    }

    #[test]
    fn a_place_is_as_large_as_its_last_weeks_or_its_forecast() {
        let place = Unsteadiness { mean_week: 6.0, ..Unsteadiness::UNKNOWN };
        assert_eq!([0.0, 5.0].map(|mu| place.size(mu, 1.0)), [7f64.ln(), 5.0]);
        assert_eq!(place.size(f64::NAN, 4.0), 25f64.ln(), "an exploded forecast has no size");
    }

    #[test]
    fn without_errors_every_place_is_as_wide_as_its_size_says() {
        let none = || (0..WEEKS).map(|_| SpreadSums::new()).collect::<Vec<_>>();
        let spread = Spread::learn(&[none(), none()], 0).unwrap();
        assert_eq!(spread.factors(&Unsteadiness::UNKNOWN, Target::Fatalities, &[3.0; WEEKS]), [0.0; WEEKS]);
    }
}
