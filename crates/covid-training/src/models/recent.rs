//! The newest counts of a place, as the simple models read them.

use covid_core::{PanelView, Target};

use super::pause;

/// Counts of one place up to a day: at least 0, a gap repeats the count before it, 0 before the first count. Before the panel's
/// first day the count is that of the first day: a source may begin in the middle of an epidemic. A series that pauses
/// ([`super::pause`]) is read as of its last report, of which all days ago are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recent<'a>([Series<'a>; 2]);

/// Counts of some days, without those after the last published one.
#[derive(Debug, Clone, Copy)]
struct Series<'a> {
    /// Up to the last report, if it pauses.
    days: usize,
    /// Days without reports after these.
    pause: usize,
    published: &'a [f64],
}

impl<'a> Recent<'a> {
    /// A place as it was on a day, which the view must reach.
    pub(crate) fn on(view: &PanelView<'a>, place: usize, day: usize) -> Self {
        let Self([cases, deaths]) = Self::with_pauses(view, place, day);
        let paused = cases.pause();
        // Who publishes no cases publishes no deaths, however few these are.
        let silent = (0..paused).all(|ago| deaths.count(ago) == deaths.count(ago + 1));
        Self([cases.before(paused), deaths.before(deaths.pause().max(if silent { paused } else { 0 }))])
    }

    /// The same up to the day itself, pause or not.
    pub(super) fn with_pauses(view: &PanelView<'a>, place: usize, day: usize) -> Self {
        Self(Target::ALL.map(|target| Series::new(&view.counts(place, target)[..=day])))
    }

    /// Every place of a view on a day.
    pub(crate) fn all(view: &PanelView<'a>, day: usize) -> Vec<Self> {
        (0..view.locations().len()).map(|place| Self::on(view, place, day)).collect()
    }

    /// Every place of a view on its as-of date.
    pub(crate) fn latest(view: &PanelView<'a>) -> Vec<Self> {
        Self::all(view, view.days() - 1)
    }

    /// Days without reports, if the series pauses.
    pub(crate) fn pause(&self, target: Target) -> usize {
        self.0[target.index()].pause
    }

    /// The count some days ago.
    pub(crate) fn count(&self, target: Target, ago: usize) -> f64 {
        self.0[target.index()].count(ago)
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

impl<'a> Series<'a> {
    fn new(counts: &'a [f64]) -> Self {
        let published = counts.iter().rposition(|count| !count.is_nan()).map_or(0, |last| last + 1);
        Self { days: counts.len(), pause: 0, published: &counts[..published] }
    }

    /// How long it has paused.
    fn pause(&self) -> usize {
        pause::length(self.days, |ago| self.count(ago))
    }

    /// The same as of some days before, which brought no report.
    fn before(self, pause: usize) -> Self {
        Self { days: self.days - pause, pause, ..self }
    }

    fn count(&self, ago: usize) -> f64 {
        let day = self.days.saturating_sub(1 + ago);
        let until = &self.published[..self.published.len().min(day + 1)];
        until.iter().rev().find(|count| !count.is_nan()).map_or(0.0, |count| count.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[f64], newest: usize) -> Vec<f64> {
        (0..newest).map(|ago| Series::new(of).count(ago)).collect()
    }

    #[test]
    fn gaps_are_filled_from_before_and_nothing_is_new_before_the_first_day() {
        assert_eq!(counts(&[f64::NAN, 2.0, f64::NAN, -1.0], 6), [0.0, 2.0, 2.0, 0.0, 0.0, 0.0]);
        assert_eq!(counts(&[7.0, f64::NAN, f64::NAN], 5), [7.0; 5]);
        assert_eq!(counts(&[f64::NAN; 3], 4), [0.0; 4]);
    }
}
