//! What two vintages have in common.

use covid_core::{Date, PanelView, Target};

use crate::DateRange;

/// Where one location is in both vintages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    pub(super) old: usize,
    pub(super) new: usize,
}

/// The days that both have.
#[derive(Debug, Clone)]
pub(super) struct Common {
    first: Date,
    /// How many.
    pub(super) days: usize,
    /// The first of them in each vintage.
    old_from: usize,
    new_from: usize,
}

impl Common {
    pub(super) fn of(old: &PanelView<'_>, new: &PanelView<'_>) -> Option<Self> {
        let (first, last) = (old.first_date().max(new.first_date()), old.as_of().min(new.as_of()));
        let days = days_from(first, last)? + 1;
        let (old_from, new_from) = (days_from(old.first_date(), first)?, days_from(new.first_date(), first)?);
        Some(Self { first, days, old_from, new_from })
    }

    pub(super) fn date(&self, day: usize) -> Date {
        self.first.saturating_add(jiff::Span::new().days(day as i64))
    }

    pub(super) fn dates(&self) -> DateRange {
        DateRange { first: self.first, last: self.date(self.days - 1), days: self.days }
    }

    /// Day, old and new count of every common day.
    pub(super) fn counts<'a>(
        &self,
        old: &PanelView<'a>,
        new: &PanelView<'a>,
        pair: Pair,
        target: Target,
    ) -> impl ExactSizeIterator<Item = (usize, f64, f64)> + Clone + use<'a> {
        let cut = |counts: &'a [f64], from: usize| counts.get(from..from + self.days).unwrap_or_default();
        let old = cut(old.counts(pair.old, target), self.old_from);
        let new = cut(new.counts(pair.new, target), self.new_from);
        old.iter().zip(new).enumerate().map(|(day, (old, new))| (day, *old, *new))
    }
}

/// The dates of a vintage that are not common: before them, and after them.
pub(super) fn outside(own: DateRange, common: Option<DateRange>) -> Vec<DateRange> {
    let Some(common) = common else { return vec![own] };
    let before = common.first.yesterday().ok().and_then(|last| range(own.first, last));
    let after = common.last.tomorrow().ok().and_then(|first| range(first, own.last));
    before.into_iter().chain(after).collect()
}

fn range(first: Date, last: Date) -> Option<DateRange> {
    days_from(first, last).map(|days| DateRange { first, last, days: days + 1 })
}

/// Days from one date to another that is not earlier.
fn days_from(first: Date, last: Date) -> Option<usize> {
    // Both are civil dates, so the difference is a whole number of days and cannot fail.
    first.until(last).ok().and_then(|span| usize::try_from(span.get_days()).ok())
}
