//! Asking a process how it fares.

use std::{net::SocketAddr, time::Duration};

use covid_http::{Call, Client, HttpFault, HttpSettings, HttpUrl};

use super::{Health, HealthStatus};
use crate::FlowError;

/// Asks the process whose health endpoint is at an address.
///
/// # Errors
/// If nobody answers there, or something else does. That all is not well is no error here: see [`Health::checked`].
pub async fn ask_health(address: SocketAddr) -> Result<Health, FlowError> {
    let patience = Duration::from_secs(5);
    let settings =
        HttpSettings { connect_timeout: patience, try_timeout: patience, tries: 1, ..HttpSettings::default() };
    let url: HttpUrl = url(address).parse()?;
    let answer = match Client::new(settings)?.call(&Call::get(url.clone())).await {
        Ok(body) => String::from_utf8_lossy(&body).into_owned(),
        Err(error) => match error.fault() {
            HttpFault::Status { code: 503, said, .. } => said.text(),
            _ => return Err(error.into()),
        },
    };
    serde_json::from_str(&answer)
        .map_err(|error| FlowError::NotHealth { url: url.to_string(), reason: error.to_string() })
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/healthz")
}

impl Health {
    /// The health, if all is well.
    ///
    /// # Errors
    /// [`FlowError::Unhealthy`], with the address that was asked.
    pub fn checked(self, address: SocketAddr) -> Result<Self, FlowError> {
        let reason = match self.status {
            HealthStatus::Healthy => return Ok(self),
            HealthStatus::Failing => "the last run of a schedule failed",
            HealthStatus::Stalled if self.worker.is_some() => {
                "the worker makes no more rounds, or Prefect does not answer it"
            }
            HealthStatus::Stalled => "a schedule's time has passed, and its run has not begun",
        };
        Err(FlowError::Unhealthy { url: url(address), reason: reason.to_owned() })
    }
}
