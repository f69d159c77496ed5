-- Credentials of databases that are made when somebody asks for them, and end by themselves.

-- How they are made: statements are JSON lists of texts.
CREATE TABLE lease_roles (
    name TEXT PRIMARY KEY,
    connection TEXT NOT NULL,
    creation TEXT NOT NULL,
    revocation TEXT NOT NULL,
    default_ttl INTEGER NOT NULL,
    max_ttl INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- The servers of connections, as they were meant when somebody set them: the secret may be written by others.
CREATE TABLE lease_connections (
    name TEXT PRIMARY KEY,
    server TEXT NOT NULL
) STRICT;

-- A lease is here before the server hears of its user, and until that user is gone. Passwords are nowhere.
CREATE TABLE leases (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    connection TEXT NOT NULL,
    username TEXT NOT NULL,
    revocation TEXT NOT NULL,
    holder TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('making', 'live', 'ending')),
    issued_at INTEGER NOT NULL,
    renewed_at INTEGER,
    expires_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX leases_by_next ON leases (next_at);
CREATE INDEX leases_by_state ON leases (state, failures);
CREATE INDEX leases_by_connection ON leases (connection);
