//! The figures of the report, each a pure function of published counts.
//!
//! A series holds cumulative counts by day, NaN where none was published. Sources revise: a total may go down. Then the
//! new count of that day is below 0, and is shown as it was published. It says nothing of that day's epidemic, though, and
//! in a mean of 7 days it would hide a week, so [`weekly_mean`] leaves such days out, and the page marks them.
//! `crates/covid-report/src/explorer/script.js` computes the same mean in the page; the browser test compares the two.

use covid_core::Date;

const WEEK: usize = 7;
/// A mean over fewer days of the 7 would be that of other days than it says.
const FEWEST_DAYS: usize = 4;
/// Below this many cases, a share of deaths is chance.
const FEWEST_CASES: f64 = 100.0;

/// The counts with every gap filled by the count before it; 0 before the first.
pub(crate) fn carried(counts: &[f64]) -> Vec<f64> {
    let carry = |last: &mut f64, count: &f64| {
        if !count.is_nan() {
            *last = *count;
        }
        Some(*last)
    };
    counts.iter().scan(0.0, carry).collect()
}

/// What each published count adds to the last one before it, below 0 where a revision lowered the total. NaN in gaps and
/// for the first count, of which nobody knows how long it took.
pub(crate) fn new_counts(counts: &[f64]) -> Vec<f64> {
    let mut before = f64::NAN;
    let added = |count: &f64| {
        let added = count - before;
        before = if count.is_nan() { before } else { *count };
        added
    };
    counts.iter().map(added).collect()
}

/// New counts a day as the mean of the 7 days that end on each day. A count after a gap is spread over the days it stands
/// for, so that a place that publishes once a week has an even mean. Days on which a revision lowered the total are left
/// out. NaN where a day of the 7 is not known, or fewer than 4 are left.
pub(crate) fn weekly_mean(counts: &[f64]) -> Vec<f64> {
    let spread = spread_counts(counts);
    let mean = |day: usize| {
        let week = (day + 1).checked_sub(WEEK).map_or(&[f64::NAN][..], |from| &spread[from..=day]);
        let kept: Vec<f64> = week.iter().copied().filter(|added| *added >= 0.0).collect();
        if kept.len() < FEWEST_DAYS || week.iter().any(|added| added.is_nan()) {
            return f64::NAN;
        }
        kept.iter().sum::<f64>() / kept.len() as f64
    };
    (0..counts.len()).map(mean).collect()
}

/// New counts with those that come after a gap spread evenly over its days.
fn spread_counts(counts: &[f64]) -> Vec<f64> {
    let mut spread = vec![f64::NAN; counts.len()];
    let mut before: Option<(usize, f64)> = None;
    for (day, &count) in counts.iter().enumerate().filter(|(_, count)| !count.is_nan()) {
        if let Some((last, total)) = before {
            spread[last + 1..=day].fill((count - total) / (day - last) as f64);
        }
        before = Some((day, count));
    }
    spread
}

/// How many published counts are lower than the last one before them.
pub(crate) fn revisions(counts: &[f64]) -> usize {
    new_counts(counts).iter().filter(|added| **added < 0.0).count()
}

/// Deaths for every case so far. NaN below 100 cases, and where either is not known.
pub(crate) fn case_fatality(deaths: f64, cases: f64) -> f64 {
    if cases >= FEWEST_CASES && deaths >= 0.0 { deaths / cases } else { f64::NAN }
}

/// How the weekly mean changed in 7 days: 0.25 for a quarter more. NaN where either mean is not known, or there was
/// nothing to grow from.
pub(crate) fn weekly_growth(mean: &[f64]) -> f64 {
    match (mean.last(), mean.len().checked_sub(1 + WEEK).map(|day| mean[day])) {
        (Some(now), Some(before)) if before > 0.0 => now / before - 1.0,
        _ => f64::NAN,
    }
}

/// Days in which the total doubles at the pace of the 7 days that end on a day. NaN where it does not grow, and where the
/// first of the two totals is 0 or either is not known.
pub(crate) fn doubling_days(counts: &[f64], day: usize) -> f64 {
    let (Some(now), Some(before)) = (counts.get(day), day.checked_sub(WEEK).map(|before| counts[before])) else {
        return f64::NAN;
    };
    if before > 0.0 && *now > before { WEEK as f64 * 2f64.ln() / (now / before).ln() } else { f64::NAN }
}

/// Each weekday's share of the new counts of the last 52 weeks, Monday first. New counts below 0 count as 0; none where
/// nothing was published.
pub(crate) fn weekday_shares(counts: &[f64], first: Date) -> [Option<f64>; 7] {
    const DAYS: usize = 52 * WEEK;
    let mut sums = [0.0; 7];
    let offset = usize::from(first.weekday().to_monday_zero_offset().unsigned_abs());
    for (day, added) in new_counts(counts).into_iter().enumerate().skip(counts.len().saturating_sub(DAYS)) {
        sums[(offset + day) % WEEK] += added.max(0.0);
    }
    let total: f64 = sums.iter().sum();
    sums.map(|sum| (total > 0.0).then(|| sum / total))
}

/// A count for every 100,000 people; none where the population is not known.
pub(crate) fn per_100_000(count: f64, population: Option<f64>) -> Option<f64> {
    population.filter(|people| *people > 0.0).map(|people| count * 1e5 / people).filter(|rate| rate.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: f64 = f64::NAN;

    /// Equality in which a gap equals a gap.
    #[track_caller]
    fn assert_series(found: &[f64], expected: &[f64]) {
        let same = |(a, b): (&f64, &f64)| a.is_nan() && b.is_nan() || (a - b).abs() < 1e-9;
        assert!(found.len() == expected.len() && found.iter().zip(expected).all(same), "{found:?}, not {expected:?}");
    }

    #[test]
    fn gaps_repeat_the_count_before() {
        assert_series(&carried(&[GAP, 2.0, GAP, GAP, 1.0]), &[0.0, 2.0, 2.0, 2.0, 1.0]);
        assert_series(&carried(&[]), &[]);
    }

    #[test]
    fn new_counts_are_as_published() {
        let counts = [GAP, 5.0, 7.0, GAP, 10.0, 4.0, 4.0];
        assert_series(&new_counts(&counts), &[GAP, GAP, 2.0, GAP, 3.0, -6.0, 0.0]);
        assert_eq!(revisions(&counts), 1);
    }

    #[test]
    fn the_mean_starts_when_seven_days_are_known() {
        let counts: Vec<f64> = (0..9).map(|day| f64::from(day) * 10.0).collect();
        let mean = weekly_mean(&counts);
        assert_series(&mean, &[GAP, GAP, GAP, GAP, GAP, GAP, GAP, 10.0, 10.0]);
        assert_series(&weekly_mean(&counts[..7]), &[GAP; 7]);
    }

    #[test]
    fn a_weekly_reporter_has_an_even_mean() {
        let counts: Vec<f64> = (0..22).map(|day| if day % 7 == 0 { f64::from(day) * 3.0 } else { GAP }).collect();
        let mean = weekly_mean(&counts);
        assert!(mean[7..].iter().all(|mean| *mean == 3.0), "{mean:?}");
        // What no later count has told is not known.
        assert!(weekly_mean(&counts[..21])[15..].iter().all(|mean| mean.is_nan()));
    }

    #[test]
    fn a_revision_is_left_out_of_the_mean() {
        let mut counts: Vec<f64> = (0..20).map(|day| f64::from(day) * 10.0).collect();
        for count in &mut counts[10..] {
            *count -= 1000.0;
        }
        assert_eq!(new_counts(&counts)[10], -990.0);
        assert!(weekly_mean(&counts)[7..].iter().all(|mean| *mean == 10.0));
    }

    #[test]
    fn too_few_days_have_no_mean() {
        // 4 of 7 new counts are revisions.
        let counts = [9.0, 8.0, 9.0, 8.0, 9.0, 8.0, 9.0, 8.0];
        assert!(weekly_mean(&counts)[7].is_nan());
        assert_eq!(weekly_mean(&[9.0, 8.0, 9.0, 8.0, 9.0, 8.0, 9.0, 10.0])[7], 1.0);
    }

    #[test]
    fn case_fatality_needs_cases() {
        assert_eq!(case_fatality(3.0, 200.0), 0.015);
        for (deaths, cases) in [(1.0, 99.0), (0.0, 0.0), (GAP, 500.0), (5.0, GAP), (-1.0, 500.0)] {
            assert!(case_fatality(deaths, cases).is_nan(), "{deaths} of {cases}");
        }
    }

    #[test]
    fn growth_is_from_week_to_week() {
        assert_eq!(weekly_growth(&[8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 10.0]), 0.25);
        for mean in [&[][..], &[1.0; 7], &[0.0; 8], &[GAP; 8]] {
            assert!(weekly_growth(mean).is_nan(), "{mean:?}");
        }
    }

    #[test]
    fn a_total_that_doubles_in_a_week_doubles_in_seven_days() {
        let counts = [10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 20.0, 40.0];
        assert!((doubling_days(&counts, 7) - 7.0).abs() < 1e-12);
        assert!((doubling_days(&counts, 8) - 3.5).abs() < 1e-12);
        assert!(doubling_days(&counts, 6).is_nan() && doubling_days(&counts, 9).is_nan());
        for (before, now) in [(0.0, 5.0), (5.0, 5.0), (5.0, 4.0), (GAP, 5.0), (5.0, GAP)] {
            assert!(doubling_days(&[before, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, now], 7).is_nan(), "{before} to {now}");
        }
    }

    #[test]
    fn weekdays_share_what_is_new() {
        // 2020-01-22 was a Wednesday; from there 10 on each Thursday, and 30 on each Friday.
        let first = Date::constant(2020, 1, 22);
        let mut total = 0.0;
        let counts: Vec<f64> = (0..15)
            .map(|day| {
                total += [0.0, 10.0, 30.0, 0.0, 0.0, 0.0, 0.0][day % 7];
                total
            })
            .collect();
        let shares = weekday_shares(&counts, first).map(Option::unwrap);
        assert_eq!(shares, [0.0, 0.0, 0.0, 0.25, 0.75, 0.0, 0.0]);
        assert_eq!(weekday_shares(&[5.0, 5.0, 4.0], first), [None; 7]);
        assert_eq!(weekday_shares(&[], first), [None; 7]);
    }

    #[test]
    fn a_rate_needs_people() {
        assert_eq!(per_100_000(50.0, Some(1e6)), Some(5.0));
        for population in [None, Some(0.0), Some(-3.0), Some(GAP)] {
            assert_eq!(per_100_000(50.0, population), None);
        }
        assert_eq!(per_100_000(GAP, Some(1e6)), None);
    }
}
