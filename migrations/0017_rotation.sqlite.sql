-- Secrets that are replaced by themselves. A new value rests here, sealed, until what it is for has taken it: only then
-- does it become a version.
CREATE TABLE secret_rotations (
    path TEXT PRIMARY KEY REFERENCES vault_secrets (path) ON DELETE CASCADE,
    id TEXT NOT NULL,
    rule TEXT NOT NULL,
    server TEXT NOT NULL DEFAULT '',
    revision INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('idle', 'pending', 'overlap', 'held', 'retiring')),
    serial INTEGER NOT NULL DEFAULT 0,
    key_id INTEGER REFERENCES vault_keys (id),
    sealed BLOB,
    pending_role TEXT NOT NULL DEFAULT '',
    previous_role TEXT NOT NULL DEFAULT '',
    current_version INTEGER NOT NULL DEFAULT 0,
    previous_version INTEGER NOT NULL DEFAULT 0,
    rolled_back INTEGER NOT NULL DEFAULT 0 CHECK (rolled_back IN (0, 1)),
    verdict TEXT NOT NULL DEFAULT '' CHECK (verdict IN ('', 'proceed', 'roll_back')),
    due_at INTEGER,
    wake_at INTEGER,
    overlap_ends_at INTEGER,
    held_until INTEGER,
    rotated_at INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    claim TEXT NOT NULL DEFAULT '',
    claimed_until INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK ((sealed IS NULL) = (key_id IS NULL))
) STRICT;
CREATE INDEX secret_rotations_by_wake ON secret_rotations (wake_at);
CREATE INDEX secret_rotations_by_key ON secret_rotations (key_id);
CREATE INDEX secret_rotations_overview ON secret_rotations (state, failures, due_at, rotated_at);

-- A role of a server, as "db.example.com:5432", has one rule at most.
CREATE TABLE secret_rotation_roles (
    server TEXT NOT NULL,
    role TEXT NOT NULL,
    path TEXT NOT NULL REFERENCES secret_rotations (path) ON DELETE CASCADE,
    PRIMARY KEY (server, role)
) STRICT;
CREATE INDEX secret_rotation_roles_by_path ON secret_rotation_roles (path);

-- What was tried: the newest of each path are kept.
CREATE TABLE secret_rotation_runs (
    id TEXT PRIMARY KEY,
    path TEXT NOT NULL REFERENCES secret_rotations (path) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('rotate', 'hold', 'retire', 'roll_back')),
    state TEXT NOT NULL CHECK (state IN ('running', 'succeeded', 'failed', 'interrupted')),
    attempt INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '',
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    next_at INTEGER
) STRICT;
CREATE INDEX secret_rotation_runs_by_path ON secret_rotation_runs (path, id);

-- The last version that each reader of a rotated secret has read.
CREATE TABLE secret_consumers (
    path TEXT NOT NULL REFERENCES vault_secrets (path) ON DELETE CASCADE,
    consumer TEXT NOT NULL,
    version INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (path, consumer)
) STRICT;
