//! What a source's data are like, before anyone trusts a forecast from them.

use covid_core::{Date, PanelView, Target};
use serde::Serialize;

/// What was found in a panel up to its as-of date.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// Number of locations.
    pub locations: usize,
    /// Number of days.
    pub days: usize,
    /// First date.
    pub first_date: Date,
    /// Last date, the as-of date of the view.
    pub last_date: Date,
    /// What was found in each target, in the order of [`Target::ALL`].
    pub targets: [TargetQuality; 2],
    /// Display names of locations that published neither target anew during the last 14 days. None where there are
    /// fewer than 15 days.
    pub unchanged: Vec<String>,
    /// Display names of locations that publish cases weekly: in the last 8 weeks the count changed at least three
    /// times, and always on the same weekday.
    pub weekly_reporters: Vec<String>,
}

/// What was found in the series of one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetQuality {
    /// The target.
    pub target: Target,
    /// Location-days without a count.
    pub missing: usize,
    /// Counts that are lower than the last one before them.
    pub decreases: usize,
    /// Series with at least one decrease.
    pub decreasing_series: usize,
    /// The decrease by the most.
    pub largest_decrease: Option<Decrease>,
    /// Series without a count above 0.
    pub never_positive: usize,
    /// Counts that are not whole numbers.
    pub non_integer: usize,
}

/// A cumulative count that went down.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decrease {
    /// Display name of the location.
    pub location: String,
    /// The date of the lower count.
    pub date: Date,
    /// The count before.
    pub from: f64,
    /// The lower count.
    pub to: f64,
}

/// Looks at every count up to the view's as-of date.
pub fn quality(view: &PanelView<'_>) -> Quality {
    Quality {
        locations: view.locations().len(),
        days: view.days(),
        first_date: view.first_date(),
        last_date: view.as_of(),
        targets: Target::ALL.map(|target| target_quality(view, target)),
        unchanged: names(view, |location| is_unchanged(view, location)),
        weekly_reporters: names(view, |location| {
            reports_weekly(last_days(view.counts(location, Target::ConfirmedCases), 8 * 7 + 1))
        }),
    }
}

fn target_quality(view: &PanelView<'_>, target: Target) -> TargetQuality {
    let mut found = TargetQuality {
        target,
        missing: 0,
        decreases: 0,
        decreasing_series: 0,
        largest_decrease: None,
        never_positive: 0,
        non_integer: 0,
    };
    for (index, location) in view.locations().iter().enumerate() {
        let counts = view.counts(index, target);
        found.missing += counts.iter().filter(|count| count.is_nan()).count();
        found.never_positive += usize::from(!counts.iter().any(|&count| count > 0.0));
        found.non_integer += counts.iter().filter(|count| count.is_finite() && count.fract() != 0.0).count();
        let falls = decreases(counts);
        found.decreases += falls.len();
        found.decreasing_series += usize::from(!falls.is_empty());
        for (day, from, to) in falls {
            let largest = found.largest_decrease.as_ref().map_or(0.0, |largest| largest.from - largest.to);
            if from - to > largest {
                let date = view.first_date().saturating_add(jiff::Span::new().days(day as i64));
                found.largest_decrease = Some(Decrease { location: location.name().to_owned(), date, from, to });
            }
        }
    }
    found
}

/// Day, count before and count of every decrease; a gap is passed over.
fn decreases(counts: &[f64]) -> Vec<(usize, f64, f64)> {
    let mut before = f64::NAN;
    let mut found = Vec::new();
    for (day, &count) in counts.iter().enumerate().filter(|(_, count)| !count.is_nan()) {
        if count < before {
            found.push((day, before, count));
        }
        before = count;
    }
    found
}

fn names(view: &PanelView<'_>, fits: impl Fn(usize) -> bool) -> Vec<String> {
    let locations = view.locations().iter().enumerate();
    locations.filter(|(index, _)| fits(*index)).map(|(_, location)| location.name().to_owned()).collect()
}

fn is_unchanged(view: &PanelView<'_>, location: usize) -> bool {
    const DAYS: usize = 14;
    view.days() > DAYS
        && Target::ALL.into_iter().all(|target| changes(last_days(view.counts(location, target), DAYS + 1)).is_empty())
}

/// The last so many counts, all of them where there are fewer.
fn last_days(counts: &[f64], days: usize) -> &[f64] {
    counts.get(counts.len().saturating_sub(days)..).unwrap_or_default()
}

/// The days on which the count differs from the last one before it.
fn changes(counts: &[f64]) -> Vec<usize> {
    let mut before = f64::NAN;
    let mut found = Vec::new();
    for (day, &count) in counts.iter().enumerate().filter(|(_, count)| !count.is_nan()) {
        if !before.is_nan() && count != before {
            found.push(day);
        }
        before = count;
    }
    found
}

fn reports_weekly(counts: &[f64]) -> bool {
    let days = changes(counts);
    days.len() >= 3 && days.windows(2).all(|pair| matches!(pair, [a, b] if (b - a) % 7 == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_neither_a_decrease_nor_a_change() {
        let counts = [5.0, f64::NAN, 5.0, f64::NAN, 3.0, 4.0];
        assert_eq!(decreases(&counts), [(4, 5.0, 3.0)]);
        assert_eq!(changes(&counts), [4, 5]);
    }

    #[test]
    fn weekly_reporters_change_on_one_weekday() {
        let weekly: Vec<f64> = (0..29).map(|day| f64::from(day / 7)).collect();
        assert!(reports_weekly(&weekly));
        let daily: Vec<f64> = (0..29).map(f64::from).collect();
        assert!(!reports_weekly(&daily));
        assert!(!reports_weekly(&[1.0; 29]));
    }
}
