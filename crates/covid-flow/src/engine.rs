//! One flow run from Pending to its end, whoever asked for it.

use std::{any::Any, future::Future, panic::AssertUnwindSafe, sync::Arc};

use covid_core::Fault;
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    AnyFlow, Clock, Context, Event, FlowError, FlowRun, Lifecycle, Observer, Offers, State, StateKind, logs,
    offers::Alone,
};

/// What is said of a flow run that was cancelled and did all its work.
pub(crate) const WORK_IS_COMPLETE: &str = "after its last task: its work is complete";

/// How a flow run ended.
#[derive(Debug)]
pub struct Ended<R = ()> {
    /// The run.
    pub run: FlowRun,
    /// Completed, Failed, Crashed or Cancelled.
    pub state: State,
    /// What the flow gave. A flow run that was cancelled after its last task has a result, too.
    pub result: Result<R, Fault>,
}

/// Who is told of flow runs, what time it is for them, and who may help.
#[derive(Clone)]
pub struct Engine {
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) offers: Arc<dyn Offers>,
}

impl Engine {
    /// An engine whose flow runs do all their work themselves.
    pub fn new(observer: Arc<dyn Observer>, clock: Arc<dyn Clock>) -> Self {
        Self { observer, clock, offers: Arc::new(Alone) }
    }

    /// Lets flow runs offer parts of their work to others.
    pub fn offering(self, offers: Arc<dyn Offers>) -> Self {
        Self { offers, ..self }
    }

    /// Runs a flow that the caller has claimed: the run is Pending, and nobody else's. It goes to Running and to its end, and
    /// all of that is told before this returns. Parameters that do not fit are a failure.
    ///
    /// When `cancel` is cancelled, the run ends as Cancelled at its next safe point (see [`Context::task`]).
    pub async fn run(&self, flow: &AnyFlow, run: FlowRun, cancel: CancellationToken) -> Ended {
        let (flow, parameters) = (flow.clone(), run.parameters.clone());
        let body = |context| async move { flow.call(context, parameters)?.await };
        self.run_body(run, cancel, body).await
    }

    pub(crate) async fn run_body<R, F>(
        &self,
        run: FlowRun,
        cancel: CancellationToken,
        body: impl FnOnce(Context) -> F,
    ) -> Ended<R>
    where
        F: Future<Output = Result<R, Fault>>,
    {
        let _logs = logs::route(&run.id, &self.observer, &self.clock);
        let span = tracing::info_span!("flow_run", flow_run_id = %run.id, flow = %run.flow);
        let ended = FlowRunning::new(self, run, cancel).finish(body).instrument(span).await;
        self.observer.flush().await;
        ended
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// A flow run at work.
struct FlowRunning<'e> {
    engine: &'e Engine,
    run: FlowRun,
    cancel: CancellationToken,
    life: Lifecycle,
}

impl<'e> FlowRunning<'e> {
    fn new(engine: &'e Engine, run: FlowRun, cancel: CancellationToken) -> Self {
        let pending = State::new(StateKind::Pending, engine.clock.now(), "");
        Self { engine, run, cancel, life: Lifecycle::new(pending) }
    }

    async fn finish<R, F>(mut self, body: impl FnOnce(Context) -> F) -> Ended<R>
    where
        F: Future<Output = Result<R, Fault>>,
    {
        let result = if self.cancel.is_cancelled() {
            self.enter(StateKind::Cancelled, "before it began");
            Err(FlowError::Cancelled.into())
        } else {
            self.work(body).await
        };
        if self.life.state().kind != StateKind::Completed {
            // Also what was offered as it was asked to stop.
            self.engine.offers.withdraw(&self.run).await;
        }
        Ended { state: self.life.state().clone(), run: self.run, result }
    }

    async fn work<R, F>(&mut self, body: impl FnOnce(Context) -> F) -> Result<R, Fault>
    where
        F: Future<Output = Result<R, Fault>>,
    {
        self.enter(StateKind::Running, "");
        let context = Context::new(self.run.clone(), self.engine.clone(), self.cancel.clone());
        // Unwind safe: nothing that the flow owned is looked at again.
        let work = AssertUnwindSafe(async { body(context).await }).catch_unwind();
        tokio::pin!(work);
        let ended = tokio::select! {
            biased;
            ended = &mut work => ended,
            () = self.cancel.cancelled() => {
                self.enter(StateKind::Cancelling, "");
                tokio::join!(self.engine.offers.withdraw(&self.run), &mut work).1
            }
        };
        ended.map(|result| self.end(result)).unwrap_or_else(|panic| self.crash(&*panic))
    }

    fn end<R>(&mut self, result: Result<R, Fault>) -> Result<R, Fault> {
        let message = result.as_ref().map_or_else(ToString::to_string, |_| String::new());
        // Asked to stop as it failed, it is said to have failed for that.
        let stopped = self.life.state().kind == StateKind::Cancelling || self.cancel.is_cancelled();
        match &result {
            Ok(_) if self.life.state().kind == StateKind::Cancelling => {
                self.enter(StateKind::Cancelled, WORK_IS_COMPLETE);
            }
            Ok(_) => self.enter(StateKind::Completed, ""),
            Err(_) if stopped => self.enter(StateKind::Cancelled, &message),
            Err(_) => self.enter(StateKind::Failed, &message),
        }
        result
    }

    fn crash<R>(&mut self, panic: &(dyn Any + Send)) -> Result<R, Fault> {
        let crashed = FlowError::Crashed { flow: self.run.flow.clone(), reason: panic_message(panic).to_owned() };
        self.enter(StateKind::Crashed, &crashed.to_string());
        Err(crashed.into())
    }

    fn enter(&mut self, kind: StateKind, message: &str) {
        match self.life.advance(State::new(kind, self.engine.clock.now(), message)) {
            Ok(state) => {
                let event = Event::FlowState { run: self.run.clone(), state: state.clone() };
                self.engine.observer.observe(event);
            }
            Err(illegal) => tracing::error!("the flow `{}`: {illegal}", self.run.flow),
        }
    }
}

/// What a panic says.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason was given")
}
