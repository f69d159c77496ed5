-- Keys end before their time, too. SQLite changes a constraint by making the table anew.
CREATE TABLE revocations_anew (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('token', 'subject', 'client', 'key')),
    value TEXT NOT NULL,
    issued_before INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO revocations_anew (id, kind, value, issued_before, expires_at, created_at)
SELECT id, kind, value, issued_before, expires_at, created_at FROM revocations;
DROP TABLE revocations;
ALTER TABLE revocations_anew RENAME TO revocations;
CREATE INDEX revocations_by_creation ON revocations (created_at);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);
