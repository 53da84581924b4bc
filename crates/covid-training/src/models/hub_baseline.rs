//! The baseline of the forecast hubs (Cramer et al. 2022, doi 10.1073/pnas.2113561119; Ray et al. 2020, doi
//! 10.1101/2020.08.19.20177493): weekly new counts stay as they were in the last week, and spread as they differed from week
//! to week before.
//!
//! y = new counts of the weeks that end at the as-of date, at least 0, from two weeks before the first nonzero count on (at
//! least the last three); d = differences of neighbours in y, and their negatives. Week 1: y(last) + d. Each further week adds
//! an independent d. The median is y(last), and nothing is below 0.
//!
//! The hubs draw d at random. Here its quantile function is read at the points of a rank-1 lattice in four dimensions, the
//! weeks (Korobov's rule), which fills the space more evenly than chance does and gives the same answer every time.

use std::fmt;

use covid_core::{LEVELS, PanelView, Target, metrics::quantile_of_sorted};
use serde::{Deserialize, Serialize};

use super::{FittedForecaster, Forecaster, recent::Recent};
use crate::{LogPaths, TrainingError};

/// The last week's new counts, for every week ahead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HubBaseline;

/// Weeks ahead.
const WEEKS: usize = 4;

/// Points of the lattice, a prime, and its generator; which one matters little (a test holds the score to that of random
/// draws).
const POINTS: usize = 1021;
const GENERATOR: usize = 331;

impl HubBaseline {
    /// The seven quantiles of new counts 1 to 4 weeks ahead of one series, given its counts up to the as-of date (NaN where
    /// missing).
    pub(crate) fn quantiles(counts: &[f64]) -> [[f64; 7]; WEEKS] {
        let weeks = weekly_new(counts);
        let last = weeks.last().copied().unwrap_or(0.0);
        let mut steps: Vec<f64> = weeks.windows(2).flat_map(|pair| [pair[1] - pair[0], pair[0] - pair[1]]).collect();
        steps.sort_unstable_by(f64::total_cmp);
        let levels = (0..POINTS).map(|i| i as f64 / (POINTS - 1) as f64);
        let steps: Vec<f64> = levels.map(|level| quantile_of_sorted(&steps, level).unwrap_or(0.0)).collect();
        let (mut sums, mut sorted, mut stride) = (vec![0.0; POINTS], Vec::with_capacity(POINTS), 1);
        std::array::from_fn(|week| {
            // An offset a week, so that no point has every week's most extreme step.
            let offset = week * POINTS / WEEKS;
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum += steps[(i * stride + offset) % POINTS];
            }
            stride = stride * GENERATOR % POINTS;
            sorted.clear();
            sorted.extend_from_slice(&sums);
            sorted.sort_unstable_by(f64::total_cmp);
            let median = quantile_of_sorted(&sorted, 0.5).unwrap_or(0.0);
            LEVELS.map(|level| (last + quantile_of_sorted(&sorted, level).unwrap_or(0.0) - median).max(0.0))
        })
    }
}

/// New counts of the whole weeks that end at the last day, the oldest first.
fn weekly_new(counts: &[f64]) -> Vec<f64> {
    let mut last = 0.0;
    let filled: Vec<f64> = counts
        .iter()
        .map(|&count| {
            if !count.is_nan() {
                last = count;
            }
            last
        })
        .collect();
    let today = filled.len().saturating_sub(1);
    let first = filled.iter().position(|&count| count > 0.0).unwrap_or(today);
    let from = first.min(today).saturating_sub(14).min(today.saturating_sub(14)).max(7);
    let ends = (0..).map_while(|week| today.checked_sub(7 * week)).take_while(|&end| end >= from);
    let mut weeks: Vec<f64> = ends.map(|end| (filled[end] - filled[end - 7]).max(0.0)).collect();
    weeks.reverse();
    weeks
}

impl Forecaster for HubBaseline {
    type Fitted = Self;

    fn fit(&self, _view: &PanelView<'_>) -> Result<Self, TrainingError> {
        Ok(*self)
    }
}

impl FittedForecaster for HubBaseline {
    /// The last week's new counts, spread evenly over the days to come.
    fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths {
        LogPaths::from_fn(places.len(), horizon, |i, cases, deaths| {
            let recent = Recent::with_pauses(view, places[i], view.days() - 1);
            for (target, path) in Target::ALL.into_iter().zip([cases, deaths]) {
                let (last, week) = (recent.count(target, 0), recent.new_counts(target, 0, 7));
                path.iter_mut().enumerate().for_each(|(i, x)| *x = (last + week * (i + 1) as f64 / 7.0).ln_1p());
            }
        })
    }
}

impl HubBaseline {
    pub(super) fn params(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

impl fmt::Display for HubBaseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hub-baseline")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_end_at_the_last_day_and_begin_before_the_first_count() {
        let mut counts = vec![0.0; 40];
        counts.extend((1..=10).map(f64::from));
        // Days 49, 42, 35, 28; the first count is on day 40, two weeks before it is day 26.
        assert_eq!(weekly_new(&counts), [0.0, 0.0, 3.0, 7.0]);
        assert_eq!(weekly_new(&[0.0; 30]), [0.0; 3], "at least the last three weeks");
        assert_eq!(weekly_new(&[1.0; 5]), Vec::<f64>::new());
    }

    #[test]
    fn the_first_week_is_the_last_one_and_its_differences() {
        // Weekly new counts 0, 0, 10, 30, 20, 40: differences 0, 10, 20, -10, 20 and their negatives.
        let weeks = [0.0, 0.0, 10.0, 30.0, 20.0, 40.0];
        let mut counts = vec![0.0; 8];
        weeks.iter().for_each(|new| (0..7).for_each(|_| counts.push(counts[counts.len() - 1] + new / 7.0)));
        let quantiles = HubBaseline::quantiles(&counts);
        assert!((quantiles[0][3] - 40.0).abs() < 1e-9);
        assert!((quantiles[0][0] - 20.0).abs() < 0.5 && (quantiles[0][6] - 60.0).abs() < 0.5, "{:?}", quantiles[0]);
        for week in 1..WEEKS {
            assert!((quantiles[week][3] - 40.0).abs() < 1e-9, "the median stays");
            assert!(quantiles[week][6] - quantiles[week][0] > quantiles[week - 1][6] - quantiles[week - 1][0]);
        }
    }

    #[test]
    fn a_short_or_empty_series_has_no_spread() {
        for counts in [vec![], vec![5.0], vec![0.0; 60]] {
            assert_eq!(HubBaseline::quantiles(&counts), [[0.0; 7]; WEEKS]);
        }
    }
}
