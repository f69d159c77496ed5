-- Whom a one-time token lets have certificates of the internal CA. The tokens' secrets are derived from one in the key store,
-- and not here.
CREATE TABLE enrolments (
    id TEXT PRIMARY KEY,
    profile TEXT NOT NULL CHECK (profile IN ('server', 'client', 'agent', 'infrastructure')),
    common_name TEXT NOT NULL,
    names TEXT NOT NULL,
    lifetime INTEGER,  -- of the certificates, in seconds; NULL: the profile's
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,  -- the token
    used_at INTEGER,
    key_id TEXT NOT NULL DEFAULT '',  -- SHA-256 of the public key that it was used for
    serial TEXT NOT NULL DEFAULT '',  -- of the first certificate
    ended_at INTEGER
) STRICT;
CREATE INDEX enrolments_by_expiry ON enrolments (expires_at);
