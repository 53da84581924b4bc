//! Flow runs on this machine, kept in its database.

use std::sync::Arc;

use covid_core::Fault;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use tokio_util::sync::CancellationToken;

use crate::{AnyFlow, Clock, Ended, Engine, Flow, FlowError, FlowRun, FlowRuns, Observer, State, StateKind};

/// Runs flows on this machine, and keeps what happens.
#[derive(Clone)]
pub struct LocalRunner {
    kept: FlowRuns,
    clock: Arc<dyn Clock>,
    observers: Vec<Arc<dyn Observer>>,
}

impl LocalRunner {
    /// A runner that keeps its flow runs there.
    pub fn new(kept: FlowRuns, clock: Arc<dyn Clock>) -> Self {
        Self { observers: vec![Arc::new(kept.clone())], kept, clock }
    }

    /// Where the flow runs are kept.
    pub fn kept(&self) -> &FlowRuns {
        &self.kept
    }

    /// Runs a flow now. The parameters are kept with the run, so they must hold no secret.
    ///
    /// # Errors
    /// If the run cannot be kept before it begins, or the parameters are no document. How the flow itself ended is in
    /// [`Ended`].
    pub async fn run<P, R>(
        &self,
        flow: &Flow<P, R>,
        parameters: P,
        cancel: CancellationToken,
    ) -> Result<Ended<R>, Fault>
    where
        P: Serialize + DeserializeOwned + JsonSchema + Send + 'static,
        R: Send + 'static,
    {
        let document = serde_json::to_value(&parameters)
            .map_err(|error| FlowError::BadParameters { flow: flow.name().to_owned(), reason: error.to_string() })?;
        let run = FlowRun::new(flow.name(), document);
        self.kept.record(vec![(run.clone(), self.pending())], None).await?;
        Ok(self.engine().run_body(run, cancel, |context| flow.call(context, parameters)).await)
    }

    /// Tells somebody else, too.
    pub fn also_telling(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Runs a flow for a run that is kept already, as Pending.
    pub(crate) async fn run_claimed(&self, flow: &AnyFlow, run: FlowRun, cancel: CancellationToken) -> Ended {
        self.engine().run(flow, run, cancel).await
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn engine(&self) -> Engine {
        Engine::new(Arc::new(self.observers.clone()), self.clock.clone())
    }

    fn pending(&self) -> State {
        State::new(StateKind::Pending, self.clock.now(), "")
    }
}

impl std::fmt::Debug for LocalRunner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LocalRunner({})", self.kept.path().display())
    }
}
