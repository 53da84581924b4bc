//! Whether growth and level of the epidemic are still those that the model was trained on.

use std::fmt;

use covid_core::{PanelView, Target, log_count};
use serde::{Deserialize, Serialize};

use super::statistics::{TwoSample, median, population_stability_index};

/// Days over which growth and level are taken.
const WEEK: usize = 7;

/// What is looked at of a series, one value a place and day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// ln(1 + count) less what it was 7 days before.
    Growth,
    /// ln(1 + new counts of 7 days), of a corrected week ln(1 + 0). Not of the cumulative count, which only ever rises, and
    /// so would drift on every day of every epidemic.
    Level,
}

impl Quantity {
    /// Both, in the order in which they are reported.
    pub const ALL: [Self; 2] = [Self::Growth, Self::Level];

    fn of(self, week_ago: f64, count: f64) -> f64 {
        match self {
            Self::Growth => log_count(count) - log_count(week_ago),
            Self::Level => log_count(count.max(0.0) - week_ago.max(0.0)),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Growth => "growth",
            Self::Level => "level",
        })
    }
}

/// A population stability index in a word, as scoring practice has it (Siddiqi 2006).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// Below 0.1.
    None,
    /// From 0.1 to below 0.25.
    Moderate,
    /// From 0.25 on.
    Large,
}

impl Extent {
    fn of(index: f64) -> Self {
        match index {
            index if index < 0.1 => Self::None,
            index if index < 0.25 => Self::Moderate,
            _ => Self::Large,
        }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Moderate => "moderate",
            Self::Large => "large",
        })
    }
}

/// How a quantity differs in the recent window from the reference, the window of as many days up to the training as-of date.
///
/// The index is over all places and days. The test is over places, with the mean of a place's days as its one value: the
/// days of a place follow from each other and would make any difference significant. Even so the two windows are of the
/// same places, which the test takes for independent samples; and with some hundred places a small difference is
/// significant. So look at the size (`d`, `cliffs_delta`) first and at the p-value last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The target.
    pub target: Target,
    /// What was looked at.
    pub quantity: Quantity,
    /// The population stability index, at least 0: by deciles of the reference.
    pub stability_index: f64,
    /// The same in a word.
    pub extent: Extent,
    /// Kolmogorov-Smirnov's D over places, 0 to 1: the largest distance of the two distribution functions.
    pub d: f64,
    /// Its p-value, from the limiting distribution.
    pub p_value: f64,
    /// Cliff's delta over places, -1 to 1: above 0, the recent values are the larger.
    pub cliffs_delta: f64,
    /// The median place then.
    pub reference_median: f64,
    /// The median place now.
    pub recent_median: f64,
    /// Places with a value in the reference, and in the recent window.
    pub places: [usize; 2],
}

/// Both quantities of every target, where both windows have a value. `recent` and `reference` end their windows.
pub(super) fn drift(recent: &PanelView<'_>, reference: &PanelView<'_>, window: usize) -> Vec<Drift> {
    let of = |target| {
        let [before, now] = [reference, recent].map(|view| samples(view, target, window));
        let rows = Quantity::ALL.into_iter().zip(before.into_iter().zip(now));
        rows.filter_map(move |(quantity, (before, now))| compare(target, quantity, &before, &now))
    };
    Target::ALL.into_iter().flat_map(of).collect()
}

fn compare(target: Target, quantity: Quantity, reference: &Sample, recent: &Sample) -> Option<Drift> {
    let stability_index = population_stability_index(&reference.days, &recent.days)?;
    let TwoSample { d, p_value, cliffs_delta } = TwoSample::of(&reference.places, &recent.places)?;
    Some(Drift {
        target,
        quantity,
        stability_index,
        extent: Extent::of(stability_index),
        d,
        p_value,
        cliffs_delta,
        reference_median: median(&reference.places)?,
        recent_median: median(&recent.places)?,
        places: [reference.places.len(), recent.places.len()],
    })
}

/// The values of a window: of all its place-days, and of each place their mean.
#[derive(Default)]
struct Sample {
    days: Vec<f64>,
    places: Vec<f64>,
}

/// The samples of a target by quantity. A day counts where its count is published, and one seven days or more before.
fn samples(view: &PanelView<'_>, target: Target, window: usize) -> [Sample; 2] {
    let mut samples: [Sample; 2] = Default::default();
    for place in 0..view.locations().len() {
        let from = samples.each_ref().map(|sample| sample.days.len());
        for (week_ago, count) in weeks(view.counts(place, target), window) {
            for (sample, quantity) in samples.iter_mut().zip(Quantity::ALL) {
                sample.days.push(quantity.of(week_ago, count));
            }
        }
        for (sample, from) in samples.iter_mut().zip(from) {
            let own = &sample.days[from..];
            if !own.is_empty() {
                sample.places.push(own.iter().sum::<f64>() / own.len() as f64);
            }
        }
    }
    samples
}

/// The counts of the last `window` days, each with the count of a week before or the last one before that.
fn weeks(counts: &[f64], window: usize) -> impl Iterator<Item = (f64, f64)> {
    let first = counts.len().saturating_sub(window).max(WEEK);
    let earlier = counts.get(..first.saturating_sub(WEEK)).unwrap_or_default();
    let mut week_ago = earlier.iter().rev().copied().find(|count| count.is_finite());
    (first..counts.len()).filter_map(move |day| {
        let count = counts[day - WEEK];
        week_ago = if count.is_finite() { Some(count) } else { week_ago };
        Some((week_ago?, counts[day])).filter(|(_, count)| count.is_finite())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_takes_the_count_before_it_and_has_none_of_its_own() {
        let counts = [1.0, f64::NAN, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, f64::NAN, 11.0];
        assert_eq!(weeks(&counts, 28).collect::<Vec<_>>(), [(1.0, 8.0), (1.0, 9.0), (4.0, 11.0)]);
        assert_eq!(weeks(&counts, 3).collect::<Vec<_>>(), [(1.0, 9.0), (4.0, 11.0)]);
        assert_eq!(weeks(&counts[..7], 28).count(), 0, "no day has a week before it");
        assert_eq!(weeks(&[], 28).count(), 0);
    }

    #[test]
    fn a_corrected_week_has_no_new_counts() {
        assert_eq!(Quantity::Level.of(10.0, 4.0), 0.0);
        assert!((Quantity::Growth.of(10.0, 4.0) - (5f64.ln() - 11f64.ln())).abs() < 1e-15);
        assert_eq!(Quantity::Level.of(10.0, 17.0), 8f64.ln());
    }

    #[test]
    fn words_begin_at_their_limits() {
        assert_eq!([0.0, 0.0999, 0.1, 0.2499, 0.25].map(Extent::of), {
            use Extent::{Large, Moderate, None};
            [None, None, Moderate, Moderate, Large]
        });
    }
}
