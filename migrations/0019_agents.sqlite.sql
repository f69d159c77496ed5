-- Programs that work for somebody, what they show of themselves, and what they have seen of attackers. Nothing here is tied to
-- the audit log: what an agent did is told there for as long as the log is.

-- One that has retired stays, and its name is free again.
CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    hostname TEXT NOT NULL,
    ip_address TEXT NOT NULL DEFAULT '',
    labels TEXT NOT NULL DEFAULT '{}',  -- a JSON object of texts
    capabilities TEXT NOT NULL DEFAULT '',  -- apart by spaces
    agent_version TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL
        CHECK (status IN ('pending', 'online', 'degraded', 'offline', 'quarantined', 'retired')),
    enrolment TEXT NOT NULL,  -- of the one-time token that is, or was, good for it
    last_heartbeat_at INTEGER,
    heard INTEGER NOT NULL DEFAULT 0,  -- 1: it has beaten since it became offline
    version INTEGER NOT NULL DEFAULT 1,  -- of what people see and change: heartbeats do not count
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX agents_by_hostname ON agents (hostname) WHERE status <> 'retired';
CREATE INDEX agents_by_name ON agents (hostname, id);
CREATE INDEX agents_by_status ON agents (status, hostname, id);
CREATE INDEX agents_by_creation ON agents (created_at, id);
CREATE INDEX agents_by_status_creation ON agents (status, created_at, id);
CREATE INDEX agents_back ON agents (id) WHERE status = 'offline' AND heard = 1;
CREATE INDEX agents_by_heartbeat ON agents (status, last_heartbeat_at);
CREATE UNIQUE INDEX agents_by_enrolment ON agents (enrolment);

-- The same labels, to find agents by.
CREATE TABLE agent_labels (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    PRIMARY KEY (name, value, agent_id)
) STRICT;
CREATE INDEX agent_labels_by_agent ON agent_labels (agent_id);

-- Refresh tokens, each good once. Those that came of one another are a family, whose id stands in the access tokens too.
CREATE TABLE agent_tokens (
    id TEXT PRIMARY KEY,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    family TEXT NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,  -- exchanged for the next one
    revoked_at INTEGER,
    last_used_at INTEGER
) STRICT;
CREATE INDEX agent_tokens_by_agent ON agent_tokens (agent_id, created_at, id);
CREATE INDEX agent_tokens_by_family ON agent_tokens (family);
CREATE INDEX agent_tokens_by_expiry ON agent_tokens (expires_at);

CREATE TABLE threats (
    id TEXT PRIMARY KEY,
    agent_id TEXT REFERENCES agents (id) ON DELETE CASCADE,  -- who reported it; NULL: the gateway
    threat_type TEXT NOT NULL,
    severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 4),  -- info, low, medium, high, critical
    status TEXT NOT NULL CHECK (status IN ('open', 'acknowledged', 'resolved', 'false_positive')),
    fingerprint TEXT NOT NULL,  -- reports of the same thing have the same
    details TEXT NOT NULL,  -- a JSON object, of the first report
    notes TEXT NOT NULL DEFAULT '',
    reports INTEGER NOT NULL DEFAULT 1,
    detected_at INTEGER NOT NULL,  -- first
    last_seen_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX threats_by_time ON threats (detected_at, id);
CREATE INDEX threats_by_severity ON threats (severity, detected_at, id);
CREATE INDEX threats_by_status ON threats (status, detected_at, id);
CREATE INDEX threats_by_agent ON threats (agent_id, detected_at, id);
CREATE INDEX threats_by_agent_status ON threats (agent_id, status, detected_at, id);
CREATE INDEX threats_by_agent_severity ON threats (agent_id, severity, detected_at, id);
CREATE INDEX threats_by_fingerprint ON threats (agent_id, threat_type, fingerprint, last_seen_at);

-- What agents called within the last hours, of all nodes.
CREATE TABLE agent_calls (
    agent_id TEXT NOT NULL,
    minute INTEGER NOT NULL,  -- since the epoch
    calls INTEGER NOT NULL,
    PRIMARY KEY (agent_id, minute)
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_calls_by_minute ON agent_calls (minute);

-- Where a one-time token is good.
ALTER TABLE enrolments ADD COLUMN door TEXT NOT NULL DEFAULT 'pki' CHECK (door IN ('pki', 'agents'));
