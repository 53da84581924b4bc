//! Where the ticks of an axis stand, and what they say.

use std::ops::Range;

use covid_core::Date;
use jiff::Span;

/// An axis: its range, and its ticks in ascending order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    pub(crate) range: Range<f64>,
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Axis {
    pub(crate) fn positions(&self) -> Vec<f64> {
        self.ticks.iter().map(|(position, _)| *position).collect()
    }

    /// How far along the axis a position is, from 0 to 1.
    pub(crate) fn share(&self, position: f64) -> f64 {
        let Range { start, end } = self.range;
        // Halved first, since the span of the largest and the smallest double is not finite.
        (position / 2.0 - start / 2.0) / (end / 2.0 - start / 2.0)
    }

    /// The label of the tick at a position.
    pub(crate) fn label(&self, position: f64) -> String {
        let distance = |tick: &f64| (tick - position).abs();
        let nearest = self.ticks.iter().min_by(|a, b| distance(&a.0).total_cmp(&distance(&b.0)));
        nearest.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// More labels than this would touch each other.
const MOST_DATES: usize = 5;
const MOST_MONTHS: i32 = 7;
const MOST_VALUES: f64 = 6.0;

/// Steps of ticks in days, and in months from the first of one.
const DAY_STEPS: [usize; 5] = [1, 2, 3, 7, 14];
const MONTH_STEPS: [i32; 11] = [1, 2, 3, 6, 12, 24, 60, 120, 1_200, 12_000, 60_000];

/// An axis of dates; positions are days after `first`.
pub(crate) fn dates(first: Date, last: Date) -> Axis {
    let days = days_after(first, last).max(0);
    // A single date gets some room on both sides.
    let range = if days > 0 { 0.0..f64::from(days) } else { -0.5..0.5 };
    let by_day = DAY_STEPS.into_iter().find(|step| days as usize / step < MOST_DATES);
    let ticks = by_day.map_or_else(|| month_ticks(first, last), |step| day_ticks(first, days, step));
    Axis { range, ticks }
}

/// Days from one date to another.
pub(crate) fn days_after(first: Date, date: Date) -> i32 {
    first.until(date).map_or(0, |span| span.get_days())
}

fn day_ticks(first: Date, days: i32, step: usize) -> Vec<(f64, String)> {
    let date = |day: i32| first.saturating_add(Span::new().days(day)).to_string();
    (0..=days).step_by(step).map(|day| (f64::from(day), date(day))).collect()
}

fn month_ticks(first: Date, last: Date) -> Vec<(f64, String)> {
    let month = |date: Date| i32::from(date.year()) * 12 + i32::from(date.month()) - 1;
    let few = |step: &i32| (month(last) - month(first)) / step < MOST_MONTHS;
    let step = MONTH_STEPS.into_iter().find(few).unwrap_or(60_000);
    let next = month(first) + (step - month(first).rem_euclid(step)) % step;
    (next..=month(last))
        .step_by(step as usize)
        .filter_map(first_of_month)
        .filter(|date| *date >= first)
        .map(|date| (f64::from(days_after(first, date)), month_label(date, step)))
        .collect()
}

fn first_of_month(months: i32) -> Option<Date> {
    let year = i16::try_from(months.div_euclid(12)).ok()?;
    let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
    Date::new(year, month, 1).ok()
}

fn month_label(date: Date, step: i32) -> String {
    if step < 12 { format!("{}-{:02}", date.year(), date.month()) } else { date.year().to_string() }
}

/// An axis of numbers from the first to the last, whose ticks are round; none without a number. Whole numbers get no ticks
/// between them.
pub(crate) fn numbers(numbers: &[f64]) -> Option<Axis> {
    let (first, last) = (*numbers.first()?, *numbers.last()?);
    let range = if last > first { first..last } else { first - 0.5..first + 0.5 };
    let least = if numbers.iter().all(|number| number.fract() == 0.0) { 1.0 } else { 0.0 };
    let step = nice_step((range.end - range.start) / MOST_VALUES, first.abs().max(last.abs())).max(least);
    let decimals = decimals(step);
    let (low, high) = ((range.start / step).ceil(), (range.end / step).floor());
    let ticks = (0..=(high - low).max(0.0) as usize).map(|index| (low + index as f64) * step);
    let ticks = ticks.map(|tick| (tick, value_label(tick, decimals))).collect();
    Some(Axis { range, ticks })
}

/// An axis of values from `low`, or 0 where that is lower, to `high`, both of a size that can be drawn (at most 1e300).
pub(crate) fn linear(low: f64, high: f64) -> Axis {
    // From zero, so that heights can be compared.
    let low = low.min(0.0);
    let step = nice_step((high - low) / MOST_VALUES, low.abs().max(high.abs()));
    let (first, last) = ((low / step).floor(), (high / step).ceil());
    let last = if last > first { last } else { first + 1.0 };
    let decimals = decimals(step);
    let tick = |index: usize| (first + index as f64) * step;
    let ticks = (0..=(last - first) as usize).map(|index| (tick(index), value_label(tick(index), decimals))).collect();
    Axis { range: first * step..last * step, ticks }
}

/// How many decimals tell ticks of a step apart.
fn decimals(step: f64) -> usize {
    (-step.log10().floor()).clamp(0.0, 12.0) as usize
}

/// The next of 1, 2, 5, 10, ... times a power of ten. Values that are all the same get a step of their own size.
fn nice_step(wanted: f64, size: f64) -> f64 {
    let wanted = if wanted > size * 1e-9 { wanted } else { (size / 2.0).max(1e-9) };
    let power = 10f64.powf(wanted.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= wanted).unwrap_or(10.0 * power)
}

/// An axis of log10(value), from `low` to `high`: whole decades, so that every tick is round.
pub(crate) fn logarithmic(low: f64, high: f64) -> Axis {
    let first = low.floor() as i32;
    let last = (high.ceil() as i32).max(first + 1);
    let step = ((last - first) as usize).div_ceil(MOST_VALUES as usize);
    let ticks = (first..=last).step_by(step).map(|power| (f64::from(power), decade_label(power))).collect();
    Axis { range: f64::from(first)..f64::from(last), ticks }
}

fn decade_label(power: i32) -> String {
    value_label(10f64.powi(power), usize::try_from(-power).unwrap_or(0).min(12))
}

/// `0.25`, `500`, `20k`, `1.5M`.
fn value_label(value: f64, decimals: usize) -> String {
    let units = [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")];
    match units.into_iter().find(|(unit, _)| value.abs() >= *unit) {
        _ if value.abs() >= 1e15 => format!("{value:.0e}"),
        Some((1e4, _)) => format!("{}k", trimmed(value / 1e3)),
        Some((unit, name)) => format!("{}{name}", trimmed(value / unit)),
        None => format!("{value:.decimals$}"),
    }
}

/// At most three decimals, and no zeros at their end.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn dates_are_spaced_by_days_months_or_years() {
        let axis = |first: &str, last: &str| dates(first.parse().unwrap(), last.parse().unwrap());
        assert_eq!(labels(&axis("2020-02-27", "2020-03-01")), ["2020-02-27", "2020-02-28", "2020-02-29", "2020-03-01"]);
        assert_eq!(
            labels(&axis("2020-01-22", "2020-02-20")),
            ["2020-01-22", "2020-01-29", "2020-02-05", "2020-02-12", "2020-02-19"]
        );
        let long = axis("2020-01-22", "2023-03-09");
        assert_eq!(labels(&long), ["2020-07", "2021-01", "2021-07", "2022-01", "2022-07", "2023-01"]);
        assert_eq!(long.range, 0.0..1142.0);
        assert_eq!(long.ticks[0].0, 161.0);
        assert_eq!(labels(&axis("2020-01-22", "2020-11-30")), ["2020-03", "2020-05", "2020-07", "2020-09", "2020-11"]);
        assert_eq!(labels(&axis("2020-01-22", "2020-01-22")), ["2020-01-22"]);
        assert!(labels(&axis("-009999-01-01", "9999-12-31")).len() <= 7);
    }

    #[test]
    fn values_stand_on_round_ticks_that_hold_them() {
        assert_eq!(labels(&linear(3.0, 1_140_000.0)), ["0", "200k", "400k", "600k", "800k", "1M", "1.2M"]);
        assert_eq!(labels(&linear(13.0, 21.0)), ["0", "5", "10", "15", "20", "25"]);
        assert_eq!(labels(&linear(0.041, 0.1)), ["0.00", "0.02", "0.04", "0.06", "0.08", "0.10"]);
        assert_eq!(labels(&linear(-3.0, 2.0)), ["-3", "-2", "-1", "0", "1", "2"]);
    }

    #[test]
    fn numbers_keep_their_range() {
        let axis = |all: &[f64]| numbers(all).unwrap();
        assert_eq!(labels(&axis(&[1.0, 2.0, 7.0])), ["1", "2", "3", "4", "5", "6", "7"]);
        assert_eq!(labels(&axis(&[1.0, 2.0, 3.0])), ["1", "2", "3"]);
        assert_eq!(labels(&axis(&[1.0, 60.0])), ["10", "20", "30", "40", "50", "60"]);
        assert_eq!(labels(&axis(&[0.0, 0.025, 1.0])), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(axis(&[1.0, 7.0]).range, 1.0..7.0);
        assert_eq!((axis(&[3.0]).range, labels(&axis(&[3.0]))), (2.5..3.5, vec!["3"]));
        assert_eq!(numbers(&[]), None);
    }

    #[test]
    fn no_range_is_without_ticks() {
        for (low, high) in [(0.0, 0.0), (7.0, 7.0), (1e12, 1e12), (0.0, 1e300), (-1e300, 1e300), (0.0, 5e-324)] {
            let axis = linear(low, high);
            assert!(axis.range.start <= low && high <= axis.range.end, "{low} {high}: {axis:?}");
            assert!((2..=12).contains(&axis.ticks.len()), "{low} {high}: {axis:?}");
        }
        for (low, high) in [(0.0, 0.0), (-323.3, 300.0), (-0.3, 0.5)] {
            assert!((2..=9).contains(&logarithmic(low, high).ticks.len()), "{low} {high}");
        }
    }

    #[test]
    fn decades_are_round() {
        assert_eq!(labels(&logarithmic(0.5, 6.1)), ["1", "100", "10k", "1M"]);
        assert_eq!(labels(&logarithmic(-1.7, -0.3)), ["0.01", "0.1", "1"]);
    }
}
