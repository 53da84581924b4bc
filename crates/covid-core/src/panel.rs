//! The panel: locations x targets x days of cumulative counts, and a view of it that cannot look past its as-of date.

use std::{collections::HashSet, sync::OnceLock};

use crate::{Date, Digest, Explain, FaultKind, Location, Target};

/// A panel cannot be built, or cannot be cut where asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PanelError {
    /// Fewer or more values than locations x targets x days.
    #[error("a panel of {locations} locations and {days} days needs {expected} values, not {found}")]
    Shape {
        /// Number of locations.
        locations: usize,
        /// Number of days.
        days: usize,
        /// Values asked for.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// Nothing in it.
    #[error("the data hold no {0}")]
    Empty(&'static str),
    /// The calendar ends before the panel does.
    #[error("{days} days from {start} run past the end of the calendar")]
    Calendar {
        /// First date.
        start: Date,
        /// Number of days.
        days: usize,
    },
    /// The same display name twice.
    #[error("location `{0}` is there twice")]
    DuplicateLocation(String),
    /// An as-of date before the first or after the last date.
    #[error("the as-of date {asked} is outside the data, which run from {first} to {last}")]
    AsOfOutside {
        /// The date asked for.
        asked: Date,
        /// First date of the data.
        first: Date,
        /// Last date of the data.
        last: Date,
    },
}

impl Explain for PanelError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::AsOfOutside { .. } => FaultKind::Usage,
            _ => FaultKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::AsOfOutside { first, last, .. } => format!("give a date from {first} to {last} with --as-of"),
            Self::DuplicateLocation(_) => "keep one row for each location, or tell them apart by province".into(),
            _ => "check that the source holds whole series".into(),
        })
    }
}

/// Cumulative counts of every location and target on contiguous days. A missing count is NaN.
///
/// Values lie by location, then target, then day, so that a series is one slice.
#[derive(Debug, Clone)]
pub struct Panel {
    locations: Vec<Location>,
    start: Date,
    days: usize,
    values: Vec<f64>,
    /// Made when it is asked for: the hash of a large panel takes a while.
    digest: OnceLock<String>,
}

impl Panel {
    /// A panel of `locations.len() * 2 * days` values; missing ones are NaN.
    ///
    /// # Errors
    /// If it is empty, has another number of values, or holds a display name twice.
    pub fn new(locations: Vec<Location>, start: Date, days: usize, values: Vec<f64>) -> Result<Self, PanelError> {
        if locations.is_empty() {
            return Err(PanelError::Empty("locations"));
        }
        if days == 0 {
            return Err(PanelError::Empty("days"));
        }
        if start.checked_add(jiff::Span::new().days(days as i64)).is_err() {
            return Err(PanelError::Calendar { start, days });
        }
        let expected = locations.len() * Target::ALL.len() * days;
        if values.len() != expected {
            return Err(PanelError::Shape { locations: locations.len(), days, expected, found: values.len() });
        }
        let mut names = HashSet::with_capacity(locations.len());
        if let Some(twice) = locations.iter().find(|location| !names.insert(location.name())) {
            return Err(PanelError::DuplicateLocation(twice.name().to_owned()));
        }
        Ok(Self { locations, start, days, values, digest: OnceLock::new() })
    }

    /// The locations, in the order of the source.
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// The first date.
    pub fn first_date(&self) -> Date {
        self.start
    }

    /// The last date.
    pub fn last_date(&self) -> Date {
        self.date(self.days - 1)
    }

    /// Number of days.
    pub fn days(&self) -> usize {
        self.days
    }

    /// The date of a day's index.
    pub fn date(&self, day: usize) -> Date {
        add_days(self.start, day as i64)
    }

    /// The index of a date, if it is in the panel.
    pub fn day(&self, date: Date) -> Option<usize> {
        let day = days_between(self.start, date);
        usize::try_from(day).ok().filter(|&day| day < self.days)
    }

    /// One series: counts by day, NaN where missing.
    pub fn counts(&self, location: usize, target: Target) -> &[f64] {
        let from = self.offset(location, target);
        &self.values[from..from + self.days]
    }

    /// One series, to change it (repair does).
    pub fn counts_mut(&mut self, location: usize, target: Target) -> &mut [f64] {
        self.digest.take();
        let from = self.offset(location, target);
        &mut self.values[from..from + self.days]
    }

    /// The count of one day, or none where it is missing or the date is outside the panel.
    pub fn count_on(&self, location: usize, target: Target, date: Date) -> Option<f64> {
        let count = self.counts(location, target)[self.day(date)?];
        (!count.is_nan()).then_some(count)
    }

    /// The panel as it was known on a date.
    ///
    /// # Errors
    /// If the date is outside the panel.
    pub fn as_of(&self, date: Date) -> Result<PanelView<'_>, PanelError> {
        let day = self.day(date).ok_or_else(|| PanelError::AsOfOutside {
            asked: date,
            first: self.first_date(),
            last: self.last_date(),
        })?;
        Ok(PanelView { panel: self, days: day + 1 })
    }

    /// The panel as of its last date.
    pub fn view(&self) -> PanelView<'_> {
        PanelView { panel: self, days: self.days }
    }

    /// A panel of some of the locations, by position and in that order; positions that are not there are left out.
    ///
    /// # Errors
    /// If none is left, or one is named twice.
    pub fn subset(&self, positions: &[usize]) -> Result<Self, PanelError> {
        let positions: Vec<usize> = positions.iter().copied().filter(|&i| i < self.locations.len()).collect();
        let locations = positions.iter().map(|&i| self.locations[i].clone()).collect();
        let series = positions.iter().flat_map(|&i| Target::ALL.map(|target| self.counts(i, target)));
        Self::new(locations, self.start, self.days, series.flatten().copied().collect())
    }

    /// SHA-256 over locations, dates and counts: equal panels have equal digests, whatever file they came from.
    pub fn digest(&self) -> String {
        self.digest.get_or_init(|| self.hash()).clone()
    }

    fn hash(&self) -> String {
        let mut digest = Digest::new().part(self.start.to_string().as_bytes()).part(&(self.days as u64).to_le_bytes());
        for location in &self.locations {
            for part in [Some(location.name()), location.admin2(), location.province_state(), location.country_region()]
            {
                digest = digest.part(part.unwrap_or_default().as_bytes());
            }
        }
        let canonical = |count: &f64| if count.is_nan() { f64::NAN.to_bits() } else { (count + 0.0).to_bits() };
        let bytes: Vec<u8> = self.values.iter().flat_map(|count| canonical(count).to_le_bytes()).collect();
        digest.part(&bytes).hex()
    }

    fn offset(&self, location: usize, target: Target) -> usize {
        (location * Target::ALL.len() + target.index()) * self.days
    }
}

/// A panel as it was known on its as-of date: no method gives a later count. Every model sees only this.
#[derive(Debug, Clone, Copy)]
pub struct PanelView<'a> {
    panel: &'a Panel,
    days: usize,
}

impl<'a> PanelView<'a> {
    /// The last date that is seen.
    pub fn as_of(&self) -> Date {
        self.panel.date(self.days - 1)
    }

    /// The first date of the panel.
    pub fn first_date(&self) -> Date {
        self.panel.start
    }

    /// Number of days seen.
    pub fn days(&self) -> usize {
        self.days
    }

    /// The date of a day's index.
    pub fn date(&self, day: usize) -> Date {
        self.panel.date(day)
    }

    /// The locations, in the order of the panel.
    pub fn locations(&self) -> &'a [Location] {
        &self.panel.locations
    }

    /// One series up to the as-of date, NaN where missing.
    pub fn counts(&self, location: usize, target: Target) -> &'a [f64] {
        &self.panel.counts(location, target)[..self.days]
    }

    /// The targets of which a count was published anywhere. A source may know but one.
    pub fn targets(&self) -> Vec<Target> {
        let published = |target: &Target| {
            (0..self.locations().len()).any(|place| self.counts(place, *target).iter().any(|count| !count.is_nan()))
        };
        Target::ALL.into_iter().filter(published).collect()
    }

    /// One series as x = ln(1 + max(count, 0)). A gap repeats the last count before it; before the first count x is 0.
    pub fn logs(&self, location: usize, target: Target) -> Vec<f64> {
        self.logs_from(location, target, 0)
    }

    /// The same from a day's index on, which must be seen.
    pub fn logs_from(&self, location: usize, target: Target, from: usize) -> Vec<f64> {
        let mut last = self.log_at(location, target, from);
        let counts = &self.counts(location, target)[from..];
        counts
            .iter()
            .map(|&count| {
                if !count.is_nan() {
                    last = log_count(count);
                }
                last
            })
            .collect()
    }

    /// The same on one day, which must be seen.
    pub fn log_at(&self, location: usize, target: Target, day: usize) -> f64 {
        let seen = &self.counts(location, target)[..=day];
        seen.iter().rev().find(|count| !count.is_nan()).map_or(0.0, |&count| log_count(count))
    }

    /// The same on the as-of date.
    pub fn last_log(&self, location: usize, target: Target) -> f64 {
        self.log_at(location, target, self.days - 1)
    }

    /// The count last published up to the as-of date, at least 0; 0 before the first.
    pub fn last_count(&self, location: usize, target: Target) -> f64 {
        let published = self.counts(location, target).iter().rev().find(|count| !count.is_nan());
        published.map_or(0.0, |count| count.max(0.0))
    }

    /// The count of a day, which must be seen, or the last one before it; at least 0, and 0 before the first.
    pub fn count_at(&self, location: usize, target: Target, day: usize) -> f64 {
        let seen = &self.counts(location, target)[..=day];
        seen.iter().rev().find(|count| !count.is_nan()).map_or(0.0, |count| count.max(0.0))
    }

    /// The view of an earlier date, which this view must reach.
    ///
    /// # Errors
    /// If the date is before the first date or after this view's as-of date.
    pub fn earlier(&self, date: Date) -> Result<PanelView<'a>, PanelError> {
        match self.panel.day(date) {
            Some(day) if day < self.days => Ok(PanelView { panel: self.panel, days: day + 1 }),
            _ => Err(PanelError::AsOfOutside { asked: date, first: self.first_date(), last: self.as_of() }),
        }
    }

    /// A panel of its own that ends at the as-of date.
    pub fn to_panel(&self) -> Panel {
        let mut values = Vec::with_capacity(self.locations().len() * Target::ALL.len() * self.days);
        for location in 0..self.locations().len() {
            for target in Target::ALL {
                values.extend_from_slice(self.counts(location, target));
            }
        }
        let (locations, digest) = (self.locations().to_vec(), OnceLock::new());
        Panel { locations, start: self.panel.start, days: self.days, values, digest }
    }
}

/// x = ln(1 + max(count, 0)), the scale of RMSLE and of every model.
pub fn log_count(count: f64) -> f64 {
    count.max(0.0).ln_1p()
}

/// A date some days later; the calendar's last date where it would run past its end.
pub fn add_days(date: Date, days: i64) -> Date {
    date.saturating_add(jiff::Span::new().days(days))
}

fn days_between(from: Date, to: Date) -> i64 {
    // Both are civil dates, so the difference is a whole number of days and cannot fail.
    from.until(to).map_or(i64::MIN, |span| i64::from(span.get_days()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel() -> Panel {
        let values = vec![1.0, f64::NAN, 3.0, 0.0, 0.0, 1.0];
        Panel::new(vec![Location::country("Dataland")], Date::constant(2020, 1, 30), 3, values).unwrap()
    }

    #[test]
    fn a_view_ends_at_its_as_of_date() {
        let panel = panel();
        let view = panel.as_of(Date::constant(2020, 1, 31)).unwrap();
        assert_eq!(view.days(), 2);
        assert_eq!(view.logs(0, Target::ConfirmedCases), vec![1f64.ln_1p(), 1f64.ln_1p()]);
        assert!(view.earlier(Date::constant(2020, 2, 1)).is_err());
        assert_eq!(view.to_panel().last_date(), Date::constant(2020, 1, 31));
    }

    #[test]
    fn a_target_without_a_count_is_none_of_the_targets() {
        let start = Date::constant(2020, 1, 22);
        let values = vec![1.0, 2.0, f64::NAN, 0.0];
        let panel = Panel::new(vec![Location::country("Dataland")], start, 2, values).unwrap();
        assert_eq!(panel.view().targets(), Target::ALL);
        assert_eq!(panel.as_of(start).unwrap().targets(), [Target::ConfirmedCases]);
    }

    #[test]
    fn a_date_outside_is_an_error_that_names_the_range() {
        let error = panel().as_of(Date::constant(2021, 1, 1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the as-of date 2021-01-01 is outside the data, which run from 2020-01-30 to 2020-02-01"
        );
    }

    #[test]
    fn the_digest_follows_the_content() {
        let mut other = panel();
        assert_eq!(panel().digest(), other.digest());
        other.counts_mut(0, Target::Fatalities)[2] = 2.0;
        assert_ne!(panel().digest(), other.digest());
    }

    #[test]
    fn shape_and_names_are_checked() {
        let twice = vec![Location::country("Dataland"), Location::country("Dataland")];
        let start = Date::constant(2020, 1, 1);
        assert_eq!(
            Panel::new(twice, start, 1, vec![0.0; 4]).unwrap_err(),
            PanelError::DuplicateLocation("Dataland".into())
        );
        assert!(matches!(
            Panel::new(vec![Location::country("Dataland")], start, 2, vec![0.0; 3]),
            Err(PanelError::Shape { .. })
        ));
        assert!(Panel::new(vec![Location::country("Dataland")], Date::MAX, 2, vec![0.0; 4]).is_err());
    }
}
