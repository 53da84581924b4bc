//! Forecasts of a sum over places: a country, the world.
//!
//! Quantiles do not add up: places err together, but not as one. So a sum has errors of its own: on every seventh day of the
//! last half year the model is made as of that day, its new counts are added up over the places, and what came of the sum
//! gives z = (ln(1 + y) - ln(1 + forecast)) / sqrt(0.09 weeks + 1 / (1 + forecast)). The quantiles are those of a normal z with
//! the mean and deviation of these, which are weighted with a half-life of 13 weeks and drawn to 0 and 0.5 by a prior worth
//! four weeks. There are far too few of them for empirical tails.

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
const PRIOR_WEEKS: f64 = 4.0;
const PRIOR_DEVIATION: f64 = 0.5;

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
            (1..=horizon)
                .map(|ahead| {
                    let mu = added_up(&centres, places.len(), target, ahead).ln_1p();
                    let (mean, deviation) = errors(&past, target, ahead);
                    let scale = scale(ahead as f64 / 7.0, mu);
                    for (normal, floor) in NORMAL.into_iter().zip(&mut floor) {
                        let new = (mu + scale * (mean + deviation * normal)).exp_m1().max(0.0);
                        *floor = floor.max((last + new).min(MAX_COUNT.max(last)));
                    }
                    let point = (0..places.len()).map(|i| parts.get(i, target, ahead).point);
                    within_interval(Predicted { point: point.sum(), quantiles: floor })
                })
                .collect()
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

/// Mean and deviation of past errors, with the prior.
fn errors(past: &[PastSum], target: Target, ahead: usize) -> (f64, f64) {
    let known = || {
        let error = |day: &PastSum| Some((day.weight, *day.errors[target.index()].get(ahead - 1)?));
        past.iter().filter_map(error).filter(|(_, error)| error.is_finite())
    };
    let weights = PRIOR_WEEKS + known().map(|(weight, _)| weight).sum::<f64>();
    let mean = known().map(|(weight, error)| weight * error).sum::<f64>() / weights;
    let squares: f64 = known().map(|(weight, error)| weight * (error - mean).powi(2)).sum();
    (mean, ((squares + PRIOR_WEEKS * PRIOR_DEVIATION.powi(2)) / weights).sqrt())
}

/// The levels are those of the normal quantiles.
const _: () = assert!(LEVELS.len() == NORMAL.len());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_drawn_to_the_prior() {
        assert_eq!(errors(&[], Target::Fatalities, 1), (0.0, PRIOR_DEVIATION));
        let day = |error: f64| PastSum { weight: 1.0, errors: [vec![error], Vec::new()] };
        let past: Vec<PastSum> = (0..400).map(|i| day(if i % 2 == 0 { 1.0 } else { 3.0 })).collect();
        let (mean, deviation) = errors(&past, Target::ConfirmedCases, 1);
        assert!((mean - 2.0).abs() < 0.03 && (deviation - 1.0).abs() < 0.03, "{mean} {deviation}");
        assert_eq!(errors(&past, Target::Fatalities, 1), (0.0, PRIOR_DEVIATION), "nothing is known of deaths");
    }
}
