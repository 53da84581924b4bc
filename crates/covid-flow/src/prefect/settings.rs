//! Who asks a Prefect server, and how patiently.

use std::time::Duration;

use covid_core::REDACTED;
use covid_http::{Credentials, HttpSettings, Secret};
use serde::Deserialize;

use super::PrefectError;
use crate::FlowError;

/// How a Prefect server is spoken to, and how a worker waits.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PrefectSettings {
    /// The address of the server's interface (`PREFECT_API_URL`): `http://host:4200/api`. With none, there is no Prefect.
    pub api_url: Option<String>,
    /// The key of Prefect Cloud (`PREFECT_API_KEY`), sent as a bearer token.
    pub api_key: Option<Secret>,
    /// User and password of a server of one's own, with a colon between them (`PREFECT_API_AUTH_STRING`). A key goes before it,
    /// as in Prefect's own client.
    pub auth_string: Option<Secret>,
    /// The work pool of deployments and workers for which none is named.
    pub pool: String,
    /// How many flow runs a worker runs at once.
    pub limit: usize,
    /// The longest that one try of a call may take.
    pub timeout_seconds: f64,
    /// Tries of a call.
    pub tries: u32,
    /// The wait before the second try; it doubles with each further one.
    pub backoff_seconds: f64,
    /// How long the states, log lines and artifacts of a flow run are kept for a server that is away. What is older is lost.
    pub patience_seconds: f64,
    /// How often a worker asks for flow runs, and looks at those that it runs.
    pub poll_seconds: f64,
    /// How often a worker says that it lives. Prefect calls it OFFLINE after three times that long without a word.
    pub heartbeat_seconds: u32,
    /// How long a flow run must be seen without a living worker until another worker sets it back to Scheduled; at least as
    /// long as `heartbeat_seconds`, so that after the server was away the workers have time to say that they live.
    pub orphan_seconds: f64,
    /// How long the flow runs of a worker may go on once it is asked to stop. Then they are cancelled.
    pub drain_seconds: f64,
}

impl Default for PrefectSettings {
    fn default() -> Self {
        Self {
            api_url: None,
            api_key: None,
            auth_string: None,
            pool: "covid".into(),
            limit: 1,
            timeout_seconds: 30.0,
            tries: 5,
            backoff_seconds: 0.5,
            patience_seconds: 900.0,
            poll_seconds: 5.0,
            heartbeat_seconds: 15,
            orphan_seconds: 30.0,
            drain_seconds: 20.0,
        }
    }
}

impl PrefectSettings {
    /// The settings, if every one is within its range.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn checked(self) -> Result<Self, PrefectError> {
        let check = |within: bool, name, range, value: String| match within {
            true => Ok(()),
            false => Err(FlowError::OutOfRange { name, range, value }),
        };
        check((1..=20).contains(&self.tries), "prefect.tries", "from 1 to 20", self.tries.to_string())?;
        check((1..=1000).contains(&self.limit), "prefect.limit", "from 1 to 1000", self.limit.to_string())?;
        let heartbeat = self.heartbeat_seconds;
        check((1..=3600).contains(&heartbeat), "prefect.heartbeat_seconds", "from 1 to 3600", heartbeat.to_string())?;
        for (name, seconds) in [
            ("prefect.timeout_seconds", self.timeout_seconds),
            ("prefect.poll_seconds", self.poll_seconds),
            ("prefect.orphan_seconds", self.orphan_seconds),
        ] {
            check((0.05..=86_400.0).contains(&seconds), name, "from 0.05 to 86400", seconds.to_string())?;
        }
        for (name, seconds) in [
            ("prefect.backoff_seconds", self.backoff_seconds),
            ("prefect.patience_seconds", self.patience_seconds),
            ("prefect.drain_seconds", self.drain_seconds),
        ] {
            check((0.0..=86_400.0).contains(&seconds), name, "from 0 to 86400", seconds.to_string())?;
        }
        let (orphan, range) = (self.orphan_seconds, "at least `prefect.heartbeat_seconds`");
        check(orphan >= f64::from(heartbeat), "prefect.orphan_seconds", range, orphan.to_string())?;
        let fits = self.api_key.as_ref().is_none_or(Secret::fits_a_header);
        check(fits, "prefect.api_key", "one line, without signs of control", REDACTED.to_owned())?;
        if self.auth_string.as_ref().is_some_and(|pair| !pair.expose().contains(':')) {
            return Err(PrefectError::BadAuthString);
        }
        Ok(self)
    }

    /// How long a worker may take from one round to the next, before it is said to stand still. The first call that fails ends
    /// a round: four that succeed in their last moment, and ten minutes for what is waited between tries and rounds.
    pub(super) fn round_within(&self) -> Duration {
        Duration::from_secs_f64(600.0 + self.poll_seconds + 4.0 * f64::from(self.tries) * self.timeout_seconds)
    }

    pub(super) fn credentials(&self) -> Option<Credentials> {
        if let Some(key) = &self.api_key {
            return Some(Credentials::Bearer(key.clone()));
        }
        let (username, password) = self.auth_string.as_ref()?.expose().split_once(':')?;
        Some(Credentials::Basic { username: username.to_owned(), password: Secret::new(password) })
    }

    pub(super) fn http(&self) -> HttpSettings {
        let timeout = Duration::from_secs_f64(self.timeout_seconds);
        let patience = HttpSettings::default();
        HttpSettings {
            connect_timeout: patience.connect_timeout.min(timeout),
            idle_timeout: timeout,
            try_timeout: timeout,
            tries: self.tries,
            backoff: Duration::from_secs_f64(self.backoff_seconds),
            ..patience
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_named_and_no_secret_is_shown() {
        let good = PrefectSettings::default();
        assert_eq!(good.clone().checked().unwrap(), good);
        for (bad, name) in [
            (PrefectSettings { tries: 0, ..good.clone() }, "`prefect.tries` cannot be 0"),
            (PrefectSettings { heartbeat_seconds: 0, ..good.clone() }, "`prefect.heartbeat_seconds` cannot be 0"),
            (PrefectSettings { poll_seconds: f64::NAN, ..good.clone() }, "`prefect.poll_seconds` cannot be NaN"),
            (PrefectSettings { drain_seconds: -1.0, ..good.clone() }, "`prefect.drain_seconds` cannot be -1"),
            (PrefectSettings { auth_string: Some(Secret::new("hush")), ..good.clone() }, "the user and password"),
            (
                PrefectSettings { api_key: Some(Secret::new("hu\nsh")), ..good.clone() },
                "`prefect.api_key` cannot be <redacted>",
            ),
        ] {
            let error = bad.checked().unwrap_err().to_string();
            assert!(error.starts_with(name) && !error.contains("hush"), "{error}");
        }
        let keyed =
            PrefectSettings { api_key: Some(Secret::new("hush")), auth_string: Some(Secret::new("a:b")), ..good };
        assert_eq!(keyed.credentials(), Some(Credentials::Bearer(Secret::new("hush"))));
        assert!(!format!("{keyed:?}").contains("hush"));
        let own = PrefectSettings { api_key: None, ..keyed }.credentials();
        assert_eq!(own, Some(Credentials::Basic { username: "a".into(), password: Secret::new("b") }));
    }
}
