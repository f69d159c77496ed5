-- What ends tokens before their time. Rows go when the last token they could mean has expired.
CREATE TABLE revocations (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('token', 'subject', 'client')),
    value TEXT NOT NULL,
    issued_before INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX revocations_by_creation ON revocations (created_at);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);

-- Keys for programs: found by id, compared as a keyed hash. The secret itself is nowhere.
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('api_key', 'service')),
    roles TEXT NOT NULL DEFAULT '',
    scopes TEXT NOT NULL DEFAULT '',
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX api_keys_by_creation ON api_keys (created_at, id);
CREATE INDEX api_keys_by_owner ON api_keys (owner, created_at);
CREATE INDEX api_keys_by_expiry ON api_keys (expires_at);
