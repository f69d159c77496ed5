-- The ACME server (RFC 8555). Lists are apart by spaces.

-- Keys of external account bindings. Their secrets are derived from one in the key store, and not here.
CREATE TABLE acme_external_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE TABLE acme_accounts (
    id TEXT PRIMARY KEY,
    thumbprint TEXT NOT NULL UNIQUE,
    jwk TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('valid', 'deactivated', 'revoked')),
    contacts TEXT NOT NULL,
    external_key_id TEXT UNIQUE REFERENCES acme_external_keys (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX acme_accounts_by_creation ON acme_accounts (created_at) WHERE external_key_id IS NULL;

-- An order that is `pending` or `ready` past its end is invalid.
CREATE TABLE acme_orders (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES acme_accounts (id) ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (status IN ('pending', 'ready', 'valid', 'invalid')),
    names TEXT NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    serial TEXT NOT NULL DEFAULT '',
    replaces TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX acme_orders_by_account ON acme_orders (account_id, id);
CREATE INDEX acme_orders_by_creation ON acme_orders (account_id, created_at);
CREATE INDEX acme_orders_by_expiry ON acme_orders (expires_at);

-- One for each name of an order. Its challenges have one token; the first of them that is tried decides.
CREATE TABLE acme_authorizations (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES acme_accounts (id) ON DELETE CASCADE,
    order_id TEXT NOT NULL REFERENCES acme_orders (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'valid', 'invalid', 'deactivated')),
    token TEXT NOT NULL,
    tried TEXT NOT NULL DEFAULT '',
    tried_at BIGINT,
    validated_at BIGINT,
    error TEXT NOT NULL DEFAULT '',
    expires_at BIGINT NOT NULL
);
CREATE INDEX acme_authorizations_by_order ON acme_authorizations (order_id);
CREATE INDEX acme_authorizations_by_account ON acme_authorizations (account_id, status, expires_at);
CREATE INDEX acme_authorizations_tried ON acme_authorizations (tried_at) WHERE status = 'pending' AND tried <> '';

-- The serial of the one that an ACME client got instead.
ALTER TABLE certificates ADD COLUMN replaced_by TEXT NOT NULL DEFAULT '';
CREATE INDEX certificates_by_holder ON certificates (issued_to);
