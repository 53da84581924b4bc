//! Flow runs, their tasks, states, log lines and artifacts, kept in a SQLite file.

mod lock;
mod read;
mod schema;
mod write;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc},
    thread,
};

use async_trait::async_trait;
use covid_core::Timestamp;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

pub(crate) use self::lock::Lock;
pub use self::read::{Filter, FlowRunDetails, KeptFlowRun, KeptTaskRun};
use crate::{Event, FlowError, FlowRun, Observer, State, run::new_id};

/// Events that are written in one transaction.
const BATCH: usize = 1000;

/// How often a batch is tried while another program holds the database; each try waits ten seconds.
const TRIES: u32 = 6;

/// The flow runs of one SQLite file. Clones are the same one.
///
/// Several programs may use one file at once, on one machine. Whoever reads finds the runs of processes that died as Crashed:
/// a process that runs flows holds a lock on a file of its own (in the folder `<file>-locks`), which the operating system
/// opens when the process ends, and each run names that lock.
///
/// As an [`Observer`] it writes on a thread of its own; what cannot be written is a warning.
#[derive(Debug, Clone)]
pub struct FlowRuns {
    keeper: Arc<Keeper>,
    writer: Arc<Writer>,
}

/// The thread that writes events, and the way to it.
#[derive(Debug)]
struct Writer {
    queue: Option<mpsc::Sender<Message>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    fn start(keeper: Arc<Keeper>) -> std::io::Result<Self> {
        let (queue, messages) = mpsc::channel();
        let work = move || keeper.write_all(&messages);
        let thread = thread::Builder::new().name("flow runs".into()).spawn(work)?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    fn send(&self, message: Message) {
        if let Some(queue) = &self.queue {
            // It ends after the last sender, and so it listens.
            let _ = queue.send(message);
        }
    }
}

impl Drop for Writer {
    /// Writes what is left, and gives the lock of this process back.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // What it panicked with was said.
            let _ = thread.join();
        }
    }
}

enum Message {
    Event(Box<Event>),
    Flush(oneshot::Sender<()>),
}

impl FlowRuns {
    /// Opens the database file, and creates it with its folder if it is not there.
    ///
    /// # Errors
    /// [`FlowError::Unwritable`], [`FlowError::NotFlowRuns`] for a file of another kind, [`FlowError::NewerSchema`] for one
    /// that a newer release wrote, [`FlowError::Busy`].
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, FlowError> {
        let path = path.into();
        blocking(path.clone(), move || Self::open_blocking(path)).await
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.keeper.path
    }

    fn open_blocking(path: PathBuf) -> Result<Self, FlowError> {
        let keeper = Arc::new(Keeper::open(path)?);
        let started = Writer::start(keeper.clone());
        let unwritable =
            |cause: std::io::Error| FlowError::Unwritable { path: keeper.path.clone(), cause: cause.to_string() };
        let writer = Arc::new(started.map_err(unwritable)?);
        Ok(Self { keeper, writer })
    }

    /// Keeps that runs came to states, all of them or none, and says that a schedule was looked at up to an instant.
    pub(crate) async fn record(
        &self,
        runs: Vec<(FlowRun, State)>,
        looked: Option<(String, Timestamp)>,
    ) -> Result<(), FlowError> {
        self.work(TransactionBehavior::Immediate, move |sql, keeper| {
            let runner = keeper.runner()?;
            for (run, state) in &runs {
                write::flow_state(sql, runner, run, state)?;
            }
            looked.map_or(Ok(()), |(schedule, until)| write::looked(sql, &schedule, until))
        })
        .await
    }

    /// Up to when a schedule was looked at; from now on, if it is new or has changed.
    pub(crate) async fn looked(
        &self,
        schedule: &str,
        cron: &str,
        time_zone: &str,
        now: Timestamp,
    ) -> Result<Timestamp, FlowError> {
        let [schedule, cron, time_zone] = [schedule, cron, time_zone].map(str::to_owned);
        self.work(TransactionBehavior::Immediate, move |sql, _| {
            write::begin_to_look(sql, &schedule, &cron, &time_zone, now)
        })
        .await
    }

    /// A lock beside the database that says who serves a schedule.
    pub(crate) fn schedule_lock(&self, schedule: &str) -> Result<Lock, FlowError> {
        let path = self.keeper.lock_path(&format!("schedule-{}", covid_core::sha256_hex(schedule.as_bytes())));
        let taken = Lock::take(path.clone());
        let taken = taken.map_err(|cause| FlowError::Unwritable { path, cause: cause.to_string() })?;
        taken.ok_or_else(|| FlowError::ServedElsewhere { name: schedule.to_owned() })
    }

    async fn work<T: Send + 'static>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>, &Keeper) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, FlowError> {
        let keeper = self.keeper.clone();
        blocking(keeper.path.clone(), move || keeper.transaction(behavior, |sql| work(sql, &keeper))).await
    }
}

#[async_trait]
impl Observer for FlowRuns {
    fn observe(&self, event: Event) {
        self.writer.send(Message::Event(Box::new(event)));
    }

    async fn flush(&self) {
        let (written, until_written) = oneshot::channel();
        self.writer.send(Message::Flush(written));
        // A writer that is gone writes no more.
        let _ = until_written.await;
    }
}

async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce() -> Result<T, FlowError> + Send + 'static,
) -> Result<T, FlowError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(cause) => Err(FlowError::Stopped { path, cause }),
    }
}

/// The database, and the lock that says that this process lives.
#[derive(Debug)]
struct Keeper {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// The name of the lock, and the lock; taken when there is something to run.
    runner: OnceLock<(String, Lock)>,
}

impl Keeper {
    fn open(path: PathBuf) -> Result<Self, FlowError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|cause| {
                let cause = format!("its folder cannot be created: {cause}");
                FlowError::Unwritable { path: path.clone(), cause }
            })?;
        }
        let connection = schema::open(&path).map_err(|failure| failure.explain(&path))?;
        Ok(Self { path, connection: Mutex::new(connection), runner: OnceLock::new() })
    }

    fn lock_path(&self, name: &str) -> PathBuf {
        let mut folder = self.path.clone().into_os_string();
        folder.push("-locks");
        Path::new(&folder).join(name)
    }

    /// The name of this process's lock, which it holds from now on.
    fn runner(&self) -> Result<&str, FlowError> {
        if let Some((name, _)) = self.runner.get() {
            return Ok(name);
        }
        let name = format!("runner-{}", new_id());
        let path = self.lock_path(&name);
        let taken = Lock::take(path.clone()).and_then(|lock| lock.ok_or_else(|| std::io::ErrorKind::WouldBlock.into()));
        let lock = taken.map_err(|cause| FlowError::Unwritable { path, cause: cause.to_string() })?;
        // Somebody may have been quicker; the lock that is not needed is given back.
        Ok(&self.runner.get_or_init(|| (name, lock)).0)
    }

    fn write_all(&self, messages: &mpsc::Receiver<Message>) {
        while let Ok(first) = messages.recv() {
            let mut flushed = Vec::new();
            let mut events = Vec::new();
            for message in std::iter::once(first).chain(messages.try_iter().take(BATCH)) {
                match message {
                    Message::Event(event) => events.push(event),
                    Message::Flush(written) => flushed.push(written),
                }
            }
            if let Err(error) = self.write_patiently(&events) {
                tracing::warn!("{error}: part of what is to be known of flow runs is lost");
            }
            for written in flushed {
                // Whoever asked may have gone.
                let _ = written.send(());
            }
        }
    }

    /// A state that is lost may make the next one one that may not follow, so another program is waited for longer here.
    fn write_patiently(&self, events: &[Box<Event>]) -> Result<(), FlowError> {
        for _ in 1..TRIES {
            match self.write_events(events) {
                Err(FlowError::Busy { .. }) => {}
                ended => return ended,
            }
        }
        self.write_events(events)
    }

    fn write_events(&self, events: &[Box<Event>]) -> Result<(), FlowError> {
        if events.is_empty() {
            return Ok(());
        }
        let runner = self.runner()?;
        self.transaction(TransactionBehavior::Immediate, |sql| {
            events.iter().try_for_each(|event| write::event(sql, runner, event))
        })
    }

    fn transaction<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, FlowError> {
        // A panic in another call has rolled its transaction back: the connection is sound.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let in_transaction = || {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        in_transaction().map_err(|failure: Failure| failure.explain(&self.path))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some((_, lock)) = self.runner.take() {
            lock.remove();
        }
    }
}

/// Why a transaction was not committed.
enum Failure {
    /// The caller asked for something that cannot be.
    Flow(FlowError),
    /// SQLite failed.
    Sqlite(rusqlite::Error),
}

impl Failure {
    fn explain(self, path: &Path) -> FlowError {
        match self {
            Self::Flow(error) => error,
            Self::Sqlite(cause) => database_error(path, cause),
        }
    }
}

impl From<FlowError> for Failure {
    fn from(error: FlowError) -> Self {
        Self::Flow(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Sqlite(cause)
    }
}

/// What a failure of SQLite means for the user.
fn database_error(path: &Path, cause: rusqlite::Error) -> FlowError {
    let path = path.to_owned();
    let text = cause.to_string();
    match cause.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => FlowError::NotFlowRuns { path, reason: text },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            FlowError::Unwritable { path, cause: text }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => FlowError::Busy { path, cause: text },
        _ => FlowError::Database { path, cause },
    }
}
