//! What is known of the flow runs of this process.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use covid_core::Timestamp;

use super::{Health, HealthStatus, LastRun, ScheduleHealth, WorkerHealth, metrics};
use crate::{Clock, Event, FlowRun, KeptFlowRun, Observer, Schedule, State, StateKind};

/// How long a time may have passed before its run begins.
const STALLED_AFTER: Duration = Duration::from_secs(60);

/// Counts the flow runs of this process and remembers how each schedule fares. It is an [`Observer`]: whoever runs flows lets it
/// be told, beside the one that keeps them.
pub struct Board {
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

#[derive(Default)]
pub(super) struct Known {
    pub(super) schedules: BTreeMap<String, ScheduleHealth>,
    /// The worker, and how long it may take from one round to the next.
    worker: Option<(WorkerHealth, Duration)>,
    /// By flow.
    pub(super) flows: BTreeMap<String, FlowCounts>,
    /// Flow runs at work, by id: when they began.
    began: BTreeMap<String, Timestamp>,
}

#[derive(Default)]
pub(super) struct FlowCounts {
    pub(super) ended: BTreeMap<StateKind, u64>,
    pub(super) running: u64,
    /// Of the runs that ended after they had begun.
    pub(super) seconds: f64,
    pub(super) timed: u64,
    pub(super) last_success: Option<Timestamp>,
}

impl Board {
    /// A board with nothing on it.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: Mutex::default() }
    }

    /// How all fares now.
    pub fn health(&self) -> Health {
        let (now, known) = (self.clock.now(), self.known());
        let of_worker = known.worker.iter().map(|(worker, within)| of_worker(worker, *within, now));
        let status = known.schedules.values().map(|schedule| status(schedule, now)).chain(of_worker).max();
        Health {
            status: status.unwrap_or(HealthStatus::Healthy),
            now,
            schedules: known.schedules.clone(),
            worker: known.worker.as_ref().map(|(worker, _)| worker.clone()),
        }
    }

    /// The counts as Prometheus reads them.
    pub fn metrics(&self) -> String {
        metrics::text(&self.known())
    }

    pub(crate) fn wait_for(&self, schedule: &Schedule, next: Timestamp) {
        let mut known = self.known();
        let entry = known.schedules.entry(schedule.name.clone()).or_default();
        entry.flow.clone_from(&schedule.flow);
        schedule.times.pattern().clone_into(&mut entry.cron);
        schedule.times.time_zone().clone_into(&mut entry.time_zone);
        entry.next = Some(next);
    }

    pub(crate) fn miss(&self, schedule: &str, count: u64) {
        self.known().schedules.entry(schedule.to_owned()).or_default().missed += count;
    }

    /// A worker begins a round; the next one has to begin, and Prefect to answer, within that time.
    pub(crate) fn round_of(&self, name: &str, pool: &str, within: Duration) {
        let now = self.clock.now();
        let mut known = self.known();
        let (since, last_answer) =
            known.worker.as_ref().map_or((now, None), |(worker, _)| (worker.since, worker.last_answer));
        let (name, pool) = (name.to_owned(), pool.to_owned());
        known.worker = Some((WorkerHealth { name, pool, last_round: now, last_answer, since }, within));
    }

    /// Prefect answered all that the worker asked.
    pub(crate) fn answered(&self) {
        let now = self.clock.now();
        if let Some((worker, _)) = &mut self.known().worker {
            worker.last_answer = Some(now);
        }
    }

    /// Takes in a run of an earlier process.
    pub(crate) fn remember(&self, kept: &KeptFlowRun) {
        self.known().schedule_is(&kept.run, &kept.state);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn status(schedule: &ScheduleHealth, now: Timestamp) -> HealthStatus {
    let state = schedule.last_run.as_ref().map(|last| last.state);
    let waits = state.is_none_or(StateKind::is_final);
    let overdue = |next| Duration::try_from(now.duration_since(next)).is_ok_and(|late| late > STALLED_AFTER);
    match (schedule.next, state) {
        (Some(next), _) if waits && overdue(next) => HealthStatus::Stalled,
        (_, Some(StateKind::Failed | StateKind::Crashed)) => HealthStatus::Failing,
        _ => HealthStatus::Healthy,
    }
}

fn of_worker(worker: &WorkerHealth, within: Duration, now: Timestamp) -> HealthStatus {
    let is_long_ago = |at| Duration::try_from(now.duration_since(at)).is_ok_and(|since| since > within);
    match is_long_ago(worker.last_round) || is_long_ago(worker.last_answer.unwrap_or(worker.since)) {
        true => HealthStatus::Stalled,
        false => HealthStatus::Healthy,
    }
}

impl Known {
    fn schedule_is(&mut self, run: &FlowRun, state: &State) {
        let Some(name) = &run.schedule else { return };
        let entry = self.schedules.entry(name.clone()).or_default();
        if state.kind == StateKind::Completed {
            entry.last_success = Some(state.at);
        }
        let (id, name) = (run.id.clone(), run.name.clone());
        entry.last_run = Some(LastRun { id, name, state: state.kind, at: state.at, scheduled_at: run.scheduled_at });
    }

    fn count(&mut self, run: &FlowRun, state: &State) {
        let counts = self.flows.entry(run.flow.clone()).or_default();
        match state.kind {
            StateKind::Running => {
                counts.running += 1;
                self.began.insert(run.id.clone(), state.at);
            }
            kind if kind.is_final() => {
                *counts.ended.entry(kind).or_default() += 1;
                if kind == StateKind::Completed {
                    counts.last_success = Some(state.at);
                }
                if let Some(began) = self.began.remove(&run.id) {
                    counts.running = counts.running.saturating_sub(1);
                    counts.seconds += state.at.duration_since(began).as_secs_f64();
                    counts.timed += 1;
                }
            }
            _ => {}
        }
    }
}

#[async_trait]
impl Observer for Board {
    fn observe(&self, event: Event) {
        if let Event::FlowState { run, state } = event {
            let mut known = self.known();
            known.schedule_is(&run, &state);
            known.count(&run, &state);
        }
    }

    async fn flush(&self) {}
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board").finish_non_exhaustive()
    }
}
