//! Flow runs whose worker has gone.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use covid_core::Timestamp;
use jiff::SignedDuration;
use serde_json::json;

use super::Worker;
use crate::{
    StateKind,
    prefect::{PrefectError, Proposal, RemoteFlowRun, RemoteState, StateType, Verdict},
};

/// How the message of a Crashed run ends that is to be set back: whoever finds it so later goes on with that.
const ANEW: &str = ": it is to begin anew";

/// How long ago a run may have been left half set back.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

/// The flow runs of a pool that were seen without a living worker.
#[derive(Default)]
pub(super) struct Orphans {
    last_look: Option<Instant>,
    /// By flow run: its state's id, and since when it was seen so.
    suspects: HashMap<String, (String, Instant)>,
}

impl Orphans {
    /// Looks for them, as often as workers say that they live; what was without a worker for long enough is set back.
    pub(super) async fn look(
        &mut self,
        worker: &Worker,
        is_active: impl Fn(&str) -> bool + Send + Sync,
    ) -> Result<(), PrefectError> {
        let settings = worker.prefect.settings();
        let pause = Duration::from_secs(settings.heartbeat_seconds.into());
        if self.last_look.is_some_and(|last| last.elapsed() < pause) {
            return Ok(());
        }
        self.last_look = Some(Instant::now());
        let mut found = unattended(worker, &is_active).await?;
        found.extend(half_set_back(worker, &is_active).await?);
        let patience = Duration::from_secs_f64(settings.orphan_seconds);
        for run in self.seen_for(found, patience) {
            let gone = run
                .worker
                .as_ref()
                .map_or("no worker has it".to_owned(), |name| format!("the worker `{name}` is gone"));
            set_back(worker, &run, &gone).await?;
        }
        Ok(())
    }

    /// Begins anew: after it was away itself, the server knows of no worker that lives, and they need time to say so.
    pub(super) fn forget(&mut self) {
        self.suspects.clear();
    }

    /// Notes what was found, and gives what was found so for long enough.
    fn seen_for(&mut self, found: Vec<RemoteFlowRun>, patience: Duration) -> Vec<RemoteFlowRun> {
        let earlier = std::mem::take(&mut self.suspects);
        let mut ripe = Vec::new();
        for run in found {
            let Some(state) = &run.state else { continue };
            let since = earlier.get(&run.id).filter(|(id, _)| *id == state.id).map_or_else(Instant::now, |seen| seen.1);
            self.suspects.insert(run.id.clone(), (state.id.clone(), since));
            if since.elapsed() >= patience {
                ripe.push(run);
            }
        }
        ripe
    }
}

/// The flow runs that should be at work, and that no living worker has.
async fn unattended(
    worker: &Worker,
    is_active: &(impl Fn(&str) -> bool + Send),
) -> Result<Vec<RemoteFlowRun>, PrefectError> {
    let filter = json!({
        "work_pools": { "name": { "any_": [worker.pool] } },
        "flow_runs": { "state": { "type": { "any_": ["PENDING", "RUNNING", "CANCELLING"] } } },
    });
    let mut runs = worker.prefect.flow_runs(&filter).await?;
    runs.retain(|run| !is_active(&run.id));
    if runs.is_empty() {
        return Ok(runs);
    }
    let living = worker.prefect.living_workers(&worker.pool).await?;
    // One of this worker's own that is not active was lost between its claim and its beginning, or at its end.
    let is_attended = |name: &String| *name != worker.name && living.contains(name);
    runs.retain(|run| !run.worker.as_ref().is_some_and(is_attended));
    Ok(runs)
}

/// The flow runs of the last day that a worker called Crashed to set them back, and then did not: it died, or the server was
/// away.
async fn half_set_back(
    worker: &Worker,
    is_active: &(impl Fn(&str) -> bool + Sync),
) -> Result<Vec<RemoteFlowRun>, PrefectError> {
    let since = worker.clock.now().saturating_sub(LOOK_BACK).unwrap_or(Timestamp::MIN);
    let filter = json!({
        "work_pools": { "name": { "any_": [worker.pool] } },
        "flow_runs": { "state": { "type": { "any_": ["CRASHED"] } }, "end_time": { "after_": since } },
    });
    let mut runs = worker.prefect.flow_runs(&filter).await?;
    runs.retain(|run| is_half_set_back(run) && !is_active(&run.id));
    Ok(runs)
}

fn is_half_set_back(run: &RemoteFlowRun) -> bool {
    let is_ours = |state: &RemoteState| {
        state.kind == StateType::Crashed && state.message.as_ref().is_some_and(|message| message.ends_with(ANEW))
    };
    run.state.as_ref().is_some_and(is_ours)
}

/// Lets a run be claimed anew, for that reason, or ends it if it was to be cancelled.
pub(super) async fn set_back(worker: &Worker, seen: &RemoteFlowRun, why: &str) -> Result<(), PrefectError> {
    let prefect = &worker.prefect;
    // Other workers look, too: what one of them did since counts.
    let now = prefect.flow_run(&seen.id).await?;
    let state_id = |run: &RemoteFlowRun| run.state.as_ref().map(|state| state.id.clone());
    if state_id(&now) != state_id(seen) || now.worker != seen.worker {
        return Ok(());
    }
    if now.state_type() == Some(StateType::Cancelling) {
        return propose(worker, &now, &Proposal::new(StateKind::Cancelled, why)).await.map(drop);
    }
    // The server lets nothing that has ended become Crashed, but would set it back to Scheduled: this one comes first, so that
    // neither a run that just ended nor one that another worker sets back begins twice.
    let crashed = Proposal::new(StateKind::Crashed, format!("{why}{ANEW}"));
    if is_half_set_back(&now) || propose(worker, &now, &crashed).await? {
        // Nobody's, before anybody can claim it: else the next worker's claim would be seen as the last one's.
        prefect.set_worker(&now.id, None).await?;
        propose(worker, &now, &Proposal::scheduled(worker.clock.now(), format!("anew, since {why}"))).await?;
    }
    Ok(())
}

async fn propose(worker: &Worker, run: &RemoteFlowRun, to: &Proposal) -> Result<bool, PrefectError> {
    let verdict = worker.prefect.set_flow_run_state(&run.id, to, false).await?;
    match &verdict {
        Verdict::Accepted => tracing::warn!("the flow run `{}` is {to}", run.name),
        Verdict::Declined { status, reason } => {
            tracing::info!("Prefect says {status}: the flow run `{}` is not {to} ({reason})", run.name);
        }
    }
    Ok(verdict.is_accepted())
}
