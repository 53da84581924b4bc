-- Version 1. Times are milliseconds since the Unix epoch.

CREATE TABLE flow_runs (
    sequence     INTEGER PRIMARY KEY, -- the order of creation
    id           TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    flow         TEXT    NOT NULL,
    parameters   TEXT    NOT NULL, -- JSON
    schedule     TEXT,
    scheduled_ms INTEGER,
    runner       TEXT    NOT NULL, -- the process: the name of its lock
    state        TEXT    NOT NULL,
    state_ms     INTEGER NOT NULL,
    message      TEXT    NOT NULL,
    start_ms     INTEGER,
    end_ms       INTEGER
) STRICT;
CREATE INDEX flow_runs_unfinished ON flow_runs (runner) WHERE end_ms IS NULL;

CREATE TABLE task_runs (
    sequence    INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    flow_run_id TEXT    NOT NULL REFERENCES flow_runs (id),
    task        TEXT    NOT NULL,
    task_index  INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    state_ms    INTEGER NOT NULL,
    message     TEXT    NOT NULL,
    start_ms    INTEGER,
    end_ms      INTEGER
) STRICT;
CREATE INDEX task_runs_by_flow_run ON task_runs (flow_run_id);

-- The history. A state of a task run has its id.
CREATE TABLE states (
    sequence    INTEGER PRIMARY KEY,
    flow_run_id TEXT    NOT NULL REFERENCES flow_runs (id),
    task_run_id TEXT    REFERENCES task_runs (id),
    state       TEXT    NOT NULL,
    at_ms       INTEGER NOT NULL,
    message     TEXT    NOT NULL
) STRICT;
CREATE INDEX states_by_flow_run ON states (flow_run_id);

CREATE TABLE logs (
    sequence    INTEGER PRIMARY KEY,
    flow_run_id TEXT    NOT NULL REFERENCES flow_runs (id),
    task_run_id TEXT,
    at_ms       INTEGER NOT NULL,
    level       TEXT    NOT NULL,
    target      TEXT    NOT NULL,
    message     TEXT    NOT NULL
) STRICT;
CREATE INDEX logs_by_flow_run ON logs (flow_run_id);

CREATE TABLE artifacts (
    sequence    INTEGER PRIMARY KEY,
    flow_run_id TEXT    NOT NULL REFERENCES flow_runs (id),
    artifact    TEXT    NOT NULL -- JSON
) STRICT;
CREATE INDEX artifacts_by_flow_run ON artifacts (flow_run_id);

-- How far each schedule was looked at: every time of it up to then was run, or noted as missed.
CREATE TABLE schedules (
    name      TEXT    PRIMARY KEY,
    cron      TEXT    NOT NULL,
    time_zone TEXT    NOT NULL,
    looked_ms INTEGER NOT NULL
) STRICT;
