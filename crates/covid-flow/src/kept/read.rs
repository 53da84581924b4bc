//! What is read, and how the runs of dead processes are found.

use covid_core::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction, TransactionBehavior, params, types::Type};
use serde::{Serialize, de::DeserializeOwned};

use super::{Failure, FlowRuns, lock, write};
use crate::{Artifact, FlowError, FlowRun, LogLine, State, StateKind, TaskRun};

/// A flow run as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptFlowRun {
    /// The run.
    #[serde(flatten)]
    pub run: FlowRun,
    /// Its state of now.
    pub state: State,
    /// When it began to work, if it did.
    pub started_at: Option<Timestamp>,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
}

/// A task run as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptTaskRun {
    /// The run.
    #[serde(flatten)]
    pub task: TaskRun,
    /// Its state of now.
    pub state: State,
    /// When it began to work, if it did.
    pub started_at: Option<Timestamp>,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// All its states, oldest first.
    pub states: Vec<State>,
}

/// All that is kept of one flow run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowRunDetails {
    /// The run.
    #[serde(flatten)]
    pub run: KeptFlowRun,
    /// All its states, oldest first.
    pub states: Vec<State>,
    /// Its task runs, in the order in which they began.
    pub tasks: Vec<KeptTaskRun>,
    /// What was logged, oldest first.
    pub logs: Vec<LogLine>,
    /// What it left to be read, oldest first.
    pub artifacts: Vec<Artifact>,
}

/// Which flow runs are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Of this flow alone.
    pub flow: Option<String>,
    /// Of this schedule alone.
    pub schedule: Option<String>,
    /// In this state alone.
    pub state: Option<StateKind>,
    /// At most so many.
    pub limit: usize,
}

impl Default for Filter {
    /// The last 20, whatever they are.
    fn default() -> Self {
        Self { flow: None, schedule: None, state: None, limit: 20 }
    }
}

impl FlowRuns {
    /// The flow runs that a filter lets through, newest first. Those of processes that died are Crashed from `now` on.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn list(&self, filter: Filter, now: Timestamp) -> Result<Vec<KeptFlowRun>, FlowError> {
        self.find_crashed(now).await?;
        self.work(TransactionBehavior::Deferred, move |sql, _| list(sql, &filter)).await
    }

    /// All that is kept of the flow run of that id or name.
    ///
    /// # Errors
    /// [`FlowError::UnknownFlowRun`]; if the database cannot be read.
    pub async fn details(&self, id: &str, now: Timestamp) -> Result<FlowRunDetails, FlowError> {
        self.find_crashed(now).await?;
        let unknown = FlowError::UnknownFlowRun { id: id.to_owned(), path: self.path().to_owned() };
        let id = id.to_owned();
        self.work(TransactionBehavior::Deferred, move |sql, _| details(sql, &id)?.ok_or(Failure::Flow(unknown))).await
    }

    /// Finds the runs whose processes died.
    async fn find_crashed(&self, now: Timestamp) -> Result<(), FlowError> {
        let runners = self.work(TransactionBehavior::Deferred, |sql, _| unfinished_runners(sql)).await?;
        let own = self.keeper.runner.get().map(|(name, _)| name);
        for runner in runners.into_iter().filter(|runner| Some(runner) != own) {
            let path = self.keeper.lock_path(&runner);
            let held = lock::is_held(&path);
            let held = held.map_err(|cause| FlowError::Unwritable { path: path.clone(), cause: cause.to_string() })?;
            if !held {
                self.work(TransactionBehavior::Immediate, move |sql, _| crashed(sql, &runner, now)).await?;
                // The next one who looks does it, otherwise.
                let _ = std::fs::remove_file(path);
            }
        }
        Ok(())
    }
}

fn unfinished_runners(sql: &Transaction<'_>) -> Result<Vec<String>, Failure> {
    let mut statement = sql.prepare_cached("SELECT DISTINCT runner FROM flow_runs WHERE end_ms IS NULL")?;
    let runners = statement.query_map([], |row| row.get(0))?;
    Ok(runners.collect::<Result<_, _>>()?)
}

fn crashed(sql: &Transaction<'_>, runner: &str, now: Timestamp) -> Result<(), Failure> {
    let state = State::new(StateKind::Crashed, now, "its process ended without a word");
    let mut unfinished = sql.prepare(&format!("{SELECT_RUN} WHERE runner = ?1 AND end_ms IS NULL"))?;
    let unfinished: Vec<_> = unfinished.query_map([runner], flow_run)?.collect::<Result<_, _>>()?;
    for KeptFlowRun { run, .. } in unfinished {
        for task in tasks(sql, &run.id)?.into_iter().filter(|task| task.ended_at.is_none()) {
            write::task_state(sql, &task.task, &state)?;
        }
        write::flow_state(sql, runner, &run, &state)?;
    }
    Ok(())
}

const SELECT_RUN: &str = "SELECT * FROM flow_runs";

fn list(sql: &Transaction<'_>, filter: &Filter) -> Result<Vec<KeptFlowRun>, Failure> {
    let mut statement = sql.prepare_cached(&format!(
        "{SELECT_RUN} WHERE (?1 IS NULL OR flow = ?1) AND (?2 IS NULL OR schedule = ?2) AND (?3 IS NULL OR state = ?3) \
         ORDER BY sequence DESC LIMIT ?4"
    ))?;
    let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
    let state = filter.state.map(StateKind::name);
    let found = statement.query_map(params![filter.flow, filter.schedule, state, limit], flow_run)?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn details(sql: &Transaction<'_>, id: &str) -> Result<Option<FlowRunDetails>, Failure> {
    let select = format!("{SELECT_RUN} WHERE id = ?1 OR name = ?1 ORDER BY sequence DESC LIMIT 1");
    let Some(run) = sql.query_row(&select, [id], flow_run).optional()? else {
        return Ok(None);
    };
    let id = &run.run.id;
    let of_run = "WHERE flow_run_id = ?1";
    Ok(Some(FlowRunDetails {
        states: states(sql, id, None)?,
        tasks: tasks(sql, id)?,
        logs: all(sql, &format!("SELECT * FROM logs {of_run} ORDER BY sequence"), id, log_line)?,
        artifacts: all(sql, &format!("SELECT artifact FROM artifacts {of_run} ORDER BY sequence"), id, |row| {
            parsed(row, "artifact")
        })?,
        run,
    }))
}

fn tasks(sql: &Transaction<'_>, flow_run: &str) -> Result<Vec<KeptTaskRun>, Failure> {
    let select = "SELECT * FROM task_runs WHERE flow_run_id = ?1 ORDER BY sequence";
    let mut tasks = all(sql, select, flow_run, task_run)?;
    for task in &mut tasks {
        task.states = states(sql, flow_run, Some(&task.task.id))?;
    }
    Ok(tasks)
}

fn states(sql: &Transaction<'_>, flow_run: &str, task_run: Option<&str>) -> Result<Vec<State>, Failure> {
    let mut statement = sql.prepare_cached(
        "SELECT state, at_ms AS state_ms, message FROM states WHERE flow_run_id = ?1 AND task_run_id IS ?2 ORDER BY sequence",
    )?;
    let states = statement.query_map(params![flow_run, task_run], state)?;
    Ok(states.collect::<Result<_, _>>()?)
}

fn all<T>(
    sql: &Transaction<'_>,
    select: &str,
    flow_run: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Failure> {
    let mut statement = sql.prepare_cached(select)?;
    let found = statement.query_map([flow_run], read)?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn flow_run(row: &Row<'_>) -> rusqlite::Result<KeptFlowRun> {
    let run = FlowRun {
        id: row.get("id")?,
        name: row.get("name")?,
        flow: row.get("flow")?,
        parameters: parsed(row, "parameters")?,
        schedule: row.get("schedule")?,
        scheduled_at: maybe_instant(row, "scheduled_ms")?,
    };
    let (started_at, ended_at) = (maybe_instant(row, "start_ms")?, maybe_instant(row, "end_ms")?);
    Ok(KeptFlowRun { run, state: state(row)?, started_at, ended_at })
}

fn task_run(row: &Row<'_>) -> rusqlite::Result<KeptTaskRun> {
    let task = TaskRun {
        id: row.get("id")?,
        flow_run_id: row.get("flow_run_id")?,
        task: row.get("task")?,
        index: row.get("task_index")?,
    };
    let (started_at, ended_at) = (maybe_instant(row, "start_ms")?, maybe_instant(row, "end_ms")?);
    Ok(KeptTaskRun { task, state: state(row)?, started_at, ended_at, states: vec![] })
}

fn state(row: &Row<'_>) -> rusqlite::Result<State> {
    let kind = word(row, "state", StateKind::parse)?;
    Ok(State { kind, at: instant(row, "state_ms")?, message: row.get("message")? })
}

fn log_line(row: &Row<'_>) -> rusqlite::Result<LogLine> {
    Ok(LogLine {
        flow_run_id: row.get("flow_run_id")?,
        task_run_id: row.get("task_run_id")?,
        at: instant(row, "at_ms")?,
        level: row.get("level")?,
        target: row.get("target")?,
        message: row.get("message")?,
    })
}

fn instant(row: &Row<'_>, column: &'static str) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(|error| unreadable(row, column, error))
}

fn maybe_instant(row: &Row<'_>, column: &'static str) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?.map(|_| instant(row, column)).transpose()
}

/// Reads a word of a column as its type.
pub(super) fn word<T>(row: &Row<'_>, column: &'static str, parse: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| unreadable(row, column, format!("the unknown word `{text}`")))
}

fn parsed<T: DeserializeOwned>(row: &Row<'_>, column: &'static str) -> rusqlite::Result<T> {
    serde_json::from_str(&row.get::<_, String>(column)?).map_err(|error| unreadable(row, column, error))
}

fn unreadable(
    row: &Row<'_>,
    column: &'static str,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or(0);
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, cause.into())
}

/// A document for a column.
pub(super) fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::Sqlite(rusqlite::Error::ToSqlConversionFailure(error.into())))
}
