-- Version 3: how far reading everything again has come, by resource type of each person.

CREATE TABLE full_reads (
    handle       TEXT NOT NULL REFERENCES grants (handle) ON DELETE CASCADE,
    resource     TEXT NOT NULL,
    counted_from TEXT NOT NULL,            -- turns before this instant are not made up for
    scopes       TEXT NOT NULL,            -- the widest consent that what is held was read with
    sources      TEXT NOT NULL,            -- the sources that were asked for
    swept        INTEGER NOT NULL,         -- whether what landed before this table was compared
    beside       INTEGER NOT NULL,         -- found by the searches beside the first one
    doubted      INTEGER NOT NULL,         -- held, but not found by the last full read
    PRIMARY KEY (handle, resource)
) STRICT, WITHOUT ROWID;
