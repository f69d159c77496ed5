-- Keys that keys made: who answers for them, and which one they last no longer than.
ALTER TABLE api_keys ADD COLUMN answers_to TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN parent TEXT;
UPDATE api_keys SET answers_to = owner;
CREATE INDEX api_keys_by_parent ON api_keys (parent) WHERE parent IS NOT NULL;
CREATE INDEX api_keys_living_by_owner ON api_keys (owner, expires_at) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_by_folded_answers_to ON api_keys (lower(answers_to));

-- What a key was made under that is to be renewed. Durations are seconds.
CREATE TABLE key_terms (
    key_id TEXT PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE,
    renewable INTEGER NOT NULL CHECK (renewable IN (0, 1)),
    ttl_s INTEGER NOT NULL,
    period_s INTEGER,
    max_ttl_s INTEGER,
    renewed_at INTEGER,
    meta TEXT NOT NULL DEFAULT ''
) STRICT;

-- Answers that wait for whoever holds their token, which is what opens them.
CREATE TABLE wrapped_answers (
    id TEXT PRIMARY KEY,
    creator TEXT NOT NULL,
    path TEXT NOT NULL,
    ttl_s INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX wrapped_answers_by_creator ON wrapped_answers (creator, expires_at);
CREATE INDEX wrapped_answers_by_expiry ON wrapped_answers (expires_at);
