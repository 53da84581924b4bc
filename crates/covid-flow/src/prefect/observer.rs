//! What happens in flow runs, told to a Prefect server.

use std::{
    sync::{
        Arc,
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

use super::{Prefect, PrefectError, Proposal, Verdict};
use crate::{Event, FlowRun, LogLine, Observer, State, StateKind};

/// The most log lines that are sent in one call.
const BATCH: usize = 200;

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
        let sender = Sender { prefect, worker, shared: shared.clone(), lines: Vec::new() };
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
    fn observe(&self, event: Event) {
        let is_full = self.shared.waiting.load(Ordering::Relaxed) >= MOST_WAITING;
        if is_full && matches!(event, Event::Log(_)) {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
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
    worker: Option<String>,
    shared: Arc<Shared>,
    /// Log lines of the next batch.
    lines: Vec<LogLine>,
}

impl Sender {
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
            if is_last || self.lines.len() >= BATCH {
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
        self.patiently("log lines", || self.prefect.send_logs(&lines)).await;
        self.shared.waiting.fetch_sub(lines.len(), Ordering::Relaxed);
    }

    async fn send(&self, event: &Event) {
        match event {
            Event::FlowState { run, state } => self.send_flow_state(run, state).await,
            Event::TaskState { task, state } if state.kind == StateKind::Pending => {
                self.patiently("a task run", || self.prefect.create_task_run(task, state)).await;
            }
            Event::TaskState { task, state } => {
                self.patiently("a task run's state", || self.prefect.set_task_run_state(&task.id, state)).await;
            }
            Event::Artifact { flow_run_id, artifact } => {
                self.patiently("an artifact", || self.prefect.create_artifact(flow_run_id, artifact)).await;
            }
            Event::Log(_) => {}
        }
    }

    async fn send_flow_state(&self, run: &FlowRun, state: &State) {
        if self.patiently("a flow run's worker", || self.is_ours(run)).await == Some(false) {
            tracing::warn!("the flow run `{}` is another worker's now: its state {} is not told", run.name, state.kind);
            self.shared.disowned.cancel();
            return;
        }
        // The same proposal in every try, so that the server knows it again.
        let proposal = Proposal::from(state);
        let told =
            self.patiently("a flow run's state", || self.prefect.set_flow_run_state(&run.id, &proposal, false)).await;
        if let Some(Verdict::Declined { status, reason }) = told {
            tracing::info!("Prefect says {status} to {} of the flow run `{}`: {reason}", state.kind, run.name);
        }
    }

    async fn is_ours(&self, run: &FlowRun) -> Result<bool, PrefectError> {
        match &self.worker {
            Some(worker) => Ok(self.prefect.flow_run(&run.id).await?.worker.as_ref() == Some(worker)),
            None => Ok(true),
        }
    }

    /// Makes a call until it is answered or refused, or patience ends.
    async fn patiently<T, F>(&self, what: &str, call: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, PrefectError>>,
    {
        let settings = self.prefect.settings();
        let give_up = Instant::now() + Duration::from_secs_f64(settings.patience_seconds);
        let mut wait = Duration::from_secs_f64(settings.backoff_seconds);
        loop {
            if self.shared.disowned.is_cancelled() {
                return None;
            }
            let error = match call().await {
                Ok(answer) => return Some(answer),
                Err(error) => error,
            };
            if !error.may_pass() || Instant::now() + wait >= give_up {
                tracing::warn!("Prefect was not told of {what}: {error}");
                return None;
            }
            sleep(wait).await;
            wait = (wait * 2).clamp(Duration::from_millis(10), LONGEST_WAIT);
        }
    }
}
