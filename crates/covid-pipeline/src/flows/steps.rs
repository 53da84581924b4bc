//! The steps of a flow.

use covid_core::Fault;
use covid_flow::{Context, TaskOptions};
use serde_json::Value;

/// How the steps of a flow are run: as tasks of a flow run, or by themselves (in a replay of history, say).
#[derive(Debug, Clone)]
pub struct Steps(Option<(Context, TaskOptions)>);

impl Steps {
    /// By themselves.
    pub const fn alone() -> Self {
        Self(None)
    }

    /// As tasks of a flow run, each as patient as the options say.
    pub fn of(context: &Context, options: TaskOptions) -> Self {
        Self(Some((context.clone(), options)))
    }

    /// Runs a step. It is run again after a failure that may pass: doing it twice must change nothing.
    pub(crate) async fn step<T, E, F, W>(&self, name: &str, work: W) -> Result<T, Fault>
    where
        W: Fn() -> F,
        F: Future<Output = Result<T, E>>,
        E: Into<Fault>,
    {
        match &self.0 {
            Some((context, options)) => context.task(name, *options, work).await,
            None => work().await.map_err(Into::into),
        }
    }

    /// Runs a step that leaves a trace each time it is begun (a tracking run, a version): it is not tried again as a whole. Each
    /// of its calls to others is, by the client that makes it.
    pub(crate) async fn once<T, E, F, W>(&self, name: &str, work: W) -> Result<T, Fault>
    where
        W: Fn() -> F,
        F: Future<Output = Result<T, E>>,
        E: Into<Fault>,
    {
        let once = self.0.clone().map(|(context, options)| (context, options.retries(0)));
        Self(once).step(name, work).await
    }

    /// Offers a flow with each of these parameters to others, who may take a part of the work or not.
    pub(crate) async fn offer(&self, name: &str, flow: &str, parameters: Vec<Value>) -> Result<usize, Fault> {
        match &self.0 {
            Some((context, _)) => context.offer(name, flow, parameters).await,
            None => Ok(0),
        }
    }
}
