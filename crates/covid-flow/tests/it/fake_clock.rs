//! A clock that goes on when everybody sleeps.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use covid_core::Timestamp;
use covid_flow::Clock;
use tokio::sync::oneshot;

pub(crate) struct FakeClock(Mutex<Inner>);

struct Inner {
    now: Timestamp,
    /// Each with the order in which they went to sleep.
    sleepers: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
    slept: u64,
}

impl FakeClock {
    pub(crate) fn at(now: &str) -> Arc<Self> {
        let now = now.parse().unwrap();
        Arc::new(Self(Mutex::new(Inner { now, sleepers: BTreeMap::new(), slept: 0 })))
    }

    /// The machine sleeps: time passes, and no timer goes off before the end of it.
    pub(crate) fn jump_to(&self, instant: &str) {
        let mut inner = self.0.lock().unwrap();
        inner.now = inner.now.max(instant.parse().unwrap());
    }

    /// Lets time go on up to an instant, from one timer to the next, each time when so many sleep.
    pub(crate) async fn run_to(&self, instant: &str, sleepers: usize) {
        let end: Timestamp = instant.parse().unwrap();
        loop {
            self.all_asleep(sleepers).await;
            let mut inner = self.0.lock().unwrap();
            let next = inner.sleepers.first_entry().filter(|sleeper| sleeper.key().0 <= end);
            match next.map(|sleeper| sleeper.remove_entry()) {
                Some(((at, _), wake)) => {
                    inner.now = inner.now.max(at);
                    // Who was dropped does not wake.
                    let _ = wake.send(());
                }
                None => {
                    inner.now = inner.now.max(end);
                    return;
                }
            }
        }
    }

    /// Waits until so many sleep.
    pub(crate) async fn all_asleep(&self, sleepers: usize) {
        let asleep = || {
            let mut inner = self.0.lock().unwrap();
            inner.sleepers.retain(|_, wake| !wake.is_closed());
            inner.sleepers.len() >= sleepers
        };
        while !asleep() {
            tokio::time::sleep(Duration::from_micros(50)).await;
        }
    }
}

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }

    async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now().checked_add(duration).unwrap()).await;
    }

    async fn sleep_until(&self, instant: Timestamp) {
        let woken = {
            let mut inner = self.0.lock().unwrap();
            if instant <= inner.now {
                return;
            }
            let (wake, woken) = oneshot::channel();
            inner.slept += 1;
            let order = inner.slept;
            inner.sleepers.insert((instant, order), wake);
            woken
        };
        let _ = woken.await;
    }
}
