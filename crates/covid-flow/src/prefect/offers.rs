//! Parts of a flow run's work, offered to the work pool as child flow runs.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use covid_core::sha256_hex;
use serde_json::{Value, json};

use super::{Prefect, PrefectError, Proposal, StateType};
use crate::{FlowRun, Offers, StateKind};

/// Offers the parts to whoever runs the deployment of the parent's own deployment's name.
#[derive(Debug)]
pub(super) struct PoolOffers {
    prefect: Prefect,
    /// The parent's deployment; none for a run that somebody's script made.
    deployment_id: Option<String>,
    /// The child flow runs.
    offered: Mutex<Vec<String>>,
}

impl PoolOffers {
    pub(super) fn new(prefect: Prefect, deployment_id: Option<String>) -> Self {
        Self { prefect, deployment_id, offered: Mutex::default() }
    }

    /// The deployment by which children run, if there is one.
    async fn deployment_of(&self, flow: &str) -> Result<Option<String>, PrefectError> {
        let Some(own) = &self.deployment_id else { return Ok(None) };
        let name = self.prefect.deployment_name(own).await?;
        let found = self.prefect.find_deployment(flow, &name).await?;
        Ok(found.and_then(|found| found["id"].as_str().map(str::to_owned)))
    }

    async fn offer_all(
        &self,
        parent: &FlowRun,
        task_run_id: Option<&str>,
        flow: &str,
        parameters: &[Value],
    ) -> Result<usize, PrefectError> {
        let Some(deployment) = self.deployment_of(flow).await? else {
            tracing::warn!(
                "no part is offered to others: the flow `{flow}` has no deployment; run `deploy --shards` again"
            );
            return Ok(0);
        };
        for (number, parameters) in parameters.iter().enumerate() {
            // The same parent that begins anew offers the same: what is there already is not made twice.
            let key = sha256_hex(format!("{} {flow} {parameters}", parent.id).as_bytes());
            let document = json!({
                "name": format!("{}-{number}", parent.name),
                "parameters": parameters,
                "idempotency_key": key,
                "parent_task_run_id": task_run_id,
                "tags": [parent.flow],
            });
            let child = self.prefect.start_child(&deployment, &document).await?;
            self.offered.lock().unwrap_or_else(PoisonError::into_inner).push(child.id);
        }
        Ok(parameters.len())
    }

    async fn withdraw_one(&self, id: &str) -> Result<(), PrefectError> {
        let child = self.prefect.flow_run(id).await?;
        if child.state_type() == Some(StateType::Scheduled) {
            let cancelled = Proposal::new(StateKind::Cancelled, "the flow run that offered it was cancelled");
            self.prefect.set_flow_run_state(id, &cancelled, false).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Offers for PoolOffers {
    async fn offer(&self, parent: &FlowRun, task_run_id: Option<&str>, flow: &str, parameters: Vec<Value>) -> usize {
        let offered = self.offer_all(parent, task_run_id, flow, &parameters).await;
        offered.unwrap_or_else(|error| {
            tracing::warn!("not every part was offered to others: {error}");
            self.offered.lock().unwrap_or_else(PoisonError::into_inner).len()
        })
    }

    async fn withdraw(&self, _: &FlowRun) {
        let offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for id in offered {
            if let Err(error) = self.withdraw_one(&id).await {
                tracing::warn!("a part that was offered to others was not taken back: {error}");
            }
        }
    }
}
