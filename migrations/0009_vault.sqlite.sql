-- The vault. Nothing in it is readable without the master key, which is not in the database: docs/formats/sealed.md.

-- Data keys, sealed with a key that is derived from the master key. What is sealed now is sealed with the highest.
CREATE TABLE vault_keys (
    id INTEGER PRIMARY KEY CHECK (id > 0),
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE vault_secrets (
    path TEXT PRIMARY KEY,
    current_version INTEGER NOT NULL,
    max_versions INTEGER NOT NULL DEFAULT 0,
    cas_required INTEGER NOT NULL DEFAULT 0 CHECK (cas_required IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- A destroyed version stays, without its value.
CREATE TABLE vault_versions (
    path TEXT NOT NULL REFERENCES vault_secrets (path) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    key_id INTEGER REFERENCES vault_keys (id),
    sealed BLOB,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (path, version),
    CHECK ((sealed IS NULL) = (key_id IS NULL))
) STRICT;
CREATE INDEX vault_versions_by_key ON vault_versions (key_id, path, version);
