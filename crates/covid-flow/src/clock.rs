//! What time it is, and waiting for one.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use covid_core::Timestamp;

/// Time, so that a test can have its own.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Waits so long.
    async fn sleep(&self, duration: Duration);

    /// Waits until the clock shows an instant, or not at all if it has passed.
    async fn sleep_until(&self, instant: Timestamp);
}

/// The longest that a sleep goes on without a look at the clock. Timers stand still while a machine sleeps and know nothing
/// of a clock that is set: whoever waits for an instant is late by no more than this.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// A clock on the wall, which somebody else reads, and the machine's timers. On one that stands still no later instant comes.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl WallClock {
    /// A clock that shows what `now` says.
    pub fn new(now: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Self {
        Self(now)
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WallClock({})", self.now())
    }
}

#[async_trait]
impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        (self.0)()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn sleep_until(&self, instant: Timestamp) {
        // What has passed is no unsigned duration.
        while let Ok(left) = Duration::try_from(instant.duration_since(self.now())) {
            if left.is_zero() {
                return;
            }
            self.sleep(left.min(LOOK_EVERY)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_wall_clock_waits_for_an_instant_and_not_for_one_that_has_passed() {
        let clock = WallClock::new(Arc::new(Timestamp::now));
        clock.sleep_until(Timestamp::UNIX_EPOCH).await;
        let soon = clock.now().checked_add(Duration::from_millis(20)).unwrap();
        clock.sleep_until(soon).await;
        assert!(clock.now() >= soon);
    }
}
