//! What shares of places at fault were usual before the training: the panel's own past sets the limits.

use covid_core::{Date, PanelView, add_days};
use serde::{Deserialize, Serialize};

use super::{
    Shares,
    faults::{Faults, longest_empty},
};

/// Days of the past that are looked at.
const YEAR: usize = 365;

/// Days from one past as-of date to the next: not a multiple of a week, so that every weekday is among them.
const EVERY: usize = 5;

/// With fewer past windows there is no limit yet: their spread is itself known to a quarter or worse.
const FEWEST: usize = 8;

/// Standard deviations above the mean.
const DEVIATIONS: f64 = 3.0;

/// The shares as they would have been found on a past as-of date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastShares {
    /// The as-of date.
    pub as_of: Date,
    /// The shares.
    pub shares: Shares,
}

/// The shares on every fifth day of the year up to the training, from four weeks of history on. They come from the counts
/// as they are published now: a source that revises its past shows it tidier than it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// The latest first.
    pub past: Vec<PastShares>,
    /// The most days one after the other, in that year, on which nothing at all was new at the source.
    pub longest_empty: usize,
}

impl Usual {
    /// What a share may be without being unusual: the largest seen, or the mean and three standard deviations where that is
    /// more. Neither alone would do: windows overlap, so that few are independent and their largest is soon exceeded, while
    /// the deviation says little of a share that is nearly always 0. Whatever the distribution, at most one in ten is above
    /// mean and three deviations (Cantelli's inequality). None with fewer than eight past windows.
    pub fn limits(&self) -> Option<Shares> {
        let limit = |share: fn(&Shares) -> f64| limit(self.past.iter().map(|past| share(&past.shares)));
        (self.past.len() >= FEWEST).then(|| Shares {
            stalled: limit(|shares| shares.stalled),
            missing: limit(|shares| shares.missing),
            revised: limit(|shares| shares.revised),
            jumps: limit(|shares| shares.jumps),
        })
    }
}

fn limit(shares: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = shares.clone().count() as f64;
    let mean = shares.clone().sum::<f64>() / n;
    let variance = shares.clone().map(|share| (share - mean).powi(2)).sum::<f64>() / (n - 1.0);
    // Equal shares do not always have their own value for a mean, to the last digit.
    let usual = (mean + DEVIATIONS * variance.sqrt()).min(1.0);
    shares.fold(usual, f64::max)
}

/// What was usual before a model was trained. It depends on the view up to `trained_as_of` alone, so that it need be made
/// once a training; of a date after the view's as-of date, it is of the as-of date; before its first, there is nothing.
pub fn usual(view: &PanelView<'_>, trained_as_of: Date, window: usize) -> Usual {
    let window = window.max(1);
    let Ok(view) = view.earlier(trained_as_of.min(view.as_of())) else {
        return Usual { past: Vec::new(), longest_empty: 0 };
    };
    let first = add_days(view.first_date(), window as i64 - 1).max(add_days(view.as_of(), -(YEAR as i64)));
    let dates = (0..).map(|i: i64| add_days(view.as_of(), -i * EVERY as i64)).take_while(|date| *date >= first);
    let shares =
        |as_of| Some(PastShares { as_of, shares: Shares::of(&Faults::find(&view.earlier(as_of).ok()?, window)) });
    Usual { past: dates.filter_map(shares).collect(), longest_empty: longest_empty(&view, YEAR) }
}
