//! What is written of events.

use covid_core::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{
    Failure,
    read::{json, word},
};
use crate::{Event, FlowRun, LogLine, State, StateKind, TaskRun};

pub(super) fn event(sql: &Transaction<'_>, runner: &str, event: &Event) -> Result<(), Failure> {
    match event {
        Event::FlowState { run, state } => flow_state(sql, runner, run, state),
        Event::TaskState { task, state } => task_state(sql, task, state),
        Event::Log(line) => log(sql, line),
        Event::Artifact { flow_run_id, artifact } => {
            let insert = "INSERT INTO artifacts (flow_run_id, artifact) VALUES (?1, ?2)";
            sql.execute(insert, params![flow_run_id, json(artifact)?])?;
            Ok(())
        }
    }
}

pub(super) fn flow_state(sql: &Transaction<'_>, runner: &str, run: &FlowRun, state: &State) -> Result<(), Failure> {
    let created = sql.execute(
        "INSERT INTO flow_runs \
         (id, name, flow, parameters, schedule, scheduled_ms, runner, state, state_ms, message, end_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING",
        params![
            run.id,
            run.name,
            run.flow,
            json(&run.parameters)?,
            run.schedule,
            run.scheduled_at.map(|at| at.as_millisecond()),
            runner,
            state.kind.name(),
            state.at.as_millisecond(),
            state.message,
            end_ms(state),
        ],
    )?;
    if created == 0 {
        let before = "SELECT state FROM flow_runs WHERE id = ?1";
        let update = "UPDATE flow_runs SET state = ?2, state_ms = ?3, message = ?4, \
                      start_ms = coalesce(start_ms, ?5), end_ms = ?6 WHERE id = ?1";
        change(sql, &run.id, state, before, update)?;
    }
    history(sql, &run.id, None, state)
}

pub(super) fn task_state(sql: &Transaction<'_>, task: &TaskRun, state: &State) -> Result<(), Failure> {
    let created = sql.execute(
        "INSERT INTO task_runs (id, flow_run_id, task, task_index, state, state_ms, message) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        params![
            task.id,
            task.flow_run_id,
            task.task,
            task.index,
            state.kind.name(),
            state.at.as_millisecond(),
            state.message
        ],
    )?;
    if created == 0 {
        let before = "SELECT state FROM task_runs WHERE id = ?1";
        let update = "UPDATE task_runs SET state = ?2, state_ms = ?3, message = ?4, \
                      start_ms = coalesce(start_ms, ?5), end_ms = ?6 WHERE id = ?1";
        change(sql, &task.id, state, before, update)?;
    }
    history(sql, &task.flow_run_id, Some(&task.id), state)
}

/// Brings a run to a state that may follow the one it has.
fn change(sql: &Transaction<'_>, id: &str, state: &State, before: &str, update: &str) -> Result<(), Failure> {
    let found = sql.prepare_cached(before)?.query_row([id], |row| word(row, "state", StateKind::parse))?;
    if !found.may_become(state.kind) {
        tracing::warn!("the run {id} is {found}: that it became {} is not kept as its state", state.kind);
        return Ok(());
    }
    let started = (state.kind == StateKind::Running).then(|| state.at.as_millisecond());
    sql.prepare_cached(update)?.execute(params![
        id,
        state.kind.name(),
        state.at.as_millisecond(),
        state.message,
        started,
        end_ms(state)
    ])?;
    Ok(())
}

fn history(sql: &Transaction<'_>, flow_run: &str, task_run: Option<&str>, state: &State) -> Result<(), Failure> {
    sql.prepare_cached(
        "INSERT INTO states (flow_run_id, task_run_id, state, at_ms, message) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![flow_run, task_run, state.kind.name(), state.at.as_millisecond(), state.message])?;
    Ok(())
}

fn end_ms(state: &State) -> Option<i64> {
    state.kind.is_final().then(|| state.at.as_millisecond())
}

fn log(sql: &Transaction<'_>, line: &LogLine) -> Result<(), Failure> {
    sql.prepare_cached(
        "INSERT INTO logs (flow_run_id, task_run_id, at_ms, level, target, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        line.flow_run_id,
        line.task_run_id,
        line.at.as_millisecond(),
        line.level,
        line.target,
        line.message
    ])?;
    Ok(())
}

/// Up to when a schedule was looked at; from now on, if it is new or has changed.
pub(super) fn begin_to_look(
    sql: &Transaction<'_>,
    schedule: &str,
    cron: &str,
    time_zone: &str,
    now: Timestamp,
) -> Result<Timestamp, Failure> {
    let select = "SELECT looked_ms FROM schedules WHERE name = ?1 AND cron = ?2 AND time_zone = ?3";
    let found: Option<i64> = sql.query_row(select, [schedule, cron, time_zone], |row| row.get(0)).optional()?;
    // A clock that was set back makes the schedule wait, so that no time is run twice; but not for ever.
    let longest_wait = 24 * 60 * 60 * 1000;
    if let Some(looked) = found.filter(|looked| *looked <= now.as_millisecond() + longest_wait) {
        return Ok(Timestamp::from_millisecond(looked).unwrap_or(now));
    }
    sql.execute(
        "INSERT INTO schedules (name, cron, time_zone, looked_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) \
         DO UPDATE SET cron = excluded.cron, time_zone = excluded.time_zone, looked_ms = excluded.looked_ms",
        params![schedule, cron, time_zone, now.as_millisecond()],
    )?;
    Ok(now)
}

pub(super) fn looked(sql: &Transaction<'_>, schedule: &str, until: Timestamp) -> Result<(), Failure> {
    let update = "UPDATE schedules SET looked_ms = ?2 WHERE name = ?1";
    sql.execute(update, params![schedule, until.as_millisecond()])?;
    Ok(())
}
