//! Schedules of this machine: several in one process, one run of each at a time.

mod due;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use covid_core::Timestamp;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::due::{Due, Missed, due};
use crate::{
    AnyFlow, Board, CronSchedule, Ended, Filter, FlowError, FlowRun, FlowSettings, Flows, LocalRunner, State,
    StateKind, kept::Lock,
};

/// A run that begins so long after its time is Late before. (Prefect's default, too.)
const LATE_AFTER: Duration = Duration::from_secs(15);

/// In how many flow runs of a schedule its last one is looked for that began.
const LOOK_BACK: usize = 20;

/// How long to wait after the database failed.
const PAUSE: Duration = Duration::from_secs(60);

/// A flow, its parameters, and when it is to run.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// A name of its own.
    pub name: String,
    /// The flow's name.
    pub flow: String,
    /// The parameters; `null` for none.
    pub parameters: Value,
    /// When.
    pub times: CronSchedule,
}

/// Serves schedules.
///
/// A time that comes is run for; of several that came since the last look (the machine slept, nobody served, or the run before
/// was still at work) the latest is run for, if it is not older than the setting `grace_minutes`, and the others are kept as
/// one Cancelled flow run that says how many were missed. How far a schedule was looked at is kept in the database, so that
/// this holds over restarts; a schedule that is new or was changed begins with what comes.
#[derive(Debug)]
pub struct Scheduler {
    jobs: Vec<Arc<Job>>,
}

/// One schedule, and all that it needs.
#[derive(Debug)]
struct Job {
    schedule: Schedule,
    flow: AnyFlow,
    runner: LocalRunner,
    board: Arc<Board>,
    settings: FlowSettings,
}

impl Scheduler {
    /// A scheduler. Its flow runs are kept by the runner, and told to the board.
    ///
    /// # Errors
    /// If a flow is unknown, cannot take its parameters, or two schedules have one name.
    pub fn new(
        flows: &Flows,
        schedules: Vec<Schedule>,
        runner: LocalRunner,
        board: Arc<Board>,
        settings: &FlowSettings,
    ) -> Result<Self, FlowError> {
        let mut names = BTreeSet::new();
        let runner = runner.also_telling(board.clone());
        let mut jobs = vec![];
        for schedule in schedules {
            if !names.insert(schedule.name.clone()) {
                return Err(FlowError::NameTaken { what: "schedules", name: schedule.name });
            }
            let flow = flows.get(&schedule.flow)?.clone();
            flow.check(&schedule.parameters)?;
            let (runner, board, settings) = (runner.clone(), board.clone(), settings.clone());
            jobs.push(Arc::new(Job { schedule, flow, runner, board, settings }));
        }
        Ok(Self { jobs })
    }

    /// Serves until `stop` is cancelled. Then no run is begun, and one that is at work has the setting `drain_seconds` to come
    /// to its end before it is cancelled, too.
    ///
    /// # Errors
    /// If another process serves one of the schedules, or the database cannot be used at the start. Later failures of the
    /// database are warnings, and it is tried again.
    pub async fn serve(&self, stop: CancellationToken) -> Result<(), FlowError> {
        let _locks = self.lock()?;
        let mut begun = vec![];
        for job in &self.jobs {
            begun.push((job.clone(), job.begin().await?));
        }
        let mut serving = JoinSet::new();
        for (job, looked) in begun {
            let stop = stop.clone();
            serving.spawn(async move { job.serve(looked, &stop).await });
        }
        serving.join_all().await;
        Ok(())
    }

    /// Runs each schedule's flow once, now and one after the other, whatever its times.
    ///
    /// # Errors
    /// If another process serves one of the schedules, or the database cannot be used. How the runs ended is in [`Ended`].
    pub async fn once(&self, stop: CancellationToken) -> Result<Vec<Ended>, FlowError> {
        let _locks = self.lock()?;
        let mut ended = vec![];
        for job in &self.jobs {
            let run = job.new_run(None);
            let now = job.now();
            let states =
                [StateKind::Scheduled, StateKind::Pending].map(|kind| (run.clone(), State::new(kind, now, "")));
            job.runner.kept().record(states.into(), None).await?;
            ended.push(job.run(run, &stop).await);
        }
        Ok(ended)
    }

    /// Makes sure that nobody else serves these schedules.
    fn lock(&self) -> Result<Vec<Lock>, FlowError> {
        self.jobs.iter().map(|job| job.runner.kept().schedule_lock(&job.schedule.name)).collect()
    }
}

impl Job {
    fn now(&self) -> Timestamp {
        self.runner.clock().now()
    }

    /// Finds how far the schedule was looked at, and how its last run ended.
    async fn begin(&self) -> Result<Timestamp, FlowError> {
        let Schedule { name, times, .. } = &self.schedule;
        let of = |state, limit| Filter { schedule: Some(name.clone()), state, limit, ..Filter::default() };
        let succeeded = self.runner.kept().list(of(Some(StateKind::Completed), 1), self.now()).await?;
        let last = self.runner.kept().list(of(None, LOOK_BACK), self.now()).await?;
        // A run that stands for times that were missed did not begin.
        for kept in succeeded.iter().chain(last.iter().find(|kept| kept.started_at.is_some())) {
            self.board.remember(kept);
        }
        self.runner.kept().looked(name, times.pattern(), times.time_zone(), self.now()).await
    }

    async fn serve(&self, mut looked: Timestamp, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let Some(next) = self.schedule.times.next_after(looked) else {
                tracing::warn!("the schedule `{}` has no further time", self.schedule.name);
                return;
            };
            self.board.wait_for(&self.schedule, next);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.runner.clock().sleep_until(next) => {}
            }
            match self.run_due(looked, stop).await {
                Ok(until) => looked = until,
                Err(error) => {
                    tracing::warn!("{error}: the schedule `{}` waits", self.schedule.name);
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = self.runner.clock().sleep(PAUSE) => {}
                    }
                }
            }
        }
    }

    /// Runs what is due, and says up to when that is all. What is to run and what was missed is kept before anything is run.
    async fn run_due(&self, looked: Timestamp, stop: &CancellationToken) -> Result<Timestamp, FlowError> {
        let now = self.now();
        let Some(Due { run, missed, until }) = due(&self.schedule.times, looked, now, self.settings.grace()) else {
            return Ok(looked);
        };
        let mut records: Vec<_> = missed.iter().map(|missed| self.missed(missed, now)).collect();
        let run = run.map(|time| self.new_run(Some(time)));
        if let Some(run) = &run {
            records.push((run.clone(), State::new(self.waited(until, now), now, "")));
            records.push((run.clone(), State::new(StateKind::Pending, now, "")));
        }
        self.runner.kept().record(records, Some((self.schedule.name.clone(), until))).await?;
        if let Some(missed) = &missed {
            self.board.miss(&self.schedule.name, missed.count);
        }
        if let Some(run) = run {
            tell(&self.run(run, stop).await);
        }
        Ok(until)
    }

    fn waited(&self, time: Timestamp, now: Timestamp) -> StateKind {
        let late = Duration::try_from(now.duration_since(time)).unwrap_or_default();
        if late > LATE_AFTER { StateKind::Late } else { StateKind::Scheduled }
    }

    fn new_run(&self, time: Option<Timestamp>) -> FlowRun {
        let mut run = FlowRun::new(self.flow.name(), self.schedule.parameters.clone());
        run.schedule = Some(self.schedule.name.clone());
        run.scheduled_at = time;
        run
    }

    /// The run that stands for those that were missed.
    fn missed(&self, missed: &Missed, now: Timestamp) -> (FlowRun, State) {
        let Missed { first, last, count } = missed;
        let times =
            if *count == 1 { format!("the time {last}") } else { format!("{count} times from {first} to {last}") };
        let message = format!("missed {times}: nobody served, the machine slept, or the run before was still at work");
        tracing::warn!("the schedule `{}` {message}", self.schedule.name);
        (self.new_run(Some(*last)), State::new(StateKind::Cancelled, now, message))
    }

    /// Runs a claimed run to its end, or to where it can stop.
    async fn run(&self, run: FlowRun, stop: &CancellationToken) -> Ended {
        let cancel = CancellationToken::new();
        let running = self.runner.run_claimed(&self.flow, run, cancel.clone());
        tokio::pin!(running);
        let drained = async {
            stop.cancelled().await;
            self.runner.clock().sleep(self.settings.drain()).await;
        };
        tokio::select! {
            biased;
            ended = &mut running => ended,
            () = drained => {
                cancel.cancel();
                running.await
            }
        }
    }
}

fn tell(Ended { run, state, result }: &Ended) {
    match result {
        Ok(()) => tracing::info!("{}: {}", run.name, state.kind),
        Err(fault) => tracing::warn!("{}: {}: {fault}", run.name, state.kind),
    }
}
