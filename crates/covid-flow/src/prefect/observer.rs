//! What happens in flow runs, told to a Prefect server.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use covid_core::Explain as _;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{Prefect, PrefectError, Proposal, StateType, Verdict};
use crate::{Event, FlowRun, LogLine, Observer, State, StateKind, engine::WORK_IS_COMPLETE};

/// The most log lines that are sent in one call.
const BATCH: usize = 200;

/// The bytes of log lines after which a batch is sent. Prefect refuses batches of megabytes.
const BATCH_BYTES: usize = 512 << 10;

/// The longest log line, in bytes: what is longer is cut.
const LONGEST_LINE: usize = 16 << 10;

/// The most events that wait for a server that is away. Log lines beyond it are dropped, and counted.
const MOST_WAITING: usize = 100_000;

/// The longest wait between two tries to tell something.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Tells a Prefect server of flow runs that the server knows.
///
/// Events are sent in their order by a task of their own, log lines in batches. A server that is away is waited for
/// (`patience_seconds`); what it refuses is logged here and left out. Dropping the observer ends the task when all is sent.
#[derive(Debug)]
pub struct PrefectObserver {
    queue: mpsc::UnboundedSender<Item>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: AtomicUsize,
    dropped: AtomicUsize,
    /// Cancelled when nothing more is to be told.
    disowned: CancellationToken,
}

#[derive(Debug)]
enum Item {
    Event(Box<Event>),
    Flush(oneshot::Sender<()>),
}

impl PrefectObserver {
    /// An observer, inside a tokio runtime. With the name of a worker, it tells of flow runs only while they are that
    /// worker's: a worker that was away for long may have lost its runs to another, whose states it must not overwrite.
    pub fn new(prefect: Prefect, worker: Option<String>) -> Self {
        let (queue, items) = mpsc::unbounded_channel();
        let shared = Arc::<Shared>::default();
        let sender = Sender::new(prefect, worker, shared.clone());
        tokio::spawn(sender.send_all(items));
        Self { queue, shared }
    }

    /// Tells nothing more: the flow run is somebody else's.
    pub fn disown(&self) {
        self.shared.disowned.cancel();
    }

    /// Cancelled once the flow run is somebody else's.
    pub(super) fn disowned(&self) -> &CancellationToken {
        &self.shared.disowned
    }
}

#[async_trait]
impl Observer for PrefectObserver {
    fn observe(&self, mut event: Event) {
        let is_full = self.shared.waiting.load(Ordering::Relaxed) >= MOST_WAITING;
        if is_full && matches!(event, Event::Log(_)) {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if let Event::Log(line) = &mut event {
            // As it comes: many of them may wait.
            line.message.truncate(line.message.floor_char_boundary(LONGEST_LINE));
            line.message.shrink_to_fit();
        }
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        // The other end goes with the runtime: nothing can be told then.
        let _ = self.queue.send(Item::Event(Box::new(event)));
    }

    async fn flush(&self) {
        let (done, is_done) = oneshot::channel();
        if self.queue.send(Item::Flush(done)).is_ok() {
            let _ = is_done.await;
        }
    }
}

/// The task behind an observer.
struct Sender {
    prefect: Prefect,
    /// Makes each call once: for a server that was away for too long.
    hasty: Prefect,
    /// When patience with the server ends, which is away; none while it answers.
    give_up: Mutex<Option<Instant>>,
    worker: Option<String>,
    shared: Arc<Shared>,
    /// Log lines of the next batch.
    lines: Vec<LogLine>,
}

impl Sender {
    fn new(prefect: Prefect, worker: Option<String>, shared: Arc<Shared>) -> Self {
        // What was made once can be made again; were it not so, patience would only last longer.
        let hasty = prefect.without_repeats().unwrap_or_else(|_| prefect.clone());
        Self { prefect, hasty, give_up: Mutex::default(), worker, shared, lines: Vec::new() }
    }

    async fn send_all(mut self, mut items: mpsc::UnboundedReceiver<Item>) {
        while let Some(item) = items.recv().await {
            match item {
                Item::Event(event) => self.take(*event, items.is_empty()).await,
                Item::Flush(done) => {
                    self.send_lines().await;
                    let _ = done.send(());
                }
            }
        }
        self.send_lines().await;
    }

    async fn take(&mut self, event: Event, is_last: bool) {
        if let Event::Log(line) = event {
            self.lines.push(line);
            // What else has come by now goes with it.
            let bytes = self.lines.iter().map(|line| line.message.len()).sum::<usize>();
            if is_last || self.lines.len() >= BATCH || bytes >= BATCH_BYTES {
                self.send_lines().await;
            }
            return;
        }
        self.send_lines().await;
        self.send(&event).await;
        self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    async fn send_lines(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let dropped = self.shared.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!("{dropped} log lines were dropped, since Prefect was away");
        }
        let lines = std::mem::take(&mut self.lines);
        self.patiently("log lines", || self.prefect().send_logs(&lines)).await;
        self.shared.waiting.fetch_sub(lines.len(), Ordering::Relaxed);
    }

    async fn send(&self, event: &Event) {
        match event {
            Event::FlowState { run, state } => self.send_flow_state(run, state).await,
            Event::TaskState { task, state } if state.kind == StateKind::Pending => {
                self.patiently("a task run", || self.prefect().create_task_run(task, state)).await;
            }
            Event::TaskState { task, state } => {
                self.patiently("a task run's state", || self.prefect().set_task_run_state(&task.id, state)).await;
            }
            Event::Artifact { flow_run_id, artifact } => {
                self.patiently("an artifact", || self.prefect().create_artifact(flow_run_id, artifact)).await;
            }
            Event::Log(_) => {}
        }
    }

    async fn send_flow_state(&self, run: &FlowRun, state: &State) {
        if self.patiently("a flow run's worker", || self.is_ours(run)).await == Some(false) {
            tracing::warn!(
                "the flow run `{}` is another worker's now, or deleted: its state {} is not told",
                run.name,
                state.kind
            );
            self.shared.disowned.cancel();
            return;
        }
        if state.kind == StateKind::Cancelling && self.is_cancelling(run).await {
            // Somebody at the server said so: that is why it stops.
            return;
        }
        let is_declined = self.propose(run, &Proposal::from(state)).await == Some(false);
        if is_declined && state.kind.is_final() && self.is_cancelling(run).await {
            let message = if state.kind == StateKind::Completed { WORK_IS_COMPLETE } else { &state.message };
            self.propose(run, &Proposal::new(StateKind::Cancelled, message)).await;
        }
    }

    /// Proposes a state: whether the run has it.
    async fn propose(&self, run: &FlowRun, to: &Proposal) -> Option<bool> {
        // The same proposal in every try, so that the server knows it again.
        let told = self.patiently("a flow run's state", || self.prefect().set_flow_run_state(&run.id, to, false)).await;
        if let Some(Verdict::Declined { status, reason }) = &told {
            tracing::info!("Prefect says {status}: the flow run `{}` is not {to} ({reason})", run.name);
        }
        told.map(|verdict| verdict.is_accepted())
    }

    /// Whether the run was asked to stop at the server as it came to its end here: it can become nothing but Cancelled then.
    async fn is_cancelling(&self, run: &FlowRun) -> bool {
        let now = self.patiently("a flow run's end", || self.prefect().flow_run(&run.id)).await;
        now.is_some_and(|now| now.state_type() == Some(StateType::Cancelling))
    }

    async fn is_ours(&self, run: &FlowRun) -> Result<bool, PrefectError> {
        match &self.worker {
            Some(worker) => {
                let found = self.prefect().find_flow_run(&run.id).await?;
                Ok(found.is_some_and(|found| found.worker.as_ref() == Some(worker)))
            }
            None => Ok(true),
        }
    }

    /// What a call is made by.
    fn prefect(&self) -> &Prefect {
        let is_over = self.give_up().is_some_and(|give_up| Instant::now() >= give_up);
        if is_over { &self.hasty } else { &self.prefect }
    }

    fn give_up(&self) -> MutexGuard<'_, Option<Instant>> {
        self.give_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server did not answer: when patience with it ends, counted from its first silence.
    fn silence(&self) -> Instant {
        let patience = Duration::from_secs_f64(self.prefect.settings().patience_seconds);
        *self.give_up().get_or_insert_with(|| Instant::now() + patience)
    }

    /// Makes a call until it is answered or refused, or patience with the server ends. From then on each call is made once,
    /// until one is answered.
    async fn patiently<T, F>(&self, what: &str, call: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, PrefectError>>,
    {
        let mut wait = Duration::from_secs_f64(self.prefect.settings().backoff_seconds);
        loop {
            if self.shared.disowned.is_cancelled() {
                return None;
            }
            let error = match call().await {
                Ok(answer) => {
                    *self.give_up() = None;
                    return Some(answer);
                }
                Err(error) => error,
            };
            let is_silent = error.may_pass();
            if !is_silent {
                *self.give_up() = None;
            }
            if !is_silent || Instant::now() + wait >= self.silence() {
                tracing::warn!("Prefect was not told of {what}: {error}");
                return None;
            }
            sleep(wait).await;
            wait = (wait * 2).clamp(Duration::from_millis(10), LONGEST_WAIT);
        }
    }
}
