//! A worker: takes the flow runs of a work pool, and runs them.

mod isolated;
mod orphans;
mod shift;

use std::{fmt, process::Command, sync::Arc, time::Duration};

use covid_core::Explain as _;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::{isolated::MakeCommand, shift::Shift};
use super::{POOL_TYPE, Prefect, PrefectError, StateType};
use crate::{Board, Clock, FlowError, Flows, Observer, run::new_id};

/// The longest wait between two rounds while the server is away.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Runs the flow runs of a work pool as tasks of this process, or each in a process of its own ([`Self::isolated`]).
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
/// - **Stopping.** A worker that is asked to stop claims nothing more and gives its runs `drain_seconds` to end. What is still at
///   work then stops at its next safe point, and is set back for another worker.
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
    /// Runs a flow run in a process of its own.
    child: Option<MakeCommand>,
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
        let (observers, board, child) = (Vec::new(), None, None);
        Ok(Self { prefect, flows, clock, observers, board, pool: pool.to_owned(), name, limit, child })
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

    /// Runs each flow run in a child process, so that one which takes all memory, or calls `abort`, ends alone: it is Crashed
    /// then, and the worker goes on. `command` makes the command for the id of a flow run and the name of this worker; what it
    /// starts has to call [`Self::run_claimed`] with both.
    ///
    /// The child tells Prefect itself; other observers are told here when the run began and how it ended. Its standard input
    /// is a pipe to its worker, the rest is as the command says. It does not outlive its worker.
    pub fn isolated(mut self, command: impl Fn(&str, &str) -> Command + Send + Sync + 'static) -> Self {
        self.child = Some(Arc::new(command));
        self
    }

    /// What the child process of an isolated worker does: runs a flow run that the worker of that name has claimed, and
    /// looks by itself whether the run is to stop, or has become another worker's. Returns when it has ended, and is told.
    ///
    /// From here on, the process ends as soon as its standard input does.
    ///
    /// # Errors
    /// If the server does not answer, or the system allows no thread.
    pub async fn run_claimed(
        prefect: Prefect,
        flows: Flows,
        clock: Arc<dyn Clock>,
        worker: &str,
        flow_run_id: &str,
        stop: CancellationToken,
    ) -> Result<(), PrefectError> {
        isolated::bind_to_worker(stop.clone())?;
        let run = prefect.flow_run(flow_run_id).await?;
        let is_claimed = matches!(run.state_type(), Some(StateType::Pending | StateType::Cancelling));
        if !is_claimed || run.worker.as_deref() != Some(worker) {
            tracing::warn!("the flow run `{}` is not claimed by the worker `{worker}`", run.name);
            return Ok(());
        }
        let (observers, board, child) = (Vec::new(), None, None);
        let (pool, name) = (String::new(), worker.to_owned());
        let worker = Self { prefect, flows, clock, observers, board, pool, name, limit: 1, child };
        Shift::new(&worker).run_claimed(run, stop).await
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
            self.show_round();
            let signed = async {
                self.check_pool().await?;
                self.prefect.heartbeat(&self.pool, &self.name).await
            };
            let signed = tokio::select! {
                signed = signed => signed,
                () = stop.cancelled() => return Ok(false),
            };
            match signed {
                Ok(()) => {
                    self.show_answer();
                    return Ok(true);
                }
                Err(error) if error.may_pass() => {
                    tracing::warn!("{error}; waiting for Prefect (is PREFECT_API_URL right?)");
                }
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
            self.show_round();
            match shift.round(stop).await {
                Ok(()) => {
                    failures = 0;
                    self.show_answer();
                }
                Err(error) => {
                    tracing::warn!("the worker `{}` goes on after this: {error}", self.name);
                    failures += 1;
                    shift.forget_suspects();
                }
            }
            tokio::select! {
                () = self.pause(failures, stop) => {}
                () = shift.one_ends() => {}
            }
        }
        shift.drain().await;
    }

    /// Shows that a round begins.
    fn show_round(&self) {
        if let Some(board) = &self.board {
            board.round_of(&self.name, &self.pool, self.prefect.settings().round_within());
        }
    }

    /// Shows that Prefect answered.
    fn show_answer(&self) {
        self.board.iter().for_each(|board| board.answered());
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
