-- Writes that waited in the fallback journal: the ids of those that were applied, and those that could not be.
CREATE TABLE journal_applied (
    id TEXT PRIMARY KEY,
    applied_at INTEGER NOT NULL
) STRICT;
CREATE INDEX journal_applied_by_time ON journal_applied (applied_at);

CREATE TABLE journal_rejects (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    payload TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    rejected_at INTEGER NOT NULL
) STRICT;
