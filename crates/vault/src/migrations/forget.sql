-- Version 2: people who were forgotten, and whom forgetting is under way for.

-- Keyed hashes of the names of forgotten people: they are not taken in again by mistake.
CREATE TABLE forgotten (
    lookup       BLOB PRIMARY KEY,
    person       BLOB NOT NULL,           -- random: the names of one person share it
    forgotten_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Written before anything is removed; gone when everything is.
CREATE TABLE forget_intents (
    intent   TEXT PRIMARY KEY,            -- random
    sealed   BLOB NOT NULL,               -- sealed JSON: the person under all names
    begun_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
