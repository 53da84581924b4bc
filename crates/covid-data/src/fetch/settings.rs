//! The settings of a download, checked here.

use std::{path::PathBuf, time::Duration};

use covid_http::{HttpSettings, HttpUrl};
use serde::Deserialize;

use super::FetchError;

/// Where JHU's files are downloaded from and to, and how patiently.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FetchSettings {
    /// The address below which the files lie.
    pub base_url: String,
    /// The folder in which they are kept; whoever calls knows where a user's files of this kind belong.
    pub cache_dir: Option<PathBuf>,
    /// Hours for which the source `jhu` uses a copy without asking whether there is a newer one.
    pub max_age_hours: f64,
    /// The longest that a connection may take to be made, in seconds.
    pub connect_timeout_seconds: f64,
    /// The longest that the server may be silent, in seconds.
    pub idle_timeout_seconds: f64,
    /// The longest that one try for one file may take, in seconds.
    pub try_timeout_seconds: f64,
    /// Tries for one file.
    pub tries: u32,
    /// The wait before the second try, in seconds; it doubles with each further one.
    pub backoff_seconds: f64,
}

/// A day: the longest that anything here may be waited for.
const LONGEST_TIMEOUT: f64 = 86_400.0;
const TIMEOUT_RANGE: &str = "above 0 and at most 86400 seconds";

impl FetchSettings {
    /// The settings, if each is within its range.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn checked(&self) -> Result<(), FetchError> {
        self.base()?;
        let timeouts = [
            ("fetch.connect_timeout_seconds", self.connect_timeout_seconds),
            ("fetch.idle_timeout_seconds", self.idle_timeout_seconds),
            ("fetch.try_timeout_seconds", self.try_timeout_seconds),
        ];
        for (name, seconds) in timeouts {
            check(name, TIMEOUT_RANGE, seconds, seconds > 0.0 && seconds <= LONGEST_TIMEOUT)?;
        }
        check("fetch.tries", "1 to 20", self.tries, (1..=20).contains(&self.tries))?;
        let (hours, backoff) = (self.max_age_hours, self.backoff_seconds);
        check("fetch.max_age_hours", "0 to 87600 hours", hours, (0.0..=87_600.0).contains(&hours))?;
        check("fetch.backoff_seconds", "0 to 60 seconds", backoff, (0.0..=60.0).contains(&backoff))
    }

    pub(super) fn base(&self) -> Result<HttpUrl, FetchError> {
        self.base_url.parse().map_err(FetchError::BadUrl)
    }

    pub(super) fn cache_dir(&self) -> Result<PathBuf, FetchError> {
        self.cache_dir.clone().ok_or(FetchError::NoCacheFolder)
    }

    pub(super) fn http(&self) -> HttpSettings {
        HttpSettings {
            connect_timeout: Duration::from_secs_f64(self.connect_timeout_seconds),
            idle_timeout: Duration::from_secs_f64(self.idle_timeout_seconds),
            try_timeout: Duration::from_secs_f64(self.try_timeout_seconds),
            tries: self.tries,
            backoff: Duration::from_secs_f64(self.backoff_seconds),
            ..HttpSettings::default()
        }
    }
}

fn check(name: &'static str, range: &'static str, value: impl ToString, is_within: bool) -> Result<(), FetchError> {
    if is_within { Ok(()) } else { Err(FetchError::BadSetting { name, range, value: value.to_string() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> FetchSettings {
        FetchSettings {
            base_url: "https://host.example/x".into(),
            cache_dir: None,
            max_age_hours: 24.0,
            connect_timeout_seconds: 10.0,
            idle_timeout_seconds: 30.0,
            try_timeout_seconds: 300.0,
            tries: 4,
            backoff_seconds: 1.0,
        }
    }

    #[test]
    fn every_range_is_held() {
        assert!(settings().checked().is_ok());
        let bad: [fn(&mut FetchSettings); 8] = [
            |it| it.base_url = "file:///etc".into(),
            |it| it.connect_timeout_seconds = 0.0,
            |it| it.idle_timeout_seconds = f64::NAN,
            |it| it.try_timeout_seconds = f64::INFINITY,
            |it| it.tries = 0,
            |it| it.max_age_hours = -1.0,
            |it| it.max_age_hours = f64::NAN,
            |it| it.backoff_seconds = 61.0,
        ];
        for spoil in bad {
            let mut spoilt = settings();
            spoil(&mut spoilt);
            assert!(spoilt.checked().is_err(), "{spoilt:?}");
        }
    }
}
