-- What ends tokens before their time. Rows go when the last token they could mean has expired.
CREATE TABLE revocations (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('token', 'subject', 'client')),
    value TEXT NOT NULL,
    issued_before BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX revocations_by_creation ON revocations (created_at);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);
