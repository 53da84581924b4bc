//! What a flow has at hand: its tasks, its artifacts, and whether it is to stop.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use covid_core::{Fault, Timestamp};
use futures_util::FutureExt as _;
use serde_json::Value;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    Artifact, Engine, Event, FlowError, FlowRun, Lifecycle, State, StateKind, TaskOptions, TaskRun,
    engine::panic_message,
};

/// How long an offer waits until all that happened before is told: the work is not to wait for a server that is away.
const OFFER_WITHIN: Duration = Duration::from_secs(10);

/// A flow run from within. Clones are the same one.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    run: FlowRun,
    engine: Engine,
    cancel: CancellationToken,
    /// How many tasks of each name were begun.
    begun: Mutex<BTreeMap<String, u32>>,
}

impl Context {
    pub(crate) fn new(run: FlowRun, engine: Engine, cancel: CancellationToken) -> Self {
        Self(Arc::new(Inner { run, engine, cancel, begun: Mutex::default() }))
    }

    /// The flow run.
    pub fn flow_run(&self) -> &FlowRun {
        &self.0.run
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.0.engine.clock.now()
    }

    /// Says when the flow run is asked to stop, to who wants to wait for that or to pass it on.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.0.cancel
    }

    /// Goes on, unless the flow run is asked to stop. A task that runs long calls this where nothing of its work is half done.
    ///
    /// # Errors
    /// [`FlowError::Cancelled`].
    pub fn go_on(&self) -> Result<(), FlowError> {
        if self.0.cancel.is_cancelled() { Err(FlowError::Cancelled) } else { Ok(()) }
    }

    /// Leaves something for people to read.
    pub fn artifact(&self, artifact: Artifact) {
        let flow_run_id = self.0.run.id.clone();
        self.0.engine.observer.observe(Event::Artifact { flow_run_id, artifact });
    }

    /// Offers parts of the work to others, in a task of that name: a flow with each of these parameters. It asks for help and
    /// waits for none (see [`Offers`](crate::Offers)). Returns how many parts were offered: none where nobody else is.
    ///
    /// # Errors
    /// [`FlowError::Cancelled`].
    pub async fn offer(&self, task: &str, flow: &str, parameters: Vec<Value>) -> Result<usize, Fault> {
        self.go_on()?;
        let run = TaskRun::new(&self.0.run.id, task, self.index(task));
        let (id, span) = (run.id.clone(), span(&run));
        let offers = || async {
            // Whoever takes a part may look for the task run: it is to be known by then.
            if timeout(OFFER_WITHIN, self.0.engine.observer.flush()).await.is_err() {
                tracing::warn!("no part is offered to others: what happened until now could not be told");
                return Ok(0);
            }
            Ok::<_, Fault>(self.0.engine.offers.offer(&self.0.run, Some(&id), flow, parameters.clone()).await)
        };
        TaskRunning::begin(self, run, TaskOptions::default()).finish(offers).instrument(span).await
    }

    /// Runs a task: `work` once, and again after a failure that may pass, as often as the options allow.
    ///
    /// A flow run that is asked to stop begins no further task and no further try. A task that was begun runs to its end, or
    /// to where it says itself that it can stop ([`Self::go_on`]); one whose options say that it may be dropped is dropped
    /// where it waits.
    ///
    /// # Errors
    /// The last try's; [`FlowError::Cancelled`], [`FlowError::TimedOut`].
    ///
    /// # Panics
    /// If `work` does. The task run is Crashed then, and so will be the flow run.
    pub async fn task<T, E, F, W>(&self, name: &str, options: TaskOptions, work: W) -> Result<T, Fault>
    where
        W: Fn() -> F,
        F: Future<Output = Result<T, E>>,
        E: Into<Fault>,
    {
        self.go_on()?;
        let task = TaskRun::new(&self.0.run.id, name, self.index(name));
        let span = span(&task);
        TaskRunning::begin(self, task, options).finish(work).instrument(span).await
    }

    /// Counts a task that begins.
    fn index(&self, task: &str) -> u32 {
        let mut begun = self.0.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let next = begun.entry(task.to_owned()).or_default();
        *next += 1;
        *next - 1
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", self.0.run.name)
    }
}

fn span(task: &TaskRun) -> tracing::Span {
    tracing::info_span!("task_run", task_run_id = %task.id, task = %task.task)
}

/// How one try ended.
enum Try<T> {
    Done(T),
    Failed(Fault),
    /// Dropped, since the flow run is asked to stop.
    Dropped,
}

/// A task run at work.
struct TaskRunning<'c> {
    context: &'c Context,
    task: TaskRun,
    options: TaskOptions,
    life: Lifecycle,
}

impl<'c> TaskRunning<'c> {
    fn begin(context: &'c Context, task: TaskRun, options: TaskOptions) -> Self {
        let pending = State::new(StateKind::Pending, context.now(), "");
        let running = Self { context, task, options, life: Lifecycle::new(pending) };
        running.tell();
        running
    }

    async fn finish<T, E, F, W>(mut self, work: W) -> Result<T, Fault>
    where
        W: Fn() -> F,
        F: Future<Output = Result<T, E>>,
        E: Into<Fault>,
    {
        self.enter(StateKind::Running, "");
        let mut failed = 0;
        loop {
            let fault = match self.one_try(work()).await {
                Try::Done(value) => {
                    self.enter(StateKind::Completed, "");
                    return Ok(value);
                }
                Try::Dropped => return Err(self.cancelled()),
                Try::Failed(_) if self.is_cancelled() => return Err(self.cancelled()),
                Try::Failed(fault) => fault,
            };
            failed += 1;
            if !fault.may_pass() || failed > self.options.retries {
                self.enter(StateKind::Failed, &fault.to_string());
                return Err(fault);
            }
            self.wait(failed, &fault).await?;
        }
    }

    async fn one_try<T, E: Into<Fault>>(&mut self, work: impl Future<Output = Result<T, E>>) -> Try<T> {
        // Unwind safe: the panic goes on, and nothing of the task is looked at again.
        let work = AssertUnwindSafe(work).catch_unwind();
        let limit = self.options.timeout;
        let ended = tokio::select! {
            // What is done counts, also if it is asked to stop at the same moment.
            biased;
            ended = work => ended,
            () = self.context.0.cancel.cancelled(), if self.options.droppable => return Try::Dropped,
            () = after(limit) => {
                let (task, limit) = (self.task.task.clone(), limit.unwrap_or_default());
                return Try::Failed(FlowError::TimedOut { task, limit }.into());
            }
        };
        match ended {
            Ok(Ok(value)) => Try::Done(value),
            Ok(Err(error)) => Try::Failed(error.into()),
            Err(panic) => {
                self.enter(StateKind::Crashed, panic_message(&*panic));
                resume_unwind(panic);
            }
        }
    }

    /// Waits for the next try.
    async fn wait(&mut self, failed: u32, fault: &Fault) -> Result<(), Fault> {
        let wait = self.options.wait(failed, rand::random());
        tracing::warn!("{fault}; trying again in {:.1} s", wait.as_secs_f64());
        self.enter(StateKind::AwaitingRetry, &fault.to_string());
        tokio::select! {
            () = self.context.0.engine.clock.sleep(wait) => {}
            () = self.context.0.cancel.cancelled() => {}
        }
        if self.is_cancelled() {
            return Err(self.cancelled());
        }
        self.enter(StateKind::Retrying, &format!("try {}", failed + 1));
        Ok(())
    }

    fn is_cancelled(&self) -> bool {
        self.context.0.cancel.is_cancelled()
    }

    fn cancelled(&mut self) -> Fault {
        self.enter(StateKind::Cancelled, "");
        FlowError::Cancelled.into()
    }

    fn enter(&mut self, kind: StateKind, message: &str) {
        match self.life.advance(State::new(kind, self.context.now(), message)) {
            Ok(_) => self.tell(),
            Err(illegal) => tracing::error!("the task `{}`: {illegal}", self.task.task),
        }
    }

    fn tell(&self) {
        let event = Event::TaskState { task: self.task.clone(), state: self.life.state().clone() };
        self.context.0.engine.observer.observe(event);
    }
}

/// Waits so long; for ever without a limit.
async fn after(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}
