//! Parts of a flow run's work, offered to the work pool as child flow runs.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use covid_core::{Explain as _, sha256_hex};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Prefect, PrefectError, Proposal, StateType};
use crate::{FlowRun, Offers, StateKind};

/// Offers the parts to whoever runs the deployment of the parent's own deployment's name.
#[derive(Debug)]
pub(super) struct PoolOffers {
    prefect: Prefect,
    /// The parent's deployment; none for a run that somebody's script made.
    deployment_id: Option<String>,
    /// Cancelled once the parent is another worker's, whose offers are the same child flow runs.
    disowned: CancellationToken,
    /// The child flow runs.
    offered: Mutex<Vec<String>>,
    is_withdrawn: AtomicBool,
}

/// What is offered, as part of what.
struct Offer<'o> {
    parent: &'o FlowRun,
    task_run_id: Option<&'o str>,
    flow: &'o str,
    deployment: String,
}

impl Offer<'_> {
    fn document(&self, number: usize, parameters: &Value) -> Value {
        let Self { parent, task_run_id, flow, .. } = self;
        // The same parent that begins anew offers the same: what is there already is not made twice.
        let key = sha256_hex(format!("{} {flow} {parameters}", parent.id).as_bytes());
        json!({
            "name": format!("{}-{number}", parent.name),
            "parameters": parameters,
            "idempotency_key": key,
            "parent_task_run_id": task_run_id,
            "tags": [parent.flow],
        })
    }
}

impl PoolOffers {
    pub(super) fn new(prefect: Prefect, deployment_id: Option<String>, disowned: CancellationToken) -> Self {
        Self { prefect, deployment_id, disowned, offered: Mutex::default(), is_withdrawn: AtomicBool::new(false) }
    }

    /// The deployment by which children run, if there is one.
    async fn deployment_of(&self, flow: &str) -> Result<Option<String>, PrefectError> {
        let Some(own) = &self.deployment_id else { return Ok(None) };
        let name = self.prefect.deployment_name(own).await?;
        let found = self.prefect.find_deployment(flow, &name).await?;
        Ok(found.and_then(|found| found["id"].as_str().map(str::to_owned)))
    }

    /// Offers the parts until one fails, or they are withdrawn: how many were offered.
    async fn offer_all(&self, offer: &Offer<'_>, parameters: &[Value]) -> usize {
        for (number, parameters) in parameters.iter().enumerate() {
            if self.is_withdrawn.load(Ordering::Relaxed) {
                return number;
            }
            match self.prefect.start_child(&offer.deployment, &offer.document(number, parameters)).await {
                Ok(child) => self.offered().push(child.id),
                Err(error) => {
                    tracing::warn!("not every part was offered to others: {error}");
                    return number;
                }
            }
        }
        parameters.len()
    }

    async fn withdraw_one(&self, id: &str) -> Result<(), PrefectError> {
        let child = self.prefect.flow_run(id).await?;
        if child.state_type() == Some(StateType::Scheduled) {
            let cancelled = Proposal::new(StateKind::Cancelled, "taken back by the flow run that offered it");
            self.prefect.set_flow_run_state(id, &cancelled, false).await?;
        }
        Ok(())
    }

    fn offered(&self) -> MutexGuard<'_, Vec<String>> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_offered(&self) -> Option<String> {
        self.offered().pop()
    }
}

#[async_trait]
impl Offers for PoolOffers {
    async fn offer(&self, parent: &FlowRun, task_run_id: Option<&str>, flow: &str, parameters: Vec<Value>) -> usize {
        match self.deployment_of(flow).await {
            Ok(Some(deployment)) => self.offer_all(&Offer { parent, task_run_id, flow, deployment }, &parameters).await,
            Ok(None) => {
                tracing::warn!(
                    "no part is offered to others: the flow `{flow}` has no deployment; run `deploy --shards` again"
                );
                0
            }
            Err(error) => {
                tracing::warn!("no part is offered to others: {error}");
                0
            }
        }
    }

    async fn withdraw(&self, _: &FlowRun) {
        self.is_withdrawn.store(true, Ordering::Relaxed);
        while !self.disowned.is_cancelled()
            && let Some(id) = self.next_offered()
        {
            let Err(error) = self.withdraw_one(&id).await else { continue };
            tracing::warn!("a part that was offered to others was not taken back: {error}");
            if error.may_pass() {
                // The others would not get through either. The end of the parent is another chance.
                self.offered().push(id);
                return;
            }
        }
    }
}
