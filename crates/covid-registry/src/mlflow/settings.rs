//! How a server is spoken to.

use std::time::Duration;

use covid_core::REDACTED;
use covid_http::{Credentials, HttpSettings, Secret};
use serde::Deserialize;

use crate::RegistryError;

/// Who asks an MLflow server, and how patiently.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MlflowSettings {
    /// The user, for a server that asks for user and password.
    pub username: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// A token, for a server that asks for one. User and password go before it, as in MLflow's own client.
    pub token: Option<Secret>,
    /// The longest that one try of a call may take, in seconds.
    pub timeout_seconds: f64,
    /// Tries of a call.
    pub tries: u32,
    /// The wait before the second try, in seconds; it doubles with each further one.
    pub backoff_seconds: f64,
}

impl Default for MlflowSettings {
    fn default() -> Self {
        Self { username: None, password: None, token: None, timeout_seconds: 120.0, tries: 5, backoff_seconds: 0.5 }
    }
}

impl MlflowSettings {
    /// The settings, if each is within its range.
    ///
    /// # Errors
    /// [`RegistryError::BadSetting`] for the first one that is not.
    pub fn checked(&self) -> Result<(), RegistryError> {
        let bad = |name, range, value: String| Err(RegistryError::BadSetting { name, range, value });
        if !(self.timeout_seconds > 0.0 && self.timeout_seconds <= 86_400.0) {
            return bad("mlflow.timeout_seconds", "above 0 and at most 86400", self.timeout_seconds.to_string());
        }
        if !(1..=20).contains(&self.tries) {
            return bad("mlflow.tries", "1 to 20", self.tries.to_string());
        }
        if !(0.0..=60.0).contains(&self.backoff_seconds) {
            return bad("mlflow.backoff_seconds", "0 to 60", self.backoff_seconds.to_string());
        }
        if self.token.as_ref().is_some_and(|token| !token.fits_a_header()) {
            return bad("mlflow.token", "one line, without signs of control", REDACTED.to_owned());
        }
        Ok(())
    }

    pub(super) fn credentials(&self) -> Option<Credentials> {
        match (&self.username, &self.password, &self.token) {
            (Some(username), Some(password), _) => {
                Some(Credentials::Basic { username: username.clone(), password: password.clone() })
            }
            (_, _, Some(token)) => Some(Credentials::Bearer(token.clone())),
            _ => None,
        }
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
