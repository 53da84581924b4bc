//! The newest counts of a place, as the simple models read them.

use covid_core::{PanelView, Target};
use rayon::prelude::*;

/// Days of history that a simple model may read, the as-of date included: nine weeks, of which
/// the intervals compare each with the one before.
pub(crate) const WINDOW: usize = 64;

/// Counts of one place on its newest days: at least 0, a gap repeats the count before it, 0 before the first count.
#[derive(Debug, Clone)]
pub(crate) struct Recent([[f64; WINDOW]; 2]);

impl Recent {
    /// A place as it was on a day, which the view must reach.
    pub(crate) fn on(view: &PanelView<'_>, place: usize, day: usize) -> Self {
        Self(Target::ALL.map(|target| newest(&view.counts(place, target)[..=day])))
    }

    /// Every place of a view on a day.
    pub(crate) fn all(view: &PanelView<'_>, day: usize) -> Vec<Self> {
        (0..view.locations().len()).into_par_iter().with_min_len(64).map(|place| Self::on(view, place, day)).collect()
    }

    /// Every place of a view on its as-of date.
    pub(crate) fn latest(view: &PanelView<'_>) -> Vec<Self> {
        Self::all(view, view.days() - 1)
    }

    /// The count some days ago.
    pub(crate) fn count(&self, target: Target, ago: usize) -> f64 {
        self.0[target.index()][WINDOW - 1 - ago]
    }

    /// ln(1 + count) some days ago.
    pub(crate) fn log(&self, target: Target, ago: usize) -> f64 {
        self.count(target, ago).ln_1p()
    }

    /// New counts between `from` days ago and `to` days ago, the later first; at least 0.
    pub(crate) fn new_counts(&self, target: Target, from: usize, to: usize) -> f64 {
        (self.count(target, from) - self.count(target, to)).max(0.0)
    }

    /// New counts of the last three weeks, the newest first.
    pub(crate) fn weeks(&self, target: Target) -> [f64; 3] {
        [0, 1, 2].map(|week| self.new_counts(target, 7 * week, 7 * week + 7))
    }
}

fn newest(counts: &[f64]) -> [f64; WINDOW] {
    let from = counts.len().saturating_sub(WINDOW);
    let mut newest = [0.0; WINDOW];
    let published = |count: &&f64| !count.is_nan();
    // A window that begins in a gap begins with the count before it.
    let mut last = counts[..from].iter().rev().find(published).map_or(0.0, |count| count.max(0.0));
    let room = WINDOW - (counts.len() - from);
    for (slot, &count) in newest[room..].iter_mut().zip(&counts[from..]) {
        if !count.is_nan() {
            last = count.max(0.0);
        }
        *slot = last;
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_from_before_and_the_time_before_the_first_day_is_0() {
        let short = newest(&[f64::NAN, 2.0, f64::NAN, -1.0]);
        assert_eq!(short[WINDOW - 4..], [0.0, 2.0, 2.0, 0.0]);
        assert!(short[..WINDOW - 4].iter().all(|count| *count == 0.0));
        let mut long = vec![7.0; 3];
        long.resize(WINDOW + 2, f64::NAN);
        assert_eq!(newest(&long), [7.0; WINDOW], "the last count before the window goes on");
    }
}
