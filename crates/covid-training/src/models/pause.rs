//! Pauses of reporting: a place that stops publishing is not at the end of its epidemic. Weekly reporters that are late and
//! holidays look alike: counts that do not change, where counts of such a place had never stood still for so long.
//!
//! A series pauses if its last k days brought no change, 1 <= k <= 20, while in each of the four weeks before there were at
//! least 50 new counts, and in the eight weeks before no silence was as long as k. Where zeros are ordinary,
//! as for deaths and in small places, only the place as a whole tells: deaths pause with the cases. A series that pauses is
//! read as of its last report ([`super::recent::Recent`]); what is missing comes later in bulk, or never.
//!
//! A pause of k days is the end of reporting with a chance of k / (k + 28): what has lasted for k days lasts for d more with a
//! chance of k / (k + d) (Gott 1993, doi 10.1038/363315a0), and four weeks more are as good as an end here. Otherwise reports
//! come back within a week: for d days nothing comes with a chance of (k / (k + d))^2 (1 - d / 7). Of pauses of cases in JHU's
//! series up to 2021-11 that had lasted for 5, 10 and 14 days, the week after brought nothing in 0.14 (of 50), 0.28 (of 25) and
//! 0.38 (of 13), against 0.15, 0.26 and 0.33 here, and the day after in 0.64 and 0.84 of the first two, against 0.66 and 0.79;
//! later, when many places gave up reporting, the week in 0.20, 0.35 and 0.55.

/// The longest pause, in days. Of longer silences most are the end of reporting.
const LONGEST: usize = 20;

/// New counts a week from which on a silence is no accident.
const LEAST: f64 = 50.0;

/// Weeks before the silence that must have had new counts, and weeks whose own silences it is compared with.
const STEADY_WEEKS: usize = 4;
const COMPARED_WEEKS: usize = 8;

/// A pause that lasts for so many days more is the end of reporting.
const FOR_GOOD: f64 = 28.0;

/// Days of reporting that are missing at the end of a series of `days` days; 0 where it does not pause. `count` is the count
/// so many days ago.
pub(super) fn length(days: usize, count: impl Fn(usize) -> f64) -> usize {
    let still = |ago: usize| count(ago) == count(ago + 1);
    let silence = (0..=LONGEST).take_while(|&ago| ago + 1 < days && still(ago)).count();
    if silence == 0 || silence > LONGEST || days <= silence + 7 * STEADY_WEEKS {
        return 0;
    }
    let new = |week: usize| count(silence + 7 * week) - count(silence + 7 * week + 7);
    let steady = (0..STEADY_WEEKS).all(|week| new(week) >= LEAST);
    // Before the first count there was nothing to report.
    let compared = (silence..silence + 7 * COMPARED_WEEKS).take_while(|&ago| ago + 1 < days && count(ago + 1) > 0.0);
    let mut run = 0;
    let as_long = |ago: usize| {
        run = if still(ago) { run + 1 } else { 0 };
        run >= silence
    };
    if steady && !compared.into_iter().any(as_long) { silence } else { 0 }
}

/// The chance that nothing comes within so many days; 0 without a pause.
pub(crate) fn goes_on(pause: usize, days: usize) -> f64 {
    if pause == 0 {
        return 0.0;
    }
    let (pause, days) = (pause as f64, days as f64);
    let for_good = pause / (pause + FOR_GOOD);
    for_good + (1.0 - for_good) * (pause / (pause + days)).powi(2) * (1.0 - days / 7.0).max(0.0)
}

/// What is missing after a pause, as a share of the counts of `days` days ahead.
pub(crate) fn missing(pause: usize, days: usize) -> f64 {
    pause as f64 / days.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pause of a series that has `new` counts on each of some days, the oldest first.
    fn pause(new: &[f64]) -> usize {
        let mut count = 1000.0;
        let counts: Vec<f64> = new
            .iter()
            .map(|new| {
                count += new;
                count
            })
            .collect();
        length(counts.len(), |ago| counts[counts.len().saturating_sub(1 + ago)])
    }

    #[test]
    fn silence_is_a_pause_where_counts_were_steady_and_for_three_weeks() {
        let silent = |before: &[f64], days: usize| pause(&[before, &vec![0.0; days]].concat());
        assert_eq!([0, 1, 5, 20, 21, 40].map(|days| silent(&[10.0; 70], days)), [0, 1, 5, 20, 0, 0]);
        assert_eq!(silent(&[7.0; 70], 5), 0, "in a small place zeros are ordinary");
        let wave: Vec<f64> = (0..70).map(|day| 2000.0 * 0.8f64.powi(day)).collect();
        assert_eq!(silent(&wave, 5), 0, "the end of a wave");
        assert_eq!(silent(&[10.0; 27], 3), 0, "less than four weeks");
    }

    #[test]
    fn a_silence_is_compared_with_those_that_a_place_is_used_to() {
        let weekly: Vec<f64> = (0..70).map(|day| if day % 7 == 6 { 100.0 } else { 0.0 }).collect();
        assert_eq!([0, 6, 7, 13].map(|late| pause(&[&weekly[..], &vec![0.0; late]].concat())), [0, 0, 7, 13]);
        let holiday = [&[20.0; 30][..], &[0.0; 6], &[140.0], &[20.0; 35]].concat();
        assert_eq!([6, 7].map(|days| pause(&[&holiday[..], &vec![0.0; days]].concat())), [0, 7]);
    }

    #[test]
    fn what_has_lasted_long_lasts_longer() {
        assert_eq!(goes_on(0, 1), 0.0);
        assert_eq!([goes_on(14, 0), goes_on(14, 7), goes_on(14, 28)], [1.0, 1.0 / 3.0, 1.0 / 3.0]);
        assert!(goes_on(3, 2) > goes_on(3, 6) && goes_on(5, 7) > goes_on(3, 7));
    }
}
