//! New counts with a damped weekly trend, cumulated onto the last published count: the ratio of one week's new counts to
//! those of the week before goes on, less every day. Whole weeks, because reporting follows the weekday.
//!
//! With I7, I14 = mean new counts a day over 7 and 14 days, and n1, n2, n3 = new counts of the last three weeks:
//! level = w I7 + (1 - w) I14; r = 0.7 ln((n1 + 2) / (n2 + 2)) + 0.3 ln((n2 + 2) / (n3 + 2)), within 1.5 of 0. The ratio of
//! few counts is drawn to that of the world, the mean of r over places weighted by u = min(n1 + n2, 200) / 200 and a prior of
//! 0 worth five places: r = (n r + K world) / (n + K), n = n1 + n2. The new count of day j is
//! level * exp(carried r / 7 * (1 + phi + ... + phi^(j-1))).
//!
//! A week without any report after a week with reports is a pause (weekly reporters, holidays), not the end of the
//! epidemic: then level = I14, and r is 0 before it is drawn to the world's. Where counts are so many that every silence is a
//! pause ([`super::pause`]), weeks end with the last report, and the trend is damped for the k days since, too: the sum begins
//! with phi^k. The damped trend is that of Gardner & McKenzie (1985, doi 10.1287/mnsc.31.10.1237)
//! put on the logarithm of weekly new counts; phi and the weights are priors.

use std::fmt;

use covid_core::{PanelView, Target};
use serde::{Deserialize, Serialize};

use super::{FittedForecaster, Forecaster, recent::Recent};
use crate::{LogPaths, TrainingError, error::check};

/// The weekly trend of new counts, damped by a factor a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct WeeklyTrend {
    phi: f64,
    newest: f64,
    carried: f64,
    world: f64,
}

/// Added to every week's new counts, so that the ratio of small ones is near 1.
const PSEUDO_COUNT: f64 = 2.0;

/// The largest |r| that is believed: new counts that rise 4.5-fold in a week.
const MOST_TREND: f64 = 1.5;

/// Weight of the newest ratio of two weeks.
const NEWEST: f64 = 0.7;

/// New counts of two weeks from which on a place weighs fully in the world's ratio, and the places that the prior is worth.
const FULL_WEIGHT: f64 = 200.0;
const PRIOR_PLACES: f64 = 5.0;

impl WeeklyTrend {
    /// The priors stated above.
    pub const DEFAULT: Self = Self { phi: 0.85, newest: 0.8, carried: 0.6, world: 5.0 };

    /// Damped by `phi` a day; `newest` is the weight of the last week in the level; the share `carried` of the ratio goes on;
    /// the world's ratio weighs as much as `world` new counts (0 to 1e6). The others are from 0 to 1.
    ///
    /// # Errors
    /// If one is outside its range.
    pub fn new(phi: f64, newest: f64, carried: f64, world: f64) -> Result<Self, TrainingError> {
        let share = |name, value: f64| check(name, "from 0 to 1", value, (0.0..=1.0).contains(&value));
        Ok(Self {
            phi: share("weekly-trend phi", phi)?,
            newest: share("weekly-trend weight of the newest week", newest)?,
            carried: share("weekly-trend share carried on", carried)?,
            world: check("weekly-trend weight of the world", "from 0 to 1e6", world, (0.0..=1e6).contains(&world))?,
        })
    }

    /// Its hyper-parameters in the order of its name.
    pub(super) fn numbers(&self) -> [f64; 4] {
        [self.phi, self.newest, self.carried, self.world]
    }

    pub(super) fn params(&self) -> Vec<(&'static str, String)> {
        vec![
            ("phi", self.phi.to_string()),
            ("newest", self.newest.to_string()),
            ("carried", self.carried.to_string()),
            ("world", self.world.to_string()),
        ]
    }

    /// The world's ratio, by target.
    pub(super) fn pooled(&self, places: &[Recent<'_>]) -> [f64; 2] {
        Target::ALL.map(|target| {
            let (mut sum, mut weights) = (0.0, PRIOR_PLACES);
            for recent in places {
                let weight =
                    (recent.new_counts(target, 0, 7) + recent.new_counts(target, 7, 14)).min(FULL_WEIGHT) / FULL_WEIGHT;
                sum += weight * ratio(recent.weeks(target));
                weights += weight;
            }
            sum / weights
        })
    }

    pub(super) fn path(&self, recent: &Recent<'_>, pooled: [f64; 2], target: Target, path: &mut [f64]) {
        let level = self.level(recent, target);
        let weeks = recent.weeks(target);
        let seen = weeks[0] + weeks[1];
        let own = ratio(weeks);
        let drawn =
            if seen > 0.0 { (seen * own + self.world * pooled[target.index()]) / (seen + self.world) } else { own };
        let trend = self.carried * drawn / 7.0;
        // In a pause the trend is as old as the last report.
        let mut damped = self.phi.powi(recent.pause(target) as i32);
        let (mut count, mut reach) = (recent.count(target, 0), 0.0);
        for x in path {
            reach += damped;
            damped *= self.phi;
            count += level * (trend * reach).exp();
            *x = count.ln_1p();
        }
    }

    /// New counts a day.
    fn level(&self, recent: &Recent<'_>, target: Target) -> f64 {
        let (week, fortnight) = (recent.new_counts(target, 0, 7) / 7.0, recent.new_counts(target, 0, 14) / 14.0);
        if week > 0.0 { self.newest * week + (1.0 - self.newest) * fortnight } else { fortnight }
    }
}

/// The logarithm of a week's new counts over those of the week before, as far as it is believed; 0 in a pause of reporting.
fn ratio([newest, before, oldest]: [f64; 3]) -> f64 {
    if newest == 0.0 && before > 0.0 {
        return 0.0;
    }
    let of = |later: f64, earlier: f64| ((later + PSEUDO_COUNT) / (earlier + PSEUDO_COUNT)).ln();
    (NEWEST * of(newest, before) + (1.0 - NEWEST) * of(before, oldest)).clamp(-MOST_TREND, MOST_TREND)
}

impl Forecaster for WeeklyTrend {
    type Fitted = Self;

    fn fit(&self, _view: &PanelView<'_>) -> Result<Self, TrainingError> {
        Ok(*self)
    }
}

impl FittedForecaster for WeeklyTrend {
    fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths {
        let recents = Recent::latest(view);
        let pooled = self.pooled(&recents);
        LogPaths::from_fn(places.len(), horizon, |i, cases, deaths| {
            self.path(&recents[places[i]], pooled, Target::ConfirmedCases, cases);
            self.path(&recents[places[i]], pooled, Target::Fatalities, deaths);
        })
    }
}

impl fmt::Display for WeeklyTrend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::names::write(f, "weekly-trend", self.numbers(), Self::DEFAULT.numbers())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    phi: f64,
    newest: f64,
    carried: f64,
    world: f64,
}

impl TryFrom<Unchecked> for WeeklyTrend {
    type Error = TrainingError;

    fn try_from(raw: Unchecked) -> Result<Self, TrainingError> {
        Self::new(raw.phi, raw.newest, raw.carried, raw.world)
    }
}

#[cfg(test)]
mod tests {
    use covid_core::{Date, Location, Panel};

    use super::*;

    fn forecast(new_a_day: &[f64], horizon: usize) -> Vec<f64> {
        let mut count = 0.0;
        let mut counts: Vec<f64> = new_a_day
            .iter()
            .map(|new| {
                count += new;
                count
            })
            .collect();
        counts.extend(vec![0.0; new_a_day.len()]);
        let days = new_a_day.len();
        let panel = Panel::new(vec![Location::country("Dataland")], Date::constant(2020, 1, 1), days, counts).unwrap();
        WeeklyTrend::new(0.85, 0.7, 0.5, 0.0)
            .unwrap()
            .predict(&panel.view(), horizon)
            .path(0, Target::ConfirmedCases)
            .to_vec()
    }

    #[test]
    fn a_steady_count_goes_on() {
        let path = forecast(&[3.0; 28], 4);
        for (day, x) in path.iter().enumerate() {
            assert!((x.exp_m1() - (84.0 + 3.0 * (day + 1) as f64)).abs() < 1e-9);
        }
    }

    #[test]
    fn the_formula_by_hand() {
        // Weeks of 7, 14 and 28 new counts, after a day without any.
        let days = [&[0.0][..], &[1.0; 7], &[2.0; 7], &[4.0; 7]].concat();
        let r = (0.7 * (30f64 / 16.0).ln() + 0.3 * (16f64 / 9.0).ln()) / 2.0;
        let level = 0.7 * 4.0 + 0.3 * 3.0;
        let first = 49.0 + level * (r / 7.0).exp();
        let second = first + level * (r / 7.0 * 1.85).exp();
        for (x, want) in forecast(&days, 2).iter().zip([first, second]) {
            assert!((x.exp_m1() - want).abs() < 1e-9);
        }
    }

    #[test]
    fn a_silent_week_is_no_end() {
        let days = [[2.0; 7], [2.0; 7], [0.0; 7]].concat();
        assert!((forecast(&days, 7)[6].exp_m1() - 35.0).abs() < 1e-9, "a new count a day, as over the last 14 days");
    }
}
