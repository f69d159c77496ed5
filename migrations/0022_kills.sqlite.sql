-- Whose tokens, certificates, leases, streams and messages were ended all at once, and what was seen of it afterwards.

CREATE TABLE kills (
    id TEXT PRIMARY KEY,
    principal TEXT NOT NULL,  -- "agent:ID", "user:ada"
    reason TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    held TEXT NOT NULL,  -- a JSON list: what was ended, and what was left of it
    complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1)),
    duration_ms INTEGER  -- until nothing was left, or nobody looked any more; NULL: nobody has looked
) STRICT;
CREATE INDEX kills_by_time ON kills (made_at, id);
CREATE INDEX kills_by_principal ON kills (principal, made_at, id);

-- Nodes that were there to see one, and what they have seen: what was open there, and what stayed so.
CREATE TABLE kill_sightings (
    kill_id TEXT NOT NULL REFERENCES kills (id) ON DELETE CASCADE,
    node TEXT NOT NULL,
    open_before INTEGER NOT NULL DEFAULT 0,
    open_after INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0 CHECK (refused IN (0, 1)),  -- its credentials
    seen_at INTEGER,  -- NULL: it has not answered
    PRIMARY KEY (kill_id, node)
) STRICT, WITHOUT ROWID;

CREATE INDEX kill_sightings_by_node ON kill_sightings (node);

-- Nodes that are there to see one, by the time of the database.
CREATE TABLE kill_nodes (
    node TEXT PRIMARY KEY,
    alive_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX kill_nodes_by_time ON kill_nodes (alive_at);

CREATE INDEX enrolments_by_names ON enrolments (names) WHERE ended_at IS NULL;
CREATE INDEX enrolments_by_maker ON enrolments (created_by) WHERE ended_at IS NULL;
CREATE INDEX api_keys_by_subject ON api_keys (subject);
CREATE INDEX api_keys_by_answers_to ON api_keys (answers_to);
CREATE INDEX leases_by_holder ON leases (holder);
CREATE INDEX messages_waiting_by_sender ON messages (sender) WHERE state = 'waiting';
CREATE INDEX plan_attempts_silent ON plan_attempts (agent_id) WHERE state IN ('lost', 'timed_out');
