//! New counts of the last weeks of one series, as the weekly model and the intervals read them.

use covid_core::Target;

use super::recent::Recent;

/// New counts of the last nine weeks, the newest first, and their level.
pub(crate) struct Weeks {
    pub(crate) new: [f64; 9],
    /// Mostly the last week, and the week before; both weeks alike where the last is silent.
    pub(crate) level: f64,
    /// ln(1 + level).
    pub(crate) log: f64,
}

impl Weeks {
    pub(crate) fn of(recent: &Recent<'_>, target: Target) -> Self {
        let new: [f64; 9] = std::array::from_fn(|week| week_before(recent, target, week));
        let mean = (new[0] + new[1]) / 2.0;
        let level = if new[0] > 0.0 { 0.7 * new[0] + 0.3 * mean } else { mean };
        Self { new, level, log: level.ln_1p() }
    }

    pub(crate) fn both(recent: &Recent<'_>) -> [Self; 2] {
        Target::ALL.map(|target| Self::of(recent, target))
    }

    /// The change from the week before a week to it (0 is the last week).
    pub(crate) fn ratio(&self, week: usize) -> f64 {
        ratio(self.new[week], self.new[week + 1])
    }

    /// ln((x + 1) / (level + 1)), within 3 of 0.
    pub(crate) fn above(&self, x: f64) -> f64 {
        ((x + 1.0) / (self.level + 1.0)).ln().clamp(-3.0, 3.0)
    }

    /// A cumulative count in units of the level, on a logarithm.
    pub(crate) fn size(&self, count: f64) -> f64 {
        ((count + 10.0) / (self.level + 1.0)).ln().clamp(0.0, 8.0) / 4.0
    }

    /// For how many weeks up to now the change was so, at most 8, in units of 4.
    pub(crate) fn in_a_row(&self, is_so: impl Fn(f64) -> bool) -> f64 {
        (0..8).take_while(|&week| is_so(self.ratio(week))).count() as f64 / 4.0
    }
}

/// New counts of the week that ended so many weeks ago.
pub(crate) fn week_before(recent: &Recent<'_>, target: Target, week: usize) -> f64 {
    recent.new_counts(target, 7 * week, 7 * week + 7)
}

/// The logarithm of a week's new counts over those of the week before, drawn to 0 where they are few, within 2 of 0.
pub(crate) fn ratio(later: f64, earlier: f64) -> f64 {
    ((later + 2.0) / (earlier + 2.0)).ln().clamp(-2.0, 2.0)
}
