//! Settings: who is told of alerts, and how patiently.

use std::time::Duration;

use covid_core::REDACTED;
use covid_http::{HttpSettings, HttpUrl, Secret};
use serde::Deserialize;

use super::{mail::Mail, sink::Sink, slack::Slack, webhook::Webhook};
use crate::MonitoringError;

/// The longest wait between two tries, whoever asks for a longer one.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Settings of the sinks. A sink whose address is not set is off; all are by default.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AlertSettings {
    /// Where JSON is posted to.
    pub webhook_url: Option<Secret>,
    /// What it is signed with: `whsec_` and Base64, or any text.
    pub webhook_secret: Option<Secret>,
    /// Slack's incoming webhook.
    pub slack_url: Option<Secret>,
    /// The server that takes mail, with user and password.
    pub smtp_url: Option<Secret>,
    /// The sender of the mail.
    pub smtp_from: Option<String>,
    /// Who gets it: addresses, separated by commas.
    pub smtp_to: Option<String>,
    /// The longest that one try may take, in seconds.
    pub timeout_seconds: f64,
    /// Tries of one message to one sink.
    pub tries: u32,
    /// The wait before the second try, in seconds; it doubles with each further one.
    pub backoff_seconds: f64,
}

impl Default for AlertSettings {
    /// All sinks off.
    fn default() -> Self {
        Self {
            webhook_url: None,
            webhook_secret: None,
            slack_url: None,
            smtp_url: None,
            smtp_from: None,
            smtp_to: None,
            timeout_seconds: 10.0,
            tries: 3,
            backoff_seconds: 1.0,
        }
    }
}

impl AlertSettings {
    /// The settings, if each is within its range and every address is one.
    ///
    /// # Errors
    /// [`MonitoringError::OutOfRange`] for the first one that is not; no address or secret is quoted.
    pub fn checked(&self) -> Result<(), MonitoringError> {
        let bad =
            |name: &str, range, value: String| Err(MonitoringError::OutOfRange { name: name.to_owned(), range, value });
        if !(self.timeout_seconds > 0.0 && self.timeout_seconds <= 600.0) {
            return bad("alerts.timeout_seconds", "above 0 and at most 600", self.timeout_seconds.to_string());
        }
        if !(1..=20).contains(&self.tries) {
            return bad("alerts.tries", "1 to 20", self.tries.to_string());
        }
        if !(0.0..=60.0).contains(&self.backoff_seconds) {
            return bad("alerts.backoff_seconds", "0 to 60", self.backoff_seconds.to_string());
        }
        self.sinks().map(drop)
    }

    /// Every sink that is on.
    pub(super) fn sinks(&self) -> Result<Vec<Sink>, MonitoringError> {
        let mut sinks = Vec::new();
        if let Some(url) = &self.webhook_url {
            let url = address("alerts.webhook_url", url)?;
            sinks.push(Sink::Webhook(Webhook::new(url, self.webhook_secret.as_ref())?));
        }
        if let Some(url) = &self.slack_url {
            let shown = address("alerts.slack_url", url)?.with_secret_path();
            sinks.push(Sink::Slack(Slack::new(shown, url.clone())));
        }
        if let Some(url) = &self.smtp_url {
            sinks.extend(Mail::all(url, self.smtp_from.as_deref(), self.smtp_to.as_deref())?.map(Sink::Mail));
        }
        Ok(sinks)
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs_f64(self.timeout_seconds)
    }

    pub(super) fn backoff(&self) -> Duration {
        Duration::from_secs_f64(self.backoff_seconds)
    }

    /// For so many tries of one message. A redirection is not followed: it would turn the message into a question.
    pub(super) fn http(&self, tries: u32) -> HttpSettings {
        HttpSettings {
            connect_timeout: self.timeout(),
            idle_timeout: self.timeout(),
            try_timeout: self.timeout(),
            tries,
            backoff: self.backoff(),
            longest_wait: LONGEST_WAIT,
            redirects: 0,
        }
    }
}

fn address(name: &'static str, url: &Secret) -> Result<HttpUrl, MonitoringError> {
    url.expose().parse().map_err(|_| hidden(name, "an address such as `https://HOST/PATH`"))
}

/// The error for a secret that cannot be used.
pub(super) fn hidden(name: &'static str, range: &'static str) -> MonitoringError {
    MonitoringError::OutOfRange { name: name.to_owned(), range, value: REDACTED.to_owned() }
}
