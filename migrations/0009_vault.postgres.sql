-- The vault. Nothing in it is readable without the master key, which is not in the database: docs/formats/sealed.md.

-- Data keys, sealed with a key that is derived from the master key. What is sealed now is sealed with the highest.
CREATE TABLE vault_keys (
    id BIGINT PRIMARY KEY CHECK (id > 0),
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE vault_secrets (
    path TEXT COLLATE "C" PRIMARY KEY,
    current_version BIGINT NOT NULL,
    max_versions BIGINT NOT NULL DEFAULT 0,
    cas_required BOOLEAN NOT NULL DEFAULT FALSE,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- A destroyed version stays, without its value.
CREATE TABLE vault_versions (
    path TEXT COLLATE "C" NOT NULL REFERENCES vault_secrets (path) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    key_id BIGINT REFERENCES vault_keys (id),
    sealed BYTEA,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    PRIMARY KEY (path, version),
    CHECK ((sealed IS NULL) = (key_id IS NULL))
);
CREATE INDEX vault_versions_by_key ON vault_versions (key_id, path, version);
