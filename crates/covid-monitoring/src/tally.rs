//! Sums of scores by date, days ahead and target. They can be added, and taken away again where a score is replaced.

use std::collections::BTreeMap;

use covid_core::{Date, Predicted, Target, log_count, metrics};
use serde::{Deserialize, Serialize};

use crate::{ScoreRow, score::Judged};

/// What some scores have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Group {
    /// The date that came.
    pub date: Date,
    /// Days ahead.
    pub horizon: usize,
    /// What was forecast.
    pub target: Target,
    /// Whether the challenger forecast it.
    pub shadow: bool,
}

/// Sums over scores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Scores; below 0 where more were taken away.
    pub rows: i64,
    /// Squared errors of the points on ln(1 + count).
    pub squared_error: f64,
    /// The same of no change.
    pub squared_persistence_error: f64,
    /// ln(1 + forecast) - ln(1 + published).
    pub error: f64,
    /// Weighted interval scores, in counts.
    pub wis: f64,
    /// The same on ln(1 + count).
    pub wis_log: f64,
    /// Published counts that lie above 0, 1, ... 7 of the quantiles.
    pub by_quantiles_below: [i64; 8],
    /// Published counts in the central 50, 80 and 95 % interval.
    pub covered: [i64; 3],
}

impl Sums {
    /// Adds a score, or takes it away (`sign` -1).
    pub fn add(&mut self, row: &ScoreRow, sign: i64) {
        self.gather(&row.judged(), row.log_error(), row.squared_persistence_error(), sign);
    }

    /// Adds a forecast, what was published, and what no change would have said.
    pub fn add_forecast(&mut self, predicted: &Predicted, actual: f64, persistence: f64) {
        let error = |count: f64| log_count(count) - log_count(actual);
        self.gather(&Judged::of(predicted, actual), error(predicted.point), error(persistence).powi(2), 1);
    }

    fn gather(&mut self, judged: &Judged, error: f64, squared_persistence_error: f64, sign: i64) {
        let weight = sign as f64;
        self.rows += sign;
        self.squared_error += weight * error.powi(2);
        self.squared_persistence_error += weight * squared_persistence_error;
        self.error += weight * error;
        self.wis += weight * judged.wis;
        self.wis_log += weight * judged.wis_log;
        self.by_quantiles_below[judged.quantiles_below.min(7)] += sign;
        for (sum, covered) in self.covered.iter_mut().zip(judged.covered) {
            *sum += sign * i64::from(covered);
        }
    }

    /// Adds all that another gathered.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.squared_error += other.squared_error;
        self.squared_persistence_error += other.squared_persistence_error;
        self.error += other.error;
        self.wis += other.wis;
        self.wis_log += other.wis_log;
        self.by_quantiles_below.iter_mut().zip(other.by_quantiles_below).for_each(|(sum, more)| *sum += more);
        self.covered.iter_mut().zip(other.covered).for_each(|(sum, more)| *sum += more);
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        (self.rows > 0).then(|| sum / self.rows as f64)
    }

    /// Root mean squared logarithmic error; none without a score.
    pub fn rmsle(&self) -> Option<f64> {
        self.mean(self.squared_error.max(0.0)).map(f64::sqrt)
    }

    /// The same of no change.
    pub fn persistence_rmsle(&self) -> Option<f64> {
        self.mean(self.squared_persistence_error.max(0.0)).map(f64::sqrt)
    }

    /// Mean of ln(1 + forecast) - ln(1 + published): above 0, too many were forecast.
    pub fn bias(&self) -> Option<f64> {
        self.mean(self.error)
    }

    /// Mean weighted interval score, in counts.
    pub fn wis(&self) -> Option<f64> {
        self.mean(self.wis)
    }

    /// The same on ln(1 + count).
    pub fn wis_log(&self) -> Option<f64> {
        self.mean(self.wis_log)
    }

    /// Share of published counts in the central 50, 80 and 95 % interval.
    pub fn coverage(&self) -> Option<[f64; 3]> {
        (self.rows > 0).then(|| self.covered.map(|covered| covered as f64 / self.rows as f64))
    }

    /// Of each level, the share of published counts that are at most the quantile.
    pub fn at_most(&self) -> Option<[f64; 7]> {
        let mut sum = 0;
        let shares = std::array::from_fn(|level: usize| {
            sum += self.by_quantiles_below[level];
            sum as f64 / self.rows as f64
        });
        (self.rows > 0).then_some(shares)
    }
}

/// Sums by group, as a monitoring run's manifest keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Of which scores.
    #[serde(flatten)]
    pub group: Group,
    /// Their sums.
    #[serde(flatten)]
    pub sums: Sums,
}

impl Tally {
    /// The sums of scores that are new, less those that they replace.
    pub fn of<'a>(
        new: impl IntoIterator<Item = &'a ScoreRow>,
        old: impl IntoIterator<Item = &'a ScoreRow>,
    ) -> Vec<Self> {
        let mut groups: BTreeMap<Group, Sums> = BTreeMap::new();
        let signed = new.into_iter().map(|row| (row, 1)).chain(old.into_iter().map(|row| (row, -1)));
        for (row, sign) in signed {
            let group = Group { date: row.date, horizon: row.horizon, target: row.target, shadow: row.shadow };
            groups.entry(group).or_default().add(row, sign);
        }
        groups.into_iter().map(|(group, sums)| Self { group, sums }).collect()
    }
}

/// The scores of the dates of a window, by target and days ahead.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Window {
    by_horizon: BTreeMap<(usize, usize), Sums>,
}

impl Window {
    /// The sums of the champion's scores, or the challenger's.
    pub fn of<'a>(tallies: impl IntoIterator<Item = &'a Tally>, shadow: bool) -> Self {
        let mut window = Self::default();
        for tally in tallies.into_iter().filter(|tally| tally.group.shadow == shadow) {
            let key = (tally.group.target.index(), tally.group.horizon);
            window.by_horizon.entry(key).or_default().merge(&tally.sums);
        }
        window
    }

    /// Scores in it.
    pub fn rows(&self) -> i64 {
        self.by_horizon.values().map(|sums| sums.rows).sum()
    }

    /// The sums of one target, up to some days ahead.
    pub fn target(&self, target: Target, most_ahead: usize) -> Sums {
        let mut total = Sums::default();
        let of_target = self.by_horizon.range((target.index(), 0)..=(target.index(), most_ahead));
        of_target.for_each(|(_, sums)| total.merge(sums));
        total
    }

    /// The sums of both targets, up to some days ahead.
    pub fn total(&self, most_ahead: usize) -> Sums {
        let mut total = Sums::default();
        let of = self.by_horizon.iter().filter(|((_, ahead), _)| *ahead <= most_ahead);
        of.for_each(|(_, sums)| total.merge(sums));
        total
    }

    /// The sums of one day ahead, by target.
    pub fn horizon(&self, ahead: usize) -> [Sums; 2] {
        Target::ALL.map(|target| self.by_horizon.get(&(target.index(), ahead)).copied().unwrap_or_default())
    }

    /// The days ahead that have scores.
    pub fn horizons(&self) -> Vec<usize> {
        let mut ahead: Vec<usize> = self.by_horizon.keys().map(|(_, ahead)| *ahead).collect();
        ahead.sort_unstable();
        ahead.dedup();
        ahead
    }

    /// The headline up to some days ahead: the mean of the targets' RMSLE.
    pub fn headline(&self, most_ahead: usize) -> Option<f64> {
        metrics::mean_of_scored(Target::ALL.map(|target| self.target(target, most_ahead).rmsle()))
    }

    /// The same of no change.
    pub fn persistence_headline(&self, most_ahead: usize) -> Option<f64> {
        metrics::mean_of_scored(Target::ALL.map(|target| self.target(target, most_ahead).persistence_rmsle()))
    }

    /// The share by which the headline is better than that of no change; none where nothing changed.
    pub fn skill(&self, most_ahead: usize) -> Option<f64> {
        skill(self.headline(most_ahead)?, self.persistence_headline(most_ahead)?)
    }
}

/// The share by which a loss is smaller than another; none where that is 0.
pub fn skill(loss: f64, reference: f64) -> Option<f64> {
    (reference > 0.0).then(|| 1.0 - loss / reference)
}
