//! The flow runs that a worker has at work.

use std::{
    collections::{BTreeSet, HashMap},
    future::{Future, pending},
    sync::Arc,
    time::Duration,
};

use covid_core::Explain as _;
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tokio::{
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Worker,
    isolated::Isolated,
    orphans::{Orphans, set_back},
};
use crate::{
    AnyFlow, Engine, FlowRun, State, StateKind,
    prefect::{
        PrefectError, PrefectObserver, Proposal, RemoteFlowRun, RemoteState, StateType, Verdict, offers::PoolOffers,
    },
};

/// How long a worker that ends tries to set back what it has stopped.
const HAND_BACK_WITHIN: Duration = Duration::from_secs(5);

/// What a worker does from its beginning to its end.
pub(super) struct Shift<'w> {
    worker: &'w Worker,
    active: HashMap<String, Active>,
    tasks: JoinSet<()>,
    orphans: Orphans,
    /// Names of flows by their id at the server.
    flow_names: HashMap<String, String>,
    /// Flows that this program does not have, each of them told once.
    unknown: BTreeSet<String>,
}

/// A flow run at work.
struct Active {
    name: String,
    cancel: CancellationToken,
    observer: Arc<PrefectObserver>,
    task: AbortHandle,
}

impl Active {
    /// It is somebody else's.
    fn give_up(&self, why: &str) {
        if !self.task.is_finished() {
            tracing::warn!("the flow run `{}` is stopped here: {why}", self.name);
        }
        self.observer.disown();
        self.cancel.cancel();
    }
}

impl<'w> Shift<'w> {
    pub(super) fn new(worker: &'w Worker) -> Self {
        let (active, tasks, orphans) = (HashMap::new(), JoinSet::new(), Orphans::default());
        Self { worker, active, tasks, orphans, flow_names: HashMap::new(), unknown: BTreeSet::new() }
    }

    /// Looks after the runs at work, after those that nobody works at, and for new ones.
    pub(super) async fn round(&mut self, stop: &CancellationToken) -> Result<(), PrefectError> {
        self.forget_ended();
        watch(self.worker, &self.active).await?;
        let active = &self.active;
        self.orphans.look(self.worker, |id| active.contains_key(id)).await?;
        if self.active.len() < self.worker.limit {
            let due = self.worker.prefect.due(&self.worker.pool, self.worker.clock.now()).await?;
            for run in due {
                if self.active.len() >= self.worker.limit || stop.is_cancelled() {
                    break;
                }
                self.take(run).await?;
            }
        }
        Ok(())
    }

    /// Whoever was seen without a living worker needs to be seen so anew: a round failed.
    pub(super) fn forget_suspects(&mut self) {
        self.orphans.forget();
    }

    /// Waits until a run ends; for ever if there is none.
    pub(super) async fn one_ends(&mut self) {
        if self.tasks.join_next().await.is_none() {
            return pending().await;
        }
        self.forget_ended();
    }

    fn forget_ended(&mut self) {
        self.active.retain(|_, active| !active.task.is_finished());
    }

    /// Lets the runs end. Those that take too long for that are stopped here, and set back for another worker.
    pub(super) async fn drain(self) {
        let (worker, drain) = (self.worker, self.worker.prefect.settings().drain_seconds);
        let stopped = self.finish(sleep(Duration::from_secs_f64(drain))).await;
        let handed_back = timeout(HAND_BACK_WITHIN, async {
            for id in &stopped {
                hand_back(worker, id).await?;
            }
            Ok::<_, PrefectError>(())
        });
        match handed_back.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("not every flow run is set back; another worker will find it: {error}"),
            Err(_) => tracing::warn!("Prefect does not answer: another worker will find what is not set back"),
        }
    }

    /// Begins a run that is claimed already, and looks after it to its end.
    pub(super) async fn run_claimed(mut self, run: RemoteFlowRun, stop: CancellationToken) -> Result<(), PrefectError> {
        if let Some(flow) = self.flow(&run).await? {
            self.begin(run, flow, stop);
            self.finish(pending()).await;
        }
        Ok(())
    }

    /// Looks after the runs until all have ended, and stops them when it is time to: the ids of those.
    async fn finish(mut self, time_to_stop: impl Future<Output = ()>) -> Vec<String> {
        let mut time_to_stop = Box::pin(time_to_stop.fuse());
        let mut stopped = Vec::new();
        while !self.active.is_empty() {
            tokio::select! {
                () = self.last_round() => {}
                () = &mut time_to_stop => {
                    // What somebody cancelled ends as that.
                    for (id, active) in self.active.iter().filter(|(_, active)| !active.cancel.is_cancelled()) {
                        active.give_up("the worker was asked to stop");
                        stopped.push(id.clone());
                    }
                }
            }
        }
        stopped
    }

    /// Looks after the runs, and waits for the next time. It may be dropped where it waits.
    async fn last_round(&mut self) {
        let (worker, active) = (self.worker, &self.active);
        worker.show_round();
        let look = async {
            if let Err(error) = watch(worker, active).await {
                tracing::warn!("the worker `{}` does not see its flow runs at Prefect: {error}", worker.name);
            }
            sleep(Duration::from_secs_f64(worker.prefect.settings().poll_seconds)).await;
        };
        tokio::select! {
            () = look => {}
            Some(_) = self.tasks.join_next() => {}
        }
        self.forget_ended();
    }

    /// Claims a run and begins it, if it can be had.
    async fn take(&mut self, run: RemoteFlowRun) -> Result<(), PrefectError> {
        if self.active.contains_key(&run.id) {
            return Ok(());
        }
        let Some(flow) = self.flow(&run).await? else { return Ok(()) };
        match self.claim(&run).await {
            Ok(true) => self.begin(run, flow, CancellationToken::new()),
            Ok(false) => {}
            Err(error) if error.may_pass() => return Err(error),
            // It may have been removed: the others are not to wait for it.
            Err(error) => tracing::warn!("the flow run `{}` cannot be claimed: {error}", run.name),
        }
        Ok(())
    }

    /// The flow of a run; none if this program does not have it, and leaves it to others.
    async fn flow(&mut self, run: &RemoteFlowRun) -> Result<Option<AnyFlow>, PrefectError> {
        let name = match self.flow_names.get(&run.flow_id) {
            Some(name) => name.clone(),
            None => self.worker.prefect.flow_name(&run.flow_id).await?,
        };
        self.flow_names.insert(run.flow_id.clone(), name.clone());
        match self.worker.flows.get(&name) {
            Ok(flow) => Ok(Some(flow.clone())),
            Err(error) => {
                if self.unknown.insert(name) {
                    tracing::warn!("flow runs of the work pool `{}` are left alone: {error}", self.worker.pool);
                }
                Ok(None)
            }
        }
    }

    /// Claims a run. Should another worker claim it at the same moment all the same, then the one that is noted as its worker
    /// last has it, and the other one lets it go ([`watch`]).
    async fn claim(&self, run: &RemoteFlowRun) -> Result<bool, PrefectError> {
        let Worker { prefect, name, .. } = self.worker;
        let claim = Proposal::new(StateKind::Pending, format!("claimed by the worker `{name}`"));
        if let Verdict::Declined { status, reason } = prefect.set_flow_run_state(&run.id, &claim, false).await? {
            tracing::debug!("Prefect says {status} to the claim of the flow run `{}`: {reason}", run.name);
            return Ok(false);
        }
        let states = prefect.flow_run_states(&run.id).await?;
        let place = states.iter().position(|state| state.came_of(&claim));
        match place.and_then(|place| place.checked_sub(1)).map(|before| &states[before]) {
            Some(before) if before.kind == StateType::Scheduled => {}
            // What ended between the poll and the claim is not to run again, although the server would allow it.
            Some(ended) if ended.kind.is_final() => {
                self.restore(run, ended).await?;
                return Ok(false);
            }
            // A busy server with SQLite was seen to accept two claims at once: the first one counts.
            _ => return Ok(false),
        }
        let now = prefect.flow_run(&run.id).await?;
        if now.state_type() != Some(StateType::Pending) || now.worker != run.worker {
            return Ok(false);
        }
        prefect.set_worker(&run.id, Some(name)).await?;
        Ok(true)
    }

    /// Gives a run that had ended its last state back.
    async fn restore(&self, run: &RemoteFlowRun, ended: &RemoteState) -> Result<(), PrefectError> {
        let Some(kind) = ended.final_kind() else { return Ok(()) };
        let state = Proposal::new(kind, ended.message.clone().unwrap_or_default());
        self.worker.prefect.set_flow_run_state(&run.id, &state, true).await.map(drop)
    }

    /// Begins a run, here or in a process of its own.
    fn begin(&mut self, run: RemoteFlowRun, flow: AnyFlow, cancel: CancellationToken) {
        let worker = self.worker;
        let observer = Arc::new(PrefectObserver::new(worker.prefect.clone(), Some(worker.name.clone())));
        let (id, name, deployment_id) = (run.id.clone(), run.name.clone(), run.deployment_id.clone());
        let run = local(run, flow.name());
        let task = match &worker.child {
            None => {
                let engine = engine(worker, observer.clone(), deployment_id);
                let cancel = cancel.clone();
                self.tasks.spawn(async move {
                    let ended = engine.run(&flow, run, cancel).await;
                    let State { kind, message, .. } = &ended.state;
                    let why = if message.is_empty() { String::new() } else { format!(": {message}") };
                    tracing::info!("the flow run `{}` ended as {kind}{why}", ended.run.name);
                })
            }
            Some(child) => {
                let command = child(&id, &worker.name);
                let (observer, cancel) = (observer.clone(), cancel.clone());
                let isolated = Isolated { worker: worker.clone(), run, cancel, observer };
                self.tasks.spawn(isolated.run(command))
            }
        };
        self.active.insert(id, Active { name, cancel, observer, task });
    }
}

/// Sets back a run that was stopped before its end, since its worker was asked to stop.
async fn hand_back(worker: &Worker, id: &str) -> Result<(), PrefectError> {
    let run = worker.prefect.flow_run(id).await?;
    let is_at_work = run.state_type().is_some_and(|kind| !kind.is_final() && kind != StateType::Scheduled);
    if is_at_work && run.worker.as_ref() == Some(&worker.name) {
        set_back(worker, &run, &format!("the worker `{}` was asked to stop", worker.name)).await?;
    }
    Ok(())
}

/// Looks what the server says of the runs at work.
async fn watch(worker: &Worker, runs: &HashMap<String, Active>) -> Result<(), PrefectError> {
    if runs.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = runs.keys().collect();
    let found = worker.prefect.flow_runs(&json!({ "flow_runs": { "id": { "any_": ids } } })).await?;
    let found: HashMap<_, _> = found.iter().map(|run| (run.id.as_str(), run)).collect();
    for (id, active) in runs {
        match found.get(id.as_str()) {
            // A person deleted it. It stops where it can, and its observer finds that there is nothing to tell.
            None => active.cancel.cancel(),
            Some(run) if run.worker.as_ref() != Some(&worker.name) => active.give_up("it is another worker's"),
            Some(run) => match run.state_type() {
                Some(StateType::Scheduled) => active.give_up("it was set back to Scheduled"),
                // Cancelling, or ended by somebody.
                Some(kind) if kind == StateType::Cancelling || kind.is_final() => active.cancel.cancel(),
                _ => {}
            },
        }
    }
    Ok(())
}

/// What runs a flow run in this process.
fn engine(worker: &Worker, observer: Arc<PrefectObserver>, deployment_id: Option<String>) -> Engine {
    let offers = PoolOffers::new(worker.prefect.clone(), deployment_id, observer.disowned().clone());
    let mut told = worker.observers.clone();
    told.push(observer);
    Engine::new(Arc::new(told), worker.clock.clone()).offering(Arc::new(offers))
}

/// The run as the engine knows it.
fn local(run: RemoteFlowRun, flow: &str) -> FlowRun {
    FlowRun {
        id: run.id,
        name: run.name,
        flow: flow.to_owned(),
        parameters: Value::Object(run.parameters),
        schedule: run.deployment_id.filter(|_| run.auto_scheduled),
        scheduled_at: run.expected_start_time.filter(|_| run.auto_scheduled),
    }
}
