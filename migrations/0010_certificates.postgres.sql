-- What the internal CA has signed, and what of it was revoked. Names are apart by spaces, each with its kind before it:
-- "dns:a.example ip:::1 uri:spiffe://example.org/a".
CREATE TABLE certificates (
    serial TEXT PRIMARY KEY,
    issuer_key_id TEXT NOT NULL,
    common_name TEXT NOT NULL,
    names TEXT NOT NULL,
    profile TEXT NOT NULL CHECK (profile IN ('server', 'client', 'agent', 'infrastructure')),
    fingerprint TEXT NOT NULL UNIQUE,
    chain TEXT NOT NULL,
    issued_to TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    reason BIGINT,
    revision BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX certificates_by_creation ON certificates (created_at, serial);
CREATE INDEX certificates_by_expiry ON certificates (not_after);
CREATE INDEX certificates_by_name ON certificates (common_name, not_after);
CREATE INDEX certificates_by_revocation ON certificates (revoked_at, serial) WHERE revoked_at IS NOT NULL;
