//! Forecasts of a sum over places: a country, the world.
//!
//! Quantiles do not add up: places err together, but not as one. The forecast new counts add up, and with them the errors
//! z = (ln(1 + y) - ln(1 + forecast)) / sqrt(0.09 weeks + 1 / (1 + forecast)) of the sum have a deviation. What the intervals of
//! the parts say of it is the prior: with widths w (of the 80 % intervals, as deviations) the variance of the sum is
//! (1 - r) sum of w^2 + r (sum of w)^2, where r = 0.05 is how much two places have in common. What the past says: on every
//! seventh day of the last half year the model is made as of that day, and its errors of this sum, within 3 prior deviations,
//! are weighted with a half-life of 13 weeks. Errors h weeks ahead overlap, so each counts as 1/h. They are drawn to the prior,
//! and their mean to 0, as by eight errors. That leaves a deviation known from a dozen errors at best, so the quantiles are
//! those of Student's t with 5 degrees of freedom.

use covid_core::{LEVELS, MAX_COUNT, PanelView, Predicted, Target};
use rayon::prelude::*;

use crate::{
    FittedForecaster, Model, Replay, Spec, TrainingError,
    calibration::{scale, within_interval},
    paths::Centres,
    replay::MIN_DAYS,
};

const PAST_WEEKS: usize = 26;
const HALF_LIFE_WEEKS: f64 = 13.0;

/// Errors that the prior is worth; how much of their variance two places have in common; bounds of the prior deviation.
const PRIOR: f64 = 8.0;
const IN_COMMON: f64 = 0.05;
const DEVIATIONS: [f64; 2] = [0.1, 3.0];

/// The largest error that is learned, in prior deviations.
const MOST: f64 = 3.0;

/// Quantiles of Student's t with 5 degrees of freedom at the seven levels.
const STUDENT: [f64; 7] = [
    -2.5705818366147395,
    -1.4758840488244815,
    -0.7266868438004229,
    0.0,
    0.7266868438004229,
    1.4758840488244815,
    2.5705818366147395,
];

/// From the 10 % to the 90 % quantile of a normal distribution, in deviations.
const NORMAL_WIDTH: f64 = 2.5631031310892007;

impl Model {
    /// Forecasts of the sum over some places, by position, by target and day ahead, on the as-of date of a replay. The points
    /// add up, and are drawn into the 95 % interval; the quantiles come from past errors of the sum, never fall over levels or days, and begin at the last sum.
    ///
    /// # Errors
    /// If the horizon is out of range, a fit of a past day fails, or a forecast exploded.
    pub fn forecast_sum(
        &self,
        replay: &Replay<'_>,
        places: &[usize],
        horizon: usize,
    ) -> Result<[Vec<Predicted>; 2], TrainingError> {
        let today = replay.published().days() - 1;
        let prepared = replay.prepared(today)?;
        let view = prepared.view();
        let parts = self.forecast_places(&view, places, horizon)?;
        let centres = self.fitted_for(view.as_of()).centres(&view, places, horizon);
        let past = past_sums(replay, self.spec(), places, horizon)?;
        Ok(Target::ALL.map(|target| {
            let last: f64 = places.iter().map(|&place| view.last_count(place, target)).sum();
            let mut floor = [last; 7];
            let day = |ahead: usize| {
                let parts: Vec<Predicted> = (0..places.len()).map(|i| parts.get(i, target, ahead)).collect();
                let mu = added_up(&centres, places.len(), target, ahead).ln_1p();
                let scale = scale(ahead as f64 / 7.0, mu);
                // A deviation of counts is one of their logarithm times the count.
                let prior = deviation(&parts) / (mu.exp() * scale);
                let (mean, deviation) = errors(&past, target, ahead, prior.clamp(DEVIATIONS[0], DEVIATIONS[1]));
                for (student, floor) in STUDENT.into_iter().zip(&mut floor) {
                    let new = (mu + scale * (mean + deviation * student)).exp_m1().max(0.0);
                    *floor = floor.max((last + new).min(MAX_COUNT.max(last)));
                }
                let point = parts.iter().map(|part| part.point).sum();
                let sum = Predicted { point, quantiles: floor };
                // As for each of the places: the ensemble's points and intervals come from models of their own.
                if matches!(self.spec(), Spec::Ensemble(_)) { within_interval(sum) } else { sum }
            };
            (1..=horizon).map(day).collect()
        }))
    }
}

/// The forecast new counts of all places.
fn added_up(centres: &Centres, places: usize, target: Target, ahead: usize) -> f64 {
    (0..places).map(|i| centres.new.path(i, target)[ahead - 1].exp_m1()).sum()
}

/// Standardised errors of one past day, by target and day ahead, as far as they are known; and the day's weight.
struct PastSum {
    weight: f64,
    errors: [Vec<f64>; 2],
}

fn past_sums(
    replay: &Replay<'_>,
    spec: &Spec,
    places: &[usize],
    horizon: usize,
) -> Result<Vec<PastSum>, TrainingError> {
    let today = replay.published().days() - 1;
    let weeks: Vec<usize> = (1..=PAST_WEEKS).take_while(|weeks| 7 * weeks + MIN_DAYS <= today + 1).collect();
    let learn = |&weeks: &usize| {
        let day = today - 7 * weeks;
        let prepared = replay.prepared(day)?;
        let view = prepared.view();
        let centres = replay.fit(spec, &view)?.centres(&view, places, horizon);
        let published = replay.published();
        let errors = Target::ALL.map(|target| {
            let error = |ahead: usize| {
                let mu = added_up(&centres, places.len(), target, ahead).ln_1p();
                let seen = new_counts(&published, places, target, day, day + ahead);
                (seen.ln_1p() - mu) / scale(ahead as f64 / 7.0, mu)
            };
            (1..=horizon.min(today - day)).map(error).collect()
        });
        Ok(PastSum { weight: 0.5f64.powf(weeks as f64 / HALF_LIFE_WEEKS), errors })
    };
    weeks.par_iter().map(learn).collect()
}

/// New counts of all places between two days, at least 0.
fn new_counts(published: &PanelView<'_>, places: &[usize], target: Target, from: usize, to: usize) -> f64 {
    let sum = |day| places.iter().map(|&place| published.count_at(place, target, day)).sum::<f64>();
    (sum(to) - sum(from)).max(0.0)
}

/// The deviation of a sum of counts by the intervals of its parts.
fn deviation(parts: &[Predicted]) -> f64 {
    let widths = || parts.iter().map(|part| (part.quantiles[5] - part.quantiles[1]) / NORMAL_WIDTH);
    let apart: f64 = widths().map(|width| width * width).sum();
    let as_one = widths().sum::<f64>().powi(2);
    ((1.0 - IN_COMMON) * apart + IN_COMMON * as_one).sqrt()
}

/// Mean and deviation of past errors, drawn to a mean of 0 and a `prior` deviation.
fn errors(past: &[PastSum], target: Target, ahead: usize, prior: f64) -> (f64, f64) {
    let overlap = (ahead as f64 / 7.0).max(1.0);
    let known = || {
        let error = |day: &PastSum| Some((day.weight / overlap, *day.errors[target.index()].get(ahead - 1)?));
        let finite = past.iter().filter_map(error).filter(|(_, error)| error.is_finite());
        finite.map(|(weight, error)| (weight, error.clamp(-MOST * prior, MOST * prior)))
    };
    let weights = PRIOR + known().map(|(weight, _)| weight).sum::<f64>();
    let mean = known().map(|(weight, error)| weight * error).sum::<f64>() / weights;
    let squares: f64 = known().map(|(weight, error)| weight * (error - mean).powi(2)).sum();
    (mean, ((squares + PRIOR * (prior * prior + mean * mean)) / weights).sqrt())
}

/// The levels are those of Student's quantiles.
const _: () = assert!(LEVELS.len() == STUDENT.len());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_err_together_but_not_as_one() {
        let part = Predicted {
            point: 10.0,
            quantiles: [5.0, 10.0 - NORMAL_WIDTH, 9.0, 10.0, 11.0, 10.0 + NORMAL_WIDTH, 15.0],
        };
        assert!((deviation(&[part]) - 2.0).abs() < 1e-12, "a sum of one place is that place");
        let hundred = deviation(&[part; 100]);
        assert!(
            hundred > 20.0 && hundred < 200.0 && (hundred - 2.0 * (95.0f64 + 500.0).sqrt()).abs() < 1e-9,
            "{hundred}"
        );
    }

    #[test]
    fn errors_are_drawn_to_the_prior() {
        assert_eq!(errors(&[], Target::Fatalities, 1, 0.5), (0.0, 0.5));
        let day = |error: f64| PastSum { weight: 1.0, errors: [vec![error; 28], Vec::new()] };
        let past: Vec<PastSum> = (0..400).map(|i| day(if i % 2 == 0 { 1.0 } else { 3.0 })).collect();
        let (mean, deviation) = errors(&past, Target::ConfirmedCases, 1, 1.0);
        assert!((mean - 2.0).abs() < 0.05 && (deviation - 1.0).abs() < 0.05, "{mean} {deviation}");
        let (overlapping, _) = errors(&past, Target::ConfirmedCases, 28, 1.0);
        assert!(overlapping < mean, "four weeks ahead, errors of four weeks tell one thing");
        let (clipped, _) = errors(&past, Target::ConfirmedCases, 1, 0.5);
        assert!(clipped < 1.5, "no error beyond three prior deviations: {clipped}");
        assert_eq!(errors(&past, Target::Fatalities, 1, 0.5), (0.0, 0.5), "nothing is known of deaths");
    }
}
