-- Credentials of databases that are made when somebody asks for them, and end by themselves.

-- How they are made: statements are JSON lists of texts.
CREATE TABLE lease_roles (
    name TEXT COLLATE "C" PRIMARY KEY,
    connection TEXT NOT NULL,
    creation TEXT NOT NULL,
    revocation TEXT NOT NULL,
    default_ttl BIGINT NOT NULL,
    max_ttl BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- The servers of connections, as they were meant when somebody set them: the secret may be written by others.
CREATE TABLE lease_connections (
    name TEXT COLLATE "C" PRIMARY KEY,
    server TEXT NOT NULL
);

-- A lease is here before the server hears of its user, and until that user is gone. Passwords are nowhere.
CREATE TABLE leases (
    id TEXT COLLATE "C" PRIMARY KEY,
    role TEXT NOT NULL,
    connection TEXT NOT NULL,
    username TEXT NOT NULL,
    revocation TEXT NOT NULL,
    holder TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('making', 'live', 'ending')),
    issued_at BIGINT NOT NULL,
    renewed_at BIGINT,
    expires_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    failures BIGINT NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX leases_by_next ON leases (next_at);
CREATE INDEX leases_by_state ON leases (state, failures);
CREATE INDEX leases_by_connection ON leases (connection);
