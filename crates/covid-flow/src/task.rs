//! How patient a task is.

use std::time::Duration;

/// How often a task is tried, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskOptions {
    pub(crate) retries: u32,
    pub(crate) delay: Duration,
    pub(crate) longest_delay: Duration,
    pub(crate) timeout: Option<Duration>,
    pub(crate) droppable: bool,
}

impl Default for TaskOptions {
    /// One try, which runs to its end.
    fn default() -> Self {
        let (delay, longest_delay) = (Duration::from_secs(1), Duration::from_secs(60));
        Self { retries: 0, delay, longest_delay, timeout: None, droppable: false }
    }
}

impl TaskOptions {
    /// Tries again up to so many times, after failures that may pass.
    pub fn retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// Waits so long before the second try; the wait doubles up to the longest, and is shortened by chance by up to a half.
    pub fn backoff(self, delay: Duration, longest_delay: Duration) -> Self {
        Self { delay, longest_delay, ..self }
    }

    /// Gives up a try that takes longer. Its work is dropped where it waits, as by [`Self::droppable`].
    pub fn timeout(self, limit: Duration) -> Self {
        Self { timeout: Some(limit), ..self }
    }

    /// Says that the work may be dropped wherever it waits, so that a flow run which is asked to stop need not wait for it. It
    /// is for work that reads, and for work whose writes are whole or invisible. A computation that was given to another
    /// thread runs on there to its end, and nobody takes its result.
    pub fn droppable(self) -> Self {
        Self { droppable: true, ..self }
    }

    /// The wait after so many failed tries; `random` is from 0 to 1.
    pub(crate) fn wait(&self, failed: u32, random: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(failed.saturating_sub(1));
        let wait = self.delay.saturating_mul(doubled).min(self.longest_delay);
        wait.mul_f64(1.0 - 0.5 * random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_are_spread() {
        let options = TaskOptions::default().backoff(Duration::from_secs(1), Duration::from_secs(60));
        let waits = [1, 2, 3, 7, 1000].map(|failed| options.wait(failed, 0.0).as_secs());
        assert_eq!(waits, [1, 2, 4, 60, 60]);
        assert_eq!(options.wait(3, 1.0), Duration::from_secs(2));
    }
}
