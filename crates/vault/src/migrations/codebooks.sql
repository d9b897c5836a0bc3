-- Version 6: de-identified copies: which random code stands for what, by recipient, and where copies are.

CREATE TABLE codebooks (
    recipient  TEXT PRIMARY KEY,
    codebook   TEXT NOT NULL,              -- random: a copy says which codebook it was made with
    created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE codes (
    recipient TEXT NOT NULL REFERENCES codebooks (recipient) ON DELETE CASCADE,
    lookup    BLOB NOT NULL,               -- keyed hash of the kind and what the code stands for
    person    BLOB,                        -- keyed hash of the patient whose it is; null: nobody's
    sealed    BLOB NOT NULL,               -- sealed JSON: kind, what it stands for, code
    PRIMARY KEY (recipient, lookup)
) STRICT, WITHOUT ROWID;

CREATE INDEX codes_by_person ON codes (person);

CREATE TABLE copies (
    place     TEXT PRIMARY KEY,
    recipient TEXT NOT NULL,
    profile   TEXT NOT NULL,
    made_at   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Rows that must go from a copy, as the patient was forgotten. The code alone says nothing.
CREATE TABLE copy_removals (
    place TEXT NOT NULL REFERENCES copies (place) ON DELETE CASCADE,
    code  TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (place, code)
) STRICT, WITHOUT ROWID;
