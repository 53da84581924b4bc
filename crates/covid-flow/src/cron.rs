//! Times of a schedule: a cron pattern in a time zone.

use std::cmp::Ordering;

use covid_core::Timestamp;
use croner::{
    CivilDate, CivilDateTime, CivilTime, Cron, CronDateTime, Resolution, Weekday,
    errors::CronError,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    SignedDuration,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

use crate::FlowError;

/// A cron pattern (minute, hour, day of the month, month, day of the week; or `@daily` and the like) in a time zone of the
/// IANA database.
///
/// Where clocks change, a pattern that names its hours follows the clock on the wall: each of its times comes once a day. One
/// that does not exist, since the clock is put forward, comes as soon as it has been; of one that there is twice, the first
/// counts. A pattern for all hours (`*` or `*/n` there) follows what passes: nothing comes for an hour that is left out, and
/// it comes in both of an hour that there is twice.
#[derive(Debug, Clone)]
pub struct CronSchedule {
    pattern: String,
    time_zone_name: String,
    cron: Cron,
    time_zone: TimeZone,
}

impl CronSchedule {
    /// A schedule.
    ///
    /// # Errors
    /// [`FlowError::BadCron`], also for a pattern that never comes; [`FlowError::BadTimeZone`].
    pub fn new(pattern: &str, time_zone: &str) -> Result<Self, FlowError> {
        let bad = |reason: String| FlowError::BadCron { pattern: pattern.to_owned(), reason };
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(pattern).map_err(|error| bad(error.to_string().trim_end_matches('.').to_owned()))?;
        let found = TimeZone::get(time_zone).map_err(|_| FlowError::BadTimeZone { name: time_zone.to_owned() })?;
        let (pattern, time_zone_name) = (pattern.trim().to_owned(), time_zone.to_owned());
        let schedule = Self { pattern, time_zone_name, cron, time_zone: found };
        match schedule.next_after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(bad("there is no such day".into())),
        }
    }

    /// The pattern.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The name of the time zone.
    pub fn time_zone(&self) -> &str {
        &self.time_zone_name
    }

    /// The first time after an instant; none after the year 4999.
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        if self.cron.pattern.hours.from_wildcard { self.next_by_hours(instant) } else { self.next_by_wall(instant) }
    }

    fn next_by_wall(&self, after: Timestamp) -> Option<Timestamp> {
        let mut wall = self.time_zone.to_datetime(after);
        loop {
            wall = self.next_on_wall(wall, false)?;
            let comes = self.first_instant(wall)?;
            // What was put off over the change of clocks, or comes a second time, may be behind.
            if comes > after {
                return Some(comes);
            }
        }
    }

    /// When the clock on the wall first shows a time or, if it leaves it out, a later one.
    fn first_instant(&self, wall: DateTime) -> Option<Timestamp> {
        match self.time_zone.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(wall).ok(),
            AmbiguousOffset::Gap { after, .. } => {
                // By the clock of after the change this would be before it.
                let before_change = after.to_timestamp(wall).ok()?;
                self.time_zone.following(before_change).next().map(|change| change.timestamp())
            }
        }
    }

    fn next_by_hours(&self, after: Timestamp) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        loop {
            let offset = self.time_zone.to_offset(from);
            let wall = self.next_on_wall(offset.to_datetime(from), inclusive)?;
            let comes = offset.to_timestamp(wall).ok()?;
            match self.time_zone.following(from).next().map(|change| change.timestamp()) {
                Some(change) if change <= comes => (from, inclusive) = (change, true),
                _ => return Some(comes),
            }
        }
    }

    /// The next time of the pattern on a clock that is never changed.
    fn next_on_wall(&self, wall: DateTime, inclusive: bool) -> Option<DateTime> {
        self.cron.find_next_occurrence(&Wall(wall), inclusive).ok().map(|found| found.0)
    }
}

/// A time on a wall, as croner wants it. (Its own support is for an older jiff, and knows another rule for changes of clocks.)
#[derive(Debug, Clone)]
struct Wall(DateTime);

impl CronDateTime for Wall {
    fn to_civil(&self) -> CivilDateTime {
        let unsigned = |part: i8| u32::from(part.unsigned_abs());
        let Self(wall) = self;
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(i32::from(wall.year()), unsigned(wall.month()), unsigned(wall.day())),
            CivilTime::from_parts_unchecked(unsigned(wall.hour()), unsigned(wall.minute()), unsigned(wall.second())),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        Weekday::from_days_from_sunday(u32::from(self.0.weekday().to_sunday_zero_offset().unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let part = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidTime);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let (month, day) = (part(civil.month())?, part(civil.day())?);
        let (hour, minute, second) = (part(civil.hour())?, part(civil.minute())?, part(civil.second())?);
        let wall = DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| CronError::InvalidDate)?;
        Ok(Resolution::Single(Self(wall)))
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ZONES: [&str; 8] = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/St_Johns",
        "Australia/Lord_Howe", // half an hour
        "Africa/Casablanca",   // back for Ramadan
        "Asia/Kolkata",
        "Pacific/Apia",
    ];
    const PATTERNS: [&str; 9] = [
        "20 12 * * *",
        "30 2 * * *",
        "0 2,14 * * *",
        "*/15 1-3 * * *",
        "0 * * * *",
        "*/20 * * * *",
        "5 */2 * * *",
        "15 2 31 * *",
        "0 3 1 1,7 SUN",
    ];

    /// The next times after an instant, in local time with the offset.
    fn times(pattern: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let schedule = CronSchedule::new(pattern, zone).unwrap();
        let mut instant: Timestamp = after.parse().unwrap();
        let mut times = vec![];
        for _ in 0..count {
            instant = schedule.next_after(instant).unwrap();
            let local = instant.to_zoned_datetime(schedule.time_zone.clone());
            times.push(local.strftime("%m-%d %H:%M%:z").to_string());
        }
        times
    }

    #[test]
    fn a_time_that_does_not_exist_comes_as_soon_as_it_has_been() {
        let before = "2025-03-29T12:00:00Z"; // Berlin goes from 02:00+01:00 to 03:00+02:00 in the night.
        let berlin = |pattern| times(pattern, "Europe/Berlin", before, 2);
        assert_eq!(berlin("30 2 * * *"), ["03-30 03:00+02:00", "03-31 02:30+02:00"]);
        assert_eq!(berlin("*/15 2 * * *"), ["03-30 03:00+02:00", "03-31 02:00+02:00"], "once for four");
        assert_eq!(berlin("0 2,3 * * *"), ["03-30 03:00+02:00", "03-31 02:00+02:00"], "once for two");
        assert_eq!(berlin("20 12 * * *"), ["03-30 12:20+02:00", "03-31 12:20+02:00"]);
    }

    #[test]
    fn of_a_time_that_there_is_twice_the_first_counts() {
        let before = "2025-10-25T12:00:00Z"; // Berlin goes from 03:00+02:00 back to 02:00+01:00 in the night.
        let berlin = |pattern, count| times(pattern, "Europe/Berlin", before, count);
        assert_eq!(berlin("30 2 * * *", 2), ["10-26 02:30+02:00", "10-27 02:30+01:00"]);
        assert_eq!(berlin("0,30 2,3 * * *", 4)[1..], ["10-26 02:30+02:00", "10-26 03:00+01:00", "10-26 03:30+01:00"]);
    }

    #[test]
    fn a_pattern_for_all_hours_follows_what_passes() {
        let spring = times("0 * * * *", "Europe/Berlin", "2025-03-29T23:30:00Z", 3);
        assert_eq!(spring, ["03-30 01:00+01:00", "03-30 03:00+02:00", "03-30 04:00+02:00"]);
        let autumn = times("0 * * * *", "Europe/Berlin", "2025-10-25T23:30:00Z", 4);
        assert_eq!(autumn, ["10-26 02:00+02:00", "10-26 02:00+01:00", "10-26 03:00+01:00", "10-26 04:00+01:00"]);
    }

    #[test]
    fn a_day_that_was_left_out_is_made_up_for() {
        // Samoa had no 30 December 2011.
        let samoa = times("20 12 * * *", "Pacific/Apia", "2011-12-30T00:00:00Z", 2);
        assert_eq!(samoa, ["12-31 00:00+14:00", "12-31 12:20+14:00"]);
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for pattern in ["", "* * * *", "60 * * * *", "* * * * * *", "0 0 30 2 *", "1 2 3 4 5 6 7", "every day", "é"] {
            let refused = CronSchedule::new(pattern, "UTC");
            assert!(matches!(refused, Err(FlowError::BadCron { .. })), "{pattern}: {refused:?}");
        }
        let refused = CronSchedule::new("@daily", "Europe/Atlantis");
        assert!(matches!(refused, Err(FlowError::BadTimeZone { .. })), "{refused:?}");
        assert!(CronSchedule::new("@daily", "europe/berlin").is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Against the plainest way to say it: look at every minute of some days, and at what the wall shows then.
        #[test]
        fn the_times_are_those_that_a_look_at_every_minute_finds(
            zone in proptest::sample::select(&ZONES[..]),
            pattern in proptest::sample::select(&PATTERNS[..]),
            start in 1_293_840_000_i64..1_924_992_000, // 2011 to 2030
        ) {
            let schedule = CronSchedule::new(pattern, zone).unwrap();
            let start = start / 60 * 60;
            let minutes = 3 * 24 * 60;
            let last = Timestamp::from_second(start + minutes * 60).unwrap();
            let mut found = vec![];
            let mut next = schedule.next_after(Timestamp::from_second(start).unwrap());
            while let Some(time) = next.filter(|time| *time <= last) {
                found.push(time);
                next = schedule.next_after(time);
            }
            prop_assert_eq!(found, looked_up(&schedule, start, minutes));
        }
    }

    fn looked_up(schedule: &CronSchedule, start: i64, minutes: i64) -> Vec<Timestamp> {
        let by_hours = schedule.cron.pattern.hours.from_wildcard;
        let matches = |wall: DateTime| schedule.cron.is_time_matching(&Wall(wall)).unwrap();
        let wall_at = |minute: i64| {
            let instant = Timestamp::from_second(start + minute * 60).unwrap();
            (instant, schedule.time_zone.to_datetime(instant))
        };
        // The latest time that the wall has shown, or left out, so far; two days suffice to know it.
        let mut shown = (-2 * 24 * 60..=0).map(|minute| wall_at(minute).1).max().unwrap();
        let mut found = vec![];
        for minute in 1..=minutes {
            let (instant, wall) = wall_at(minute);
            let mut is_due = by_hours && matches(wall);
            while !by_hours && shown < wall {
                shown = shown.checked_add(SignedDuration::from_mins(1)).unwrap();
                is_due |= matches(shown);
            }
            found.extend(is_due.then_some(instant));
        }
        found
    }
}
