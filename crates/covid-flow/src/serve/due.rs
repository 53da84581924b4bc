//! What is due of a schedule at an instant.

use std::time::Duration;

use covid_core::Timestamp;

use crate::CronSchedule;

/// The times of a schedule that came since it was looked at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    /// The latest, if it is not too late for it.
    pub(super) run: Option<Timestamp>,
    /// The others.
    pub(super) missed: Option<Missed>,
    /// The latest: every time up to it is in one of the two.
    pub(super) until: Timestamp,
}

/// Times that nothing was run for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missed {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) count: u64,
}

/// What came after `looked` and not after `now`; none if nothing did.
pub(super) fn due(times: &CronSchedule, looked: Timestamp, now: Timestamp, grace: Duration) -> Option<Due> {
    let mut missed: Option<Missed> = None;
    let mut latest = next(times, looked, now)?;
    while let Some(later) = next(times, latest, now) {
        miss(&mut missed, latest);
        latest = later;
    }
    let late = Duration::try_from(now.duration_since(latest)).unwrap_or_default();
    let run = (late <= grace).then_some(latest);
    if run.is_none() {
        miss(&mut missed, latest);
    }
    Some(Due { run, missed, until: latest })
}

fn next(times: &CronSchedule, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
    times.next_after(after).filter(|time| *time <= until)
}

fn miss(missed: &mut Option<Missed>, time: Timestamp) {
    let missed = missed.get_or_insert(Missed { first: time, last: time, count: 0 });
    missed.last = time;
    missed.count += 1;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    proptest! {
        #[test]
        fn every_time_is_run_once_or_said_to_be_missed(
            pattern in proptest::sample::select(&["20 12 * * *", "*/7 * * * *", "30 2 * * *", "0 0 1 * *"][..]),
            start in 1_735_689_600_i64..1_767_225_600, // 2025
            waits in proptest::collection::vec(prop_oneof![1_i64..600, 3_000_i64..90_000, 100_000_i64..400_000], 1..20),
            grace in 0_u64..100_000,
        ) {
            let times = CronSchedule::new(pattern, "Europe/Berlin").unwrap();
            let (mut now, mut looked) = (start, at(start));
            let (mut run, mut missed) = (vec![], 0);
            for wait in waits {
                now += wait;
                let Some(due) = due(&times, looked, at(now), Duration::from_secs(grace)) else { continue };
                prop_assert!(due.until > looked && due.until <= at(now));
                if let Some(time) = due.run {
                    prop_assert!(at(now).duration_since(time).as_secs() as u64 <= grace);
                    run.push(time);
                }
                missed += due.missed.map_or(0, |missed| missed.count);
                looked = due.until;
            }
            let mut all = vec![];
            let mut last = at(start);
            while let Some(time) = next(&times, last, at(now)) {
                all.push(time);
                last = time;
            }
            prop_assert!(run.is_sorted_by(|one, other| one < other), "none twice");
            prop_assert!(run.iter().all(|time| all.contains(time)));
            prop_assert_eq!(run.len() as u64 + missed, all.len() as u64);
        }
    }

    #[test]
    fn the_latest_is_run_and_the_others_are_missed() {
        let times = CronSchedule::new("0 * * * *", "UTC").unwrap();
        let hour = |hours: i64| at(hours * 3600);
        let grace = Duration::from_secs(600);
        assert_eq!(due(&times, hour(0), at(3599), grace), None);
        assert_eq!(
            due(&times, hour(0), hour(1), grace),
            Some(Due { run: Some(hour(1)), missed: None, until: hour(1) })
        );
        let missed = |last: i64| Some(Missed { first: hour(1), last: hour(last), count: last as u64 });
        assert_eq!(
            due(&times, hour(0), at(4 * 3600 + 600), grace),
            Some(Due { run: Some(hour(4)), missed: missed(3), until: hour(4) })
        );
        assert_eq!(
            due(&times, hour(0), at(4 * 3600 + 601), grace),
            Some(Due { run: None, missed: missed(4), until: hour(4) })
        );
    }
}
