-- Programs that work for somebody, what they show of themselves, and what they have seen of attackers. Nothing here is tied to
-- the audit log: what an agent did is told there for as long as the log is.

-- One that has retired stays, and its name is free again.
CREATE TABLE agents (
    id TEXT COLLATE "C" PRIMARY KEY,
    hostname TEXT COLLATE "C" NOT NULL,
    ip_address TEXT NOT NULL DEFAULT '',
    labels TEXT NOT NULL DEFAULT '{}',  -- a JSON object of texts
    capabilities TEXT NOT NULL DEFAULT '',  -- apart by spaces
    agent_version TEXT NOT NULL DEFAULT '',
    status TEXT COLLATE "C" NOT NULL
        CHECK (status IN ('pending', 'online', 'degraded', 'offline', 'quarantined', 'retired')),
    enrolment TEXT NOT NULL,  -- of the one-time token that is, or was, good for it
    last_heartbeat_at BIGINT,
    heard BIGINT NOT NULL DEFAULT 0,  -- 1: it has beaten since it became offline
    version BIGINT NOT NULL DEFAULT 1,  -- of what people see and change: heartbeats do not count
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
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
    name TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    agent_id TEXT COLLATE "C" NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    PRIMARY KEY (name, value, agent_id)
);
CREATE INDEX agent_labels_by_agent ON agent_labels (agent_id);

-- Refresh tokens, each good once. Those that came of one another are a family, whose id stands in the access tokens too.
CREATE TABLE agent_tokens (
    id TEXT COLLATE "C" PRIMARY KEY,
    agent_id TEXT COLLATE "C" NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    family TEXT NOT NULL,
    token_hash BYTEA NOT NULL UNIQUE,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,  -- exchanged for the next one
    revoked_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX agent_tokens_by_agent ON agent_tokens (agent_id, created_at, id);
CREATE INDEX agent_tokens_by_family ON agent_tokens (family);
CREATE INDEX agent_tokens_by_expiry ON agent_tokens (expires_at);

CREATE TABLE threats (
    id TEXT COLLATE "C" PRIMARY KEY,
    agent_id TEXT COLLATE "C" REFERENCES agents (id) ON DELETE CASCADE,  -- who reported it; NULL: the gateway
    threat_type TEXT NOT NULL,
    severity BIGINT NOT NULL CHECK (severity BETWEEN 0 AND 4),  -- info, low, medium, high, critical
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('open', 'acknowledged', 'resolved', 'false_positive')),
    fingerprint TEXT NOT NULL,  -- reports of the same thing have the same
    details TEXT NOT NULL,  -- a JSON object, of the first report
    notes TEXT NOT NULL DEFAULT '',
    reports BIGINT NOT NULL DEFAULT 1,
    detected_at BIGINT NOT NULL,  -- first
    last_seen_at BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    updated_at BIGINT NOT NULL
);
CREATE INDEX threats_by_time ON threats (detected_at, id);
CREATE INDEX threats_by_severity ON threats (severity, detected_at, id);
CREATE INDEX threats_by_status ON threats (status, detected_at, id);
CREATE INDEX threats_by_agent ON threats (agent_id, detected_at, id);
CREATE INDEX threats_by_agent_status ON threats (agent_id, status, detected_at, id);
CREATE INDEX threats_by_agent_severity ON threats (agent_id, severity, detected_at, id);
CREATE INDEX threats_by_fingerprint ON threats (agent_id, threat_type, fingerprint, last_seen_at);

-- What agents called within the last hours, of all nodes.
CREATE TABLE agent_calls (
    agent_id TEXT COLLATE "C" NOT NULL,
    minute BIGINT NOT NULL,  -- since the epoch
    calls BIGINT NOT NULL,
    PRIMARY KEY (agent_id, minute)
);
CREATE INDEX agent_calls_by_minute ON agent_calls (minute);

-- Where a one-time token is good.
ALTER TABLE enrolments ADD COLUMN door TEXT NOT NULL DEFAULT 'pki' CHECK (door IN ('pki', 'agents'));
