-- Version 1. Times are milliseconds since the Unix epoch.

CREATE TABLE experiments (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE runs (
    sequence      INTEGER PRIMARY KEY, -- the order of creation, which tells apart runs that started at the same time
    run_id        TEXT    NOT NULL UNIQUE,
    experiment_id INTEGER NOT NULL REFERENCES experiments (id),
    name          TEXT    NOT NULL,
    status        TEXT    NOT NULL CHECK (status IN ('RUNNING', 'FINISHED', 'FAILED', 'KILLED')),
    start_ms      INTEGER NOT NULL,
    end_ms        INTEGER
) STRICT;
CREATE INDEX runs_by_start ON runs (start_ms, sequence);

CREATE TABLE params (
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    key    TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_tags (
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    key    TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

-- SQLite turns NaN into NULL, which would be unequal to itself in the key: so a NaN is the value 0 with is_nan = 1.
CREATE TABLE metrics (
    run_id       TEXT    NOT NULL REFERENCES runs (run_id),
    key          TEXT    NOT NULL,
    step         INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    is_nan       INTEGER NOT NULL CHECK (is_nan IN (0, 1)),
    value        REAL    NOT NULL,
    PRIMARY KEY (run_id, key, step, timestamp_ms, is_nan, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE registered_models (
    name        TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE model_versions (
    name        TEXT    NOT NULL REFERENCES registered_models (name),
    version     INTEGER NOT NULL CHECK (version > 0),
    model_stage TEXT    NOT NULL CHECK (model_stage IN ('None', 'Production', 'Archived')),
    run_id      TEXT    NOT NULL REFERENCES runs (run_id),
    source      TEXT    NOT NULL,
    description TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;
-- Never two champions.
CREATE UNIQUE INDEX one_champion ON model_versions (name) WHERE model_stage = 'Production';

CREATE TABLE model_version_tags (
    name    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    value   TEXT    NOT NULL,
    PRIMARY KEY (name, version, key),
    FOREIGN KEY (name, version) REFERENCES model_versions (name, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE aliases (
    name    TEXT    NOT NULL,
    alias   TEXT    NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (name, alias),
    FOREIGN KEY (name, version) REFERENCES model_versions (name, version)
) STRICT, WITHOUT ROWID;

-- The audit trail, from which a rollback also learns who was champion before.
CREATE TABLE promotions (
    sequence INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL,
    kind     TEXT    NOT NULL CHECK (kind IN ('promote', 'rollback')),
    version  INTEGER NOT NULL,
    previous INTEGER,
    evidence TEXT    NOT NULL,
    at_ms    INTEGER NOT NULL,
    FOREIGN KEY (name, version) REFERENCES model_versions (name, version)
) STRICT;
CREATE INDEX promotions_by_name ON promotions (name, sequence);
