//! When a failed request is tried again.

use std::time::Duration;

use crate::{HttpFault, HttpSettings};

/// The tries of one request.
#[derive(Debug)]
pub struct Tries<'a> {
    settings: &'a HttpSettings,
    made: u32,
}

impl<'a> Tries<'a> {
    pub(crate) fn new(settings: &'a HttpSettings) -> Self {
        Self { settings, made: 0 }
    }

    /// Tries that failed.
    pub(crate) fn made(&self) -> u32 {
        self.made
    }

    /// Counts a try that failed. How long to wait before the next one: as the settings say, and no less than the server
    /// asks for; none if there is to be no other.
    pub fn after(&mut self, fault: &HttpFault) -> Option<Duration> {
        self.made += 1;
        if !fault.is_passing() || self.made >= self.settings.tries {
            return None;
        }
        let own = jittered(backoff(self.settings, self.made), rand::random());
        match fault {
            HttpFault::Status { retry_after: Some(asked), .. } if *asked > self.settings.longest_wait => None,
            HttpFault::Status { retry_after: Some(asked), .. } => Some(own.max(*asked)),
            _ => Some(own),
        }
    }
}

/// The wait after so many failed tries: it doubles, up to the longest.
fn backoff(settings: &HttpSettings, failed: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failed.saturating_sub(1));
    settings.backoff.saturating_mul(doubled).min(settings.longest_wait)
}

/// Half of a wait, and a random share of the other half: so that clients which failed together do not return together.
fn jittered(wait: Duration, random: f64) -> Duration {
    wait.mul_f64(0.5 + 0.5 * random)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> HttpSettings {
        HttpSettings {
            tries: 3,
            backoff: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            ..Default::default()
        }
    }

    fn status(code: u16, retry_after: Option<u64>) -> HttpFault {
        HttpFault::Status { code, retry_after: retry_after.map(Duration::from_secs), said: Default::default() }
    }

    #[test]
    fn what_may_pass_is_tried_again_so_often_and_no_more() {
        let settings = settings();
        for fault in [status(503, None), status(429, None), HttpFault::CutOff { received: 1, expected: None }] {
            let mut tries = Tries::new(&settings);
            assert!(tries.after(&fault).is_some() && tries.after(&fault).is_some(), "{fault}");
            assert_eq!((tries.after(&fault), tries.made()), (None, 3), "{fault}");
        }
        for fault in [status(404, None), status(401, None), status(206, None), HttpFault::TooLarge { limit: 1 }] {
            assert_eq!(Tries::new(&settings).after(&fault), None, "{fault}");
        }
        assert_eq!(Tries::new(&HttpSettings { tries: 0, ..settings }).after(&status(503, None)), None);
    }

    #[test]
    fn a_server_s_wish_is_kept_or_the_request_given_up() {
        let settings = settings();
        assert_eq!(Tries::new(&settings).after(&status(429, Some(7))), Some(Duration::from_secs(7)));
        assert_eq!(Tries::new(&settings).after(&status(429, Some(61))), None);
    }

    #[test]
    fn waits_double_up_to_the_longest_and_are_spread() {
        let waits = [1, 2, 3, 7, 1000].map(|failed| backoff(&settings(), failed).as_secs());
        assert_eq!(waits, [1, 2, 4, 60, 60]);
        assert_eq!([0.0, 1.0].map(|random| jittered(Duration::from_secs(4), random).as_secs()), [2, 4]);
    }
}
