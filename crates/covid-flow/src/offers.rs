//! Work of a flow run that others may take a part of.

use async_trait::async_trait;
use serde_json::Value;

use crate::FlowRun;

/// Where a flow run offers parts of its work to others: a work pool, say.
///
/// An offer asks for help and waits for none: whoever makes it goes on with the same work itself, skips the parts that
/// others have done, and so comes to its end whether many take part or nobody does. A part may be done twice; that must
/// change nothing.
#[async_trait]
pub trait Offers: Send + Sync + 'static {
    /// Offers a flow with each of these parameters, as child flow runs of `parent` and of one of its task runs. Returns how
    /// many were offered; what fails is logged, and no failure of the work.
    async fn offer(&self, parent: &FlowRun, task_run_id: Option<&str>, flow: &str, parameters: Vec<Value>) -> usize;

    /// Takes back what nobody has taken yet, and offers nothing more: the parent is asked to stop, or has ended otherwise than
    /// Completed. It may be called again.
    async fn withdraw(&self, parent: &FlowRun);
}

/// Nobody else is there.
#[derive(Debug)]
pub(crate) struct Alone;

#[async_trait]
impl Offers for Alone {
    async fn offer(&self, _: &FlowRun, _: Option<&str>, _: &str, _: Vec<Value>) -> usize {
        0
    }

    async fn withdraw(&self, _: &FlowRun) {}
}
