-- Keys that encrypt and sign for others and do not leave, as clients of OpenBao's transit engine know them.
CREATE TABLE transit_keys (
    name TEXT COLLATE "C" PRIMARY KEY,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    key_bytes BIGINT NOT NULL,
    derived BOOLEAN NOT NULL,
    exportable BOOLEAN NOT NULL,
    deletion_allowed BOOLEAN NOT NULL DEFAULT FALSE,
    auto_rotate_seconds BIGINT NOT NULL,
    latest_version BIGINT NOT NULL,
    min_decryption_version BIGINT NOT NULL DEFAULT 1,
    min_encryption_version BIGINT NOT NULL DEFAULT 0,
    min_available_version BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    rotated_at BIGINT NOT NULL
);

-- Sealed as what is in vault_versions.
CREATE TABLE transit_versions (
    name TEXT COLLATE "C" NOT NULL REFERENCES transit_keys (name) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    key_id BIGINT NOT NULL REFERENCES vault_keys (id),
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);
CREATE INDEX transit_versions_by_key ON transit_versions (key_id, name, version);
