-- Plans of steps that depend on one another, worked on by agents. What was done stays when the agents that did it are gone.

CREATE TABLE plans (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    metadata TEXT NOT NULL,  -- a JSON object, as it came
    state TEXT NOT NULL
        CHECK (state IN ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    steps INTEGER NOT NULL,
    completed INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    next_event INTEGER NOT NULL DEFAULT 1,
    fingerprint TEXT NOT NULL,  -- of the body that made it
    trace TEXT NOT NULL DEFAULT '',
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    duration_us INTEGER
) STRICT;
CREATE INDEX plans_by_creation ON plans (created_at, id);
CREATE INDEX plans_by_state ON plans (state, created_at, id);
CREATE INDEX plans_by_end ON plans (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE plan_steps (
    plan_id TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    position INTEGER NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    metadata TEXT NOT NULL,
    needs TEXT NOT NULL,  -- capabilities, sorted, apart by spaces
    join_rule TEXT NOT NULL CHECK (join_rule IN ('all', 'any')),
    approval INTEGER NOT NULL CHECK (approval IN (0, 1)),
    condition TEXT NOT NULL,
    max_attempts INTEGER NOT NULL,
    timeout_us INTEGER NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('pending', 'waiting', 'ready', 'running', 'completed', 'failed', 'cancelled', 'skipped')),
    open_dependencies INTEGER NOT NULL,
    done_dependencies INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    available_at INTEGER NOT NULL,
    lease TEXT NOT NULL DEFAULT '',
    agent_id TEXT NOT NULL DEFAULT '',
    lease_expires_at INTEGER,
    deadline_at INTEGER,
    confidence REAL CHECK (confidence BETWEEN 0 AND 1),
    quality REAL CHECK (quality BETWEEN 0 AND 1),
    result TEXT,
    reference TEXT,
    error TEXT NOT NULL DEFAULT '',
    approved_by TEXT NOT NULL DEFAULT '',
    parent TEXT NOT NULL DEFAULT '',
    started_at INTEGER,
    ended_at INTEGER,
    duration_us INTEGER,
    PRIMARY KEY (plan_id, id)
) STRICT;
CREATE UNIQUE INDEX plan_steps_by_position ON plan_steps (plan_id, position);
CREATE INDEX plan_steps_by_state ON plan_steps (state);
CREATE INDEX plan_steps_open ON plan_steps (plan_id, open_dependencies) WHERE state = 'pending';
CREATE INDEX plan_steps_ready ON plan_steps (needs, available_at, plan_id, position) WHERE state = 'ready';
CREATE INDEX plan_steps_leased ON plan_steps (lease_expires_at) WHERE state = 'running';
CREATE INDEX plan_steps_by_agent ON plan_steps (agent_id) WHERE state = 'running';

CREATE TABLE plan_dependencies (
    plan_id TEXT NOT NULL,
    step_id TEXT NOT NULL,
    depends_on TEXT NOT NULL,
    PRIMARY KEY (plan_id, depends_on, step_id),
    FOREIGN KEY (plan_id, step_id) REFERENCES plan_steps (plan_id, id) ON DELETE CASCADE,
    FOREIGN KEY (plan_id, depends_on) REFERENCES plan_steps (plan_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX plan_dependencies_by_step ON plan_dependencies (plan_id, step_id, depends_on);

-- Each lease that was given, and what became of it.
CREATE TABLE plan_attempts (
    lease TEXT PRIMARY KEY,
    plan_id TEXT NOT NULL,
    step_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    agent_id TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('running', 'completed', 'failed', 'lost', 'timed_out', 'cancelled')),
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    duration_us INTEGER,
    error TEXT NOT NULL DEFAULT '',
    FOREIGN KEY (plan_id, step_id) REFERENCES plan_steps (plan_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX plan_attempts_by_step ON plan_attempts (plan_id, step_id, number);

CREATE TABLE plan_events (
    plan_id TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    step_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (plan_id, sequence)
) STRICT;
