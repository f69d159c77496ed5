-- Keys that encrypt and sign for others and do not leave, as clients of OpenBao's transit engine know them.
CREATE TABLE transit_keys (
    name TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    key_bytes INTEGER NOT NULL,
    derived INTEGER NOT NULL CHECK (derived IN (0, 1)),
    exportable INTEGER NOT NULL CHECK (exportable IN (0, 1)),
    deletion_allowed INTEGER NOT NULL DEFAULT 0 CHECK (deletion_allowed IN (0, 1)),
    auto_rotate_seconds INTEGER NOT NULL,
    latest_version INTEGER NOT NULL,
    min_decryption_version INTEGER NOT NULL DEFAULT 1,
    min_encryption_version INTEGER NOT NULL DEFAULT 0,
    min_available_version INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    rotated_at INTEGER NOT NULL
) STRICT;

-- Sealed as what is in vault_versions.
CREATE TABLE transit_versions (
    name TEXT NOT NULL REFERENCES transit_keys (name) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    key_id INTEGER NOT NULL REFERENCES vault_keys (id),
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) STRICT;
CREATE INDEX transit_versions_by_key ON transit_versions (key_id, name, version);
