//! Settings of flows, and their ranges.

use std::{net::SocketAddr, time::Duration};

use serde::Deserialize;

use crate::{FlowError, TaskOptions};

/// Settings of flows and of their schedules on this machine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FlowSettings {
    /// How often a task is tried again after a failure that may pass.
    pub retries: u32,
    /// The wait before the second try; it doubles with each further one.
    pub retry_delay_seconds: f64,
    /// The longest wait between two tries.
    pub longest_retry_delay_seconds: f64,
    /// How late a run may begin that a schedule missed, since the machine slept, say. The latest one begins if it is not
    /// later than that; the others are noted as missed.
    pub grace_minutes: u32,
    /// How long a run may go on that is at work when the process is asked to stop. Then it is cancelled.
    pub drain_seconds: f64,
    /// Where `/healthz` and `/metrics` are served.
    pub health: SocketAddr,
}

impl FlowSettings {
    /// The settings, if every one is within its range.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn checked(self) -> Result<Self, FlowError> {
        let check = |within: bool, name, range, value: String| match within {
            true => Ok(()),
            false => Err(FlowError::OutOfRange { name, range, value }),
        };
        check(self.retries <= 100, "flow.retries", "at most 100", self.retries.to_string())?;
        for (name, seconds) in [
            ("flow.retry_delay_seconds", self.retry_delay_seconds),
            ("flow.longest_retry_delay_seconds", self.longest_retry_delay_seconds),
            ("flow.drain_seconds", self.drain_seconds),
        ] {
            check((0.0..=86_400.0).contains(&seconds), name, "from 0 to 86400", seconds.to_string())?;
        }
        let minutes = self.grace_minutes;
        check(minutes <= 525_600, "flow.grace_minutes", "at most 525600", minutes.to_string())?;
        Ok(self)
    }

    /// The options of a task that speaks to others: it is tried again as the settings say.
    pub fn retrying(&self) -> TaskOptions {
        let seconds = Duration::from_secs_f64;
        TaskOptions::default()
            .retries(self.retries)
            .backoff(seconds(self.retry_delay_seconds), seconds(self.longest_retry_delay_seconds))
    }

    pub(crate) fn grace(&self) -> Duration {
        Duration::from_secs(60 * u64::from(self.grace_minutes))
    }

    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs_f64(self.drain_seconds)
    }
}

impl Default for FlowSettings {
    fn default() -> Self {
        Self {
            retries: 3,
            retry_delay_seconds: 2.0,
            longest_retry_delay_seconds: 60.0,
            grace_minutes: 60,
            drain_seconds: 20.0,
            health: SocketAddr::from(([127, 0, 0, 1], 8710)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_named() {
        let good = FlowSettings::default();
        assert_eq!(good.clone().checked().unwrap(), good);
        for (bad, name) in [
            (FlowSettings { retries: 101, ..good.clone() }, "flow.retries"),
            (FlowSettings { retry_delay_seconds: -1.0, ..good.clone() }, "flow.retry_delay_seconds"),
            (FlowSettings { drain_seconds: f64::NAN, ..good.clone() }, "flow.drain_seconds"),
            (FlowSettings { grace_minutes: 525_601, ..good.clone() }, "flow.grace_minutes"),
        ] {
            assert!(bad.checked().unwrap_err().to_string().starts_with(&format!("`{name}` cannot be ")));
        }
    }
}
