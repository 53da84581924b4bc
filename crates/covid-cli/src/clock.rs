//! What time it is, or is said to be.

use covid_core::{Date, Explain, FaultKind};
use jiff::{Timestamp, tz::TimeZone};

/// The clock of a program: the system's, or one that stands still at `COVID_NOW`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Always the same instant, so that results can be compared to the byte.
    Fixed(Timestamp),
}

/// `COVID_NOW` is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable COVID_NOW is `{text}`, which is not an instant in RFC 3339")]
pub struct ClockError {
    text: String,
}

impl Explain for ClockError {
    fn kind(&self) -> FaultKind {
        FaultKind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("write it like COVID_NOW=2030-01-02T03:04:05Z, or unset it to use the system's clock".into())
    }
}

impl Clock {
    /// The clock for a value of `COVID_NOW`; without one, or with an empty one, the system's.
    ///
    /// # Errors
    /// If the value is not an instant in RFC 3339.
    pub fn new(covid_now: Option<&str>) -> Result<Self, ClockError> {
        match covid_now.filter(|text| !text.is_empty()) {
            None => Ok(Self::System),
            Some(text) => text.parse().map(Self::Fixed).map_err(|_| ClockError { text: text.to_owned() }),
        }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Fixed(instant) => *instant,
        }
    }

    /// The present date in UTC.
    pub fn today(&self) -> Date {
        self.now().to_zoned_datetime(TimeZone::UTC).date()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covid_now_fixes_the_clock() {
        let clock = Clock::new(Some("2030-01-02T03:04:05Z")).unwrap();
        assert_eq!(clock.now().to_string(), "2030-01-02T03:04:05Z");
        assert_eq!(clock.today(), Date::constant(2030, 1, 2));
        assert_eq!(Clock::new(Some("")), Ok(Clock::System));
    }

    #[test]
    fn the_date_is_the_one_in_utc() {
        let clock = Clock::new(Some("2030-01-02T23:30:00-05:00")).unwrap();
        assert_eq!(clock.today(), Date::constant(2030, 1, 3));
    }

    #[test]
    fn a_bad_instant_is_an_error() {
        for text in ["yesterday", "2030-01-02", "2030-13-02T03:04:05Z"] {
            let error = Clock::new(Some(text)).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
