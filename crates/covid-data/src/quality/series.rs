//! What is odd in one series of cumulative counts, by day, NaN where missing. Gaps are passed over.

use covid_core::Target;

const WEEK: usize = 7;
/// Weeks before a day to which its new count is compared.
const WEEKS_BEFORE: usize = 4;
/// A day with more new counts than so many of the largest of those weeks is a jump: 21 days of that week's mean.
const JUMP: f64 = 3.0;
/// Weeks in which a weekly reporter is looked for, and the fewest reports that make one.
const WEEKLY_WEEKS: usize = 8;
const FEWEST_REPORTS: usize = 3;

/// The smallest new count of a day that can be a jump: below it, one household or one hospital's list is enough.
pub const fn least_jump(target: Target) -> f64 {
    match target {
        Target::ConfirmedCases => 100.0,
        Target::Fatalities => 20.0,
    }
}

/// From a published count to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The day of the later count.
    pub day: usize,
    /// Days since the earlier.
    pub days: usize,
    /// The earlier count.
    pub before: f64,
    /// The later count.
    pub count: f64,
}

impl Step {
    pub(super) const NONE: Self = Self { day: 0, days: 0, before: 0.0, count: 0.0 };

    /// The new counts; below 0 where the later count is the lower.
    pub fn increase(&self) -> f64 {
        self.count - self.before
    }
}

/// Every published count but the first.
fn steps(counts: &[f64]) -> impl Iterator<Item = Step> {
    let mut before: Option<(usize, f64)> = None;
    counts.iter().enumerate().filter(|(_, count)| !count.is_nan()).filter_map(move |(day, &count)| {
        let earlier = before.replace((day, count));
        earlier.map(|(last, before)| Step { day, days: day - last, before, count })
    })
}

/// Counts that are lower than the one before them.
pub fn decreases(counts: &[f64]) -> impl Iterator<Item = Step> {
    steps(counts).filter(|step| step.count < step.before)
}

/// New counts of at least `least` that are jumps, each with the new counts of the largest week before it.
pub fn jumps(counts: &[f64], least: f64) -> impl Iterator<Item = (Step, f64)> {
    steps(counts).filter(move |step| step.increase() >= least).filter_map(|step| {
        let largest = largest_week(counts, step.day - step.days)?;
        let weeks = step.days.div_ceil(WEEK) as f64;
        (step.increase() > JUMP * largest * weeks).then_some((step, largest))
    })
}

/// The new counts of the largest of the weeks that end with a day; at least 0, since a week with a correction says
/// nothing of the others. None without a count before those weeks.
fn largest_week(counts: &[f64], day: usize) -> Option<f64> {
    let mut largest = 0f64;
    let mut later = count_on(counts, day)?;
    for week in 1..=WEEKS_BEFORE {
        let earlier = count_on(counts, day.checked_sub(week * WEEK)?)?;
        largest = largest.max(later - earlier);
        later = earlier;
    }
    Some(largest)
}

/// The count of a day, or the last one before it.
fn count_on(counts: &[f64], day: usize) -> Option<f64> {
    counts.get(..=day)?.iter().rev().find(|count| !count.is_nan()).copied()
}

/// The last day on which the count changed.
pub(super) fn last_change(counts: &[f64]) -> Option<usize> {
    steps(counts).filter(|step| step.count != step.before).last().map(|step| step.day)
}

/// The last so many counts, all of them where there are fewer.
pub(super) fn last_days(counts: &[f64], days: usize) -> &[f64] {
    counts.get(counts.len().saturating_sub(days)..).unwrap_or_default()
}

/// Where the last weeks have enough changes, and all on one day of the week: the first of the changes that have been on
/// that day ever since.
pub(super) fn weekly_since(counts: &[f64]) -> Option<usize> {
    let changes: Vec<usize> = steps(counts).filter(|step| step.count != step.before).map(|step| step.day).collect();
    let last = *changes.last()?;
    let since = *changes.iter().rev().take_while(|&&day| (last - day) % WEEK == 0).last()?;
    let recent_from = counts.len().saturating_sub(WEEKLY_WEEKS * WEEK);
    let recent = changes.iter().filter(|&&day| day >= recent_from);
    let weekly = recent.clone().all(|&day| day >= since) && recent.count() >= FEWEST_REPORTS;
    weekly.then_some(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: f64 = f64::NAN;

    /// Cumulative counts with so many new ones each day.
    fn cumulative(new: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut total = 0.0;
        new.into_iter()
            .map(|new| {
                total += new;
                total
            })
            .collect()
    }

    fn jump_days(counts: &[f64]) -> Vec<usize> {
        jumps(counts, 100.0).map(|(step, _)| step.day).collect()
    }

    #[test]
    fn a_gap_is_neither_a_decrease_nor_a_change() {
        let counts = [5.0, GAP, 5.0, GAP, 3.0, 4.0];
        let falls: Vec<Step> = decreases(&counts).collect();
        assert_eq!(falls, [Step { day: 4, days: 2, before: 5.0, count: 3.0 }]);
        assert_eq!(last_change(&counts), Some(5));
        assert_eq!(last_change(&[GAP, 5.0, GAP, 5.0]), None);
    }

    #[test]
    fn weekly_reporters_change_on_one_weekday() {
        let weekly: Vec<f64> = (0..29).map(|day| f64::from(day / 7)).collect();
        assert_eq!(weekly_since(&weekly), Some(7));
        let with_gaps: Vec<f64> = (0..29).map(|day| if day % 7 == 0 { f64::from(day) } else { GAP }).collect();
        assert_eq!(weekly_since(&with_gaps), Some(7));
        let daily: Vec<f64> = (0..29).map(f64::from).collect();
        assert_eq!(weekly_since(&daily), None);
        assert_eq!(weekly_since(&[1.0; 29]), None);
    }

    #[test]
    fn a_place_is_weekly_since_it_gave_up_daily_reports() {
        let new = |day: usize| if day < 40 || day % 7 == 3 { 1.0 } else { 0.0 };
        let counts = cumulative((0..120).map(new));
        // Day 38 is on that day of the week, too, but 39 is not.
        assert_eq!(weekly_since(&counts), Some(45));
        // Three reports are too few for a custom, and one on another day within the eight weeks breaks it.
        assert_eq!(weekly_since(&counts[..60]), None);
        let mut broken = counts.clone();
        broken[110..].iter_mut().for_each(|count| *count += 1.0);
        assert_eq!(weekly_since(&broken), None);
    }

    #[test]
    fn a_jump_is_beyond_three_of_the_largest_weeks() {
        let flat = |jump: f64| cumulative((0..40).map(|day| if day == 35 { jump } else { 10.0 }));
        assert_eq!(jump_days(&flat(210.0)), [0usize; 0]);
        assert_eq!(jump_days(&flat(211.0)), [35]);
        assert_eq!(jumps(&flat(211.0), 100.0).next().map(|(step, week)| (step.increase(), week)), Some((211.0, 70.0)));
        // Too small to matter, and too early to judge.
        assert_eq!(jump_days(&cumulative((0..40).map(|day| if day == 35 { 99.0 } else { 0.0 }))), [0usize; 0]);
        assert_eq!(jump_days(&cumulative((0..40).map(|day| if day == 28 { 1e6 } else { 10.0 }))), [0usize; 0]);
        assert_eq!(jump_days(&cumulative((0..40).map(|day| if day == 29 { 1e6 } else { 10.0 }))), [29]);
    }

    #[test]
    fn neither_growth_nor_weekly_reports_are_jumps() {
        let doubling = cumulative((0..80).map(|day| 2f64.powf(f64::from(day) / 2.0)));
        assert_eq!(jump_days(&doubling), [0usize; 0]);
        let weekly = cumulative((0..80).map(|day| if day % 7 == 0 { 5000.0 } else { 0.0 }));
        assert_eq!(jump_days(&weekly), [0usize; 0]);
        // Two weeks of silence, and then all of it at once.
        let catching_up =
            cumulative((0..80).map(|day| [1000.0, 0.0, 14_000.0][usize::from(day > 40) + usize::from(day == 55)]));
        assert_eq!(jump_days(&catching_up), [0usize; 0]);
    }

    #[test]
    fn what_comes_after_a_gap_may_be_as_many_weeks_larger() {
        let with_gap = |new: f64| {
            let mut counts = cumulative((0..60).map(|day| if day == 50 { new } else { 10.0 }));
            counts[35..50].fill(GAP);
            counts
        };
        // 16 days are three weeks: 9 times 70, of which 150 came day by day.
        assert_eq!(jump_days(&with_gap(480.0)), [0usize; 0]);
        assert_eq!(jump_days(&with_gap(481.0)), [50]);
    }
}
