-- Version 1: grants, refreshes under way, authorizations under way.
-- "sealed" columns are XChaCha20-Poly1305 with the column and the row's key as associated data;
-- "lookup" columns are keyed hashes.

CREATE TABLE vault_meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    handle            TEXT PRIMARY KEY,
    api               TEXT NOT NULL CHECK (api IN ('v2', 'v3')),
    patient           BLOB,                 -- sealed; null until the server has named the person
    patient_lookup    BLOB,
    external_id       BLOB,                 -- sealed: the app's own name of the person
    state             TEXT NOT NULL CHECK (state IN ('active', 'needs_consent', 'revoked')),
    reason            TEXT,
    state_since       TEXT NOT NULL,
    consented_at      TEXT NOT NULL,
    grant_expires_at  TEXT,                 -- null: no end (research), or not told
    scopes            TEXT NOT NULL,        -- sorted, space-separated
    one_time          INTEGER NOT NULL DEFAULT 0,
    access_token      BLOB,                 -- sealed
    access_issued_at  TEXT,
    access_expires_at TEXT,
    refresh_token     BLOB,                 -- sealed
    generation        INTEGER NOT NULL DEFAULT 1,
    refreshed_at      TEXT,
    UNIQUE (api, patient_lookup)
) STRICT, WITHOUT ROWID;

-- Written and synced before a refresh is posted; removed together with its outcome.
CREATE TABLE refresh_intents (
    handle     TEXT PRIMARY KEY REFERENCES grants (handle) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    attempts   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Keyed hashes of all refresh tokens a grant ever had: an old grant file cannot bring one back.
CREATE TABLE known_tokens (
    handle TEXT NOT NULL REFERENCES grants (handle) ON DELETE CASCADE,
    lookup BLOB NOT NULL,
    PRIMARY KEY (handle, lookup)
) STRICT, WITHOUT ROWID;

-- State and verifier of an authorization that has begun, for the process that finishes it.
CREATE TABLE pending_authorizations (
    state_lookup BLOB PRIMARY KEY,
    sealed       BLOB NOT NULL,
    created_at   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
