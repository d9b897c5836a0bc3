-- Version 1: whose data directory this is, runs, checkpoints, what is held of each person.
-- "sealed" columns are sealed as in grants.sql.

CREATE TABLE source (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    identity TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    run        TEXT PRIMARY KEY,
    command    TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at   TEXT,                    -- null: under way, or killed
    outcome    TEXT,                    -- finished, interrupted, failed
    summary    TEXT                     -- JSON, without PHI
) STRICT, WITHOUT ROWID;

-- A person who has landed in a run that is not sealed yet.
CREATE TABLE checkpoints (
    run      TEXT NOT NULL,
    handle   TEXT NOT NULL REFERENCES grants (handle) ON DELETE CASCADE,
    resource TEXT NOT NULL,
    detail   BLOB NOT NULL,             -- sealed JSON: the person's frames and counts
    PRIMARY KEY (run, handle, resource)
) STRICT, WITHOUT ROWID;

-- Where each person stands, by resource type.
CREATE TABLE extract_states (
    handle       TEXT NOT NULL REFERENCES grants (handle) ON DELETE CASCADE,
    resource     TEXT NOT NULL,
    api          TEXT NOT NULL,
    run          TEXT NOT NULL,
    as_of        TEXT NOT NULL,
    state        TEXT NOT NULL,
    reason       TEXT,
    served       INTEGER NOT NULL,
    landed       INTEGER NOT NULL,
    complete_at  TEXT,                  -- when last complete
    full_at      TEXT,                  -- when last read as a whole and complete
    watermark    TEXT,                  -- greatest meta.lastUpdated of all complete reads
    held_count   INTEGER NOT NULL DEFAULT 0,
    held         BLOB,                  -- sealed pairs of id hash and content hash
    PRIMARY KEY (handle, resource)
) STRICT, WITHOUT ROWID;
