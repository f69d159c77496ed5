-- The authorization server. Whatever is shown once and proves something later is found by id and kept as a keyed hash.

-- Who may ask for tokens. Lists are apart by spaces.
CREATE TABLE oauth_clients (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    authentication TEXT NOT NULL
        CHECK (authentication IN ('none', 'client_secret_basic', 'client_secret_post', 'tls_client_auth')),
    secret_hash BYTEA CHECK (secret_hash IS NULL OR length(secret_hash) = 32),
    certificate_name TEXT,
    redirect_uris TEXT NOT NULL DEFAULT '',
    grants TEXT NOT NULL,
    scopes TEXT NOT NULL,
    resources TEXT NOT NULL DEFAULT '',
    serves TEXT NOT NULL DEFAULT '',
    require_dpop BOOLEAN NOT NULL DEFAULT FALSE,
    certificate_bound BOOLEAN NOT NULL DEFAULT FALSE,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX oauth_clients_by_creation ON oauth_clients (created_at, id);

-- What a user let a client have: the family of all tokens that come of it, which end together.
CREATE TABLE oauth_grants (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    resources TEXT NOT NULL,
    nonce TEXT NOT NULL,
    dpop_jkt TEXT NOT NULL,
    certificate TEXT NOT NULL,
    signed_in_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX oauth_grants_by_pair ON oauth_grants (user_id, client_id, created_at);
CREATE INDEX oauth_grants_by_client ON oauth_grants (client_id);
CREATE INDEX oauth_grants_by_expiry ON oauth_grants (expires_at);

-- A code stays as long as its grant, so that it is known when it comes a second time.
CREATE TABLE oauth_codes (
    id TEXT PRIMARY KEY,
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    grant_id TEXT NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
    redirect_uri TEXT NOT NULL,
    challenge TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX oauth_codes_by_grant ON oauth_codes (grant_id);

-- A used one stays, so that it is known when it comes a second time.
CREATE TABLE oauth_refresh_tokens (
    id TEXT PRIMARY KEY,
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    grant_id TEXT NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    successor TEXT
);
CREATE INDEX oauth_refresh_tokens_by_grant ON oauth_refresh_tokens (grant_id, number);
CREATE INDEX oauth_refresh_tokens_by_expiry ON oauth_refresh_tokens (expires_at);

-- Access tokens that came of a grant: what has to be revoked when it ends.
CREATE TABLE oauth_access_tokens (
    id TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX oauth_access_tokens_by_grant ON oauth_access_tokens (grant_id);
CREATE INDEX oauth_access_tokens_by_expiry ON oauth_access_tokens (expires_at);

CREATE TABLE oauth_device_codes (
    id TEXT PRIMARY KEY,
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    user_code TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    resources TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'used')),
    grant_id TEXT REFERENCES oauth_grants (id) ON DELETE CASCADE,
    interval_seconds BIGINT NOT NULL,
    polled_at BIGINT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX oauth_device_codes_by_client ON oauth_device_codes (client_id, expires_at);
CREATE INDEX oauth_device_codes_by_grant ON oauth_device_codes (grant_id);
CREATE INDEX oauth_device_codes_by_expiry ON oauth_device_codes (expires_at);

-- What users have agreed to, so that they are not asked again.
CREATE TABLE oauth_consents (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    resources TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, client_id)
);
CREATE INDEX oauth_consents_by_client ON oauth_consents (client_id);

-- Browsers that have signed in.
CREATE TABLE oauth_sessions (
    id TEXT PRIMARY KEY,
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    signed_in_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX oauth_sessions_by_user ON oauth_sessions (user_id, signed_in_at);
CREATE INDEX oauth_sessions_by_expiry ON oauth_sessions (expires_at);

-- With which a program may register one client.
CREATE TABLE oauth_initial_tokens (
    id TEXT PRIMARY KEY,
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    scopes TEXT NOT NULL,
    resources TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX oauth_initial_tokens_by_expiry ON oauth_initial_tokens (expires_at);
