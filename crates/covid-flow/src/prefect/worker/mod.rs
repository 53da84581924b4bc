//! A worker: takes the flow runs of a work pool, and runs them.

mod orphans;
mod shift;

use std::{fmt, sync::Arc, time::Duration};

use covid_core::Explain as _;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::shift::Shift;
use super::{POOL_TYPE, Prefect, PrefectError};
use crate::{Board, Clock, FlowError, Flows, Observer, run::new_id};

/// The longest wait between two rounds while the server is away.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Runs the flow runs of a work pool as tasks of this process.
///
/// - **One claim.** A run is claimed by its change from Scheduled to Pending, of which the server accepts one. A run that ended
///   is never run again unless a person sets it back to Scheduled.
/// - **Cancellation.** A run that is Cancelling at the server stops at its next safe point, and is Cancelled then.
/// - **Servers that go away.** Calls are repeated, and rounds come less often; runs go on, and what is to be told of them waits
///   (see [`PrefectObserver`](super::PrefectObserver)).
/// - **Workers that go away.** A run that is Pending, Running or Cancelling and was seen without a living worker for
///   `orphan_seconds` is set back to Scheduled (or to Cancelled) by any worker of the pool. Its flow begins anew, so that work
///   may be done twice: a flow's effects must be such that the second time changes nothing. A worker that was merely stopped
///   finds on its return that the run is another's, cancels its own and tells nothing more of it.
/// - **Stopping.** A worker that is asked to stop claims nothing more and gives its runs `drain_seconds` to end, before it
///   cancels them.
#[derive(Clone)]
pub struct Worker {
    prefect: Prefect,
    flows: Flows,
    clock: Arc<dyn Clock>,
    observers: Vec<Arc<dyn Observer>>,
    board: Option<Arc<Board>>,
    pool: String,
    name: String,
    limit: usize,
}

impl Worker {
    /// A worker of a pool that runs at most `limit` flow runs at once. `name` is for people: what the server knows it by is
    /// that and eight random digits, for a worker that was started anew is another one.
    ///
    /// # Errors
    /// For a limit of 0.
    pub fn new(
        prefect: Prefect,
        flows: Flows,
        clock: Arc<dyn Clock>,
        pool: &str,
        name: &str,
        limit: usize,
    ) -> Result<Self, PrefectError> {
        if limit == 0 {
            let (name, range, value) = ("--limit", "at least 1", limit.to_string());
            return Err(FlowError::OutOfRange { name, range, value }.into());
        }
        let name = format!("{name}-{}", &new_id()[..8]);
        Ok(Self { prefect, flows, clock, observers: Vec::new(), board: None, pool: pool.to_owned(), name, limit })
    }

    /// Tells somebody else of the flow runs, too.
    pub fn also_telling(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Shows on a board how the worker and its flow runs fare.
    pub fn shown_on(mut self, board: Arc<Board>) -> Self {
        self.board = Some(board.clone());
        self.also_telling(board)
    }

    /// The name that the server knows it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Works until it is asked to stop, and all that it ran has ended and is told.
    ///
    /// # Errors
    /// If there is no such pool, or one of another type, or the server refuses the worker, all at the beginning. A server
    /// that is away is waited for.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), PrefectError> {
        if !self.sign_on(&stop).await? {
            return Ok(());
        }
        tracing::info!("the worker `{}` takes flow runs of the work pool `{}`", self.name, self.pool);
        let is_done = CancellationToken::new();
        tokio::join!(self.keep_alive(&is_done), async {
            self.work(&stop).await;
            is_done.cancel();
        });
        if let Err(error) = self.prefect.remove_worker(&self.pool, &self.name).await {
            tracing::info!("Prefect was not told that the worker `{}` has gone: {error}", self.name);
        }
        Ok(())
    }

    /// Waits for the server, and says that it is there: no more than that if it is asked to stop meanwhile.
    async fn sign_on(&self, stop: &CancellationToken) -> Result<bool, PrefectError> {
        let mut failures = 0;
        while !stop.is_cancelled() {
            let signed = async {
                self.check_pool().await?;
                self.prefect.heartbeat(&self.pool, &self.name).await
            };
            let signed = tokio::select! {
                signed = signed => signed,
                () = stop.cancelled() => return Ok(false),
            };
            match signed {
                Ok(()) => return Ok(true),
                Err(error) if error.may_pass() => tracing::warn!("{error}; waiting for Prefect"),
                Err(error) => return Err(error),
            }
            failures += 1;
            self.pause(failures, stop).await;
        }
        Ok(false)
    }

    async fn check_pool(&self) -> Result<(), PrefectError> {
        let pool = || self.pool.clone();
        match self.prefect.find_pool(&self.pool).await? {
            None => Err(PrefectError::NoPool { pool: pool(), url: self.prefect.url() }),
            Some(found) if found.kind != POOL_TYPE => {
                Err(PrefectError::ForeignPool { pool: pool(), found: found.kind })
            }
            Some(_) => Ok(()),
        }
    }

    /// Says that it lives, also while it waits for its last runs.
    async fn keep_alive(&self, is_done: &CancellationToken) {
        let pause = Duration::from_secs(self.prefect.settings().heartbeat_seconds.into());
        let beats = async {
            loop {
                sleep(pause).await;
                if let Err(error) = self.prefect.heartbeat(&self.pool, &self.name).await {
                    tracing::warn!("Prefect was not told that the worker `{}` lives: {error}", self.name);
                }
            }
        };
        tokio::select! {
            () = beats => {}
            () = is_done.cancelled() => {}
        }
    }

    async fn work(&self, stop: &CancellationToken) {
        let mut shift = Shift::new(self);
        let mut failures = 0;
        while !stop.is_cancelled() {
            if let Some(board) = &self.board {
                board.round_of(&self.name, &self.pool);
            }
            match shift.round(stop).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    tracing::warn!("the worker `{}` goes on after this: {error}", self.name);
                    failures += 1;
                }
            }
            tokio::select! {
                () = self.pause(failures, stop) => {}
                () = shift.one_ends() => {}
            }
        }
        shift.drain().await;
    }

    /// Waits until the next round: longer after each that failed.
    async fn pause(&self, failures: u32, stop: &CancellationToken) {
        let poll = Duration::from_secs_f64(self.prefect.settings().poll_seconds);
        let longest = LONGEST_WAIT.max(poll);
        let wait = poll.saturating_mul(2_u32.saturating_pow(failures)).min(longest);
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Worker({})", self.name)
    }
}
