-- Plans of steps that depend on one another, worked on by agents. What was done stays when the agents that did it are gone.

CREATE TABLE plans (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT NOT NULL,
    metadata TEXT NOT NULL,  -- a JSON object, as it came
    state TEXT COLLATE "C" NOT NULL
        CHECK (state IN ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    steps BIGINT NOT NULL,
    completed BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0,
    cancelled BIGINT NOT NULL DEFAULT 0,
    skipped BIGINT NOT NULL DEFAULT 0,
    next_event BIGINT NOT NULL DEFAULT 1,
    fingerprint TEXT NOT NULL,  -- of the body that made it
    trace TEXT NOT NULL DEFAULT '',
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    duration_us BIGINT
);
CREATE INDEX plans_by_creation ON plans (created_at, id);
CREATE INDEX plans_by_state ON plans (state, created_at, id);
CREATE INDEX plans_by_end ON plans (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE plan_steps (
    plan_id TEXT COLLATE "C" NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    metadata TEXT NOT NULL,
    needs TEXT COLLATE "C" NOT NULL,  -- capabilities, sorted, apart by spaces
    join_rule TEXT NOT NULL CHECK (join_rule IN ('all', 'any')),
    approval BIGINT NOT NULL CHECK (approval IN (0, 1)),
    condition TEXT NOT NULL,
    max_attempts BIGINT NOT NULL,
    timeout_us BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL
        CHECK (state IN ('pending', 'waiting', 'ready', 'running', 'completed', 'failed', 'cancelled', 'skipped')),
    open_dependencies BIGINT NOT NULL,
    done_dependencies BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0,
    available_at BIGINT NOT NULL,
    lease TEXT COLLATE "C" NOT NULL DEFAULT '',
    agent_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    lease_expires_at BIGINT,
    deadline_at BIGINT,
    confidence DOUBLE PRECISION CHECK (confidence BETWEEN 0 AND 1),
    quality DOUBLE PRECISION CHECK (quality BETWEEN 0 AND 1),
    result TEXT,
    reference TEXT,
    error TEXT NOT NULL DEFAULT '',
    approved_by TEXT NOT NULL DEFAULT '',
    parent TEXT NOT NULL DEFAULT '',
    started_at BIGINT,
    ended_at BIGINT,
    duration_us BIGINT,
    PRIMARY KEY (plan_id, id)
);
CREATE UNIQUE INDEX plan_steps_by_position ON plan_steps (plan_id, position);
CREATE INDEX plan_steps_by_state ON plan_steps (state);
CREATE INDEX plan_steps_open ON plan_steps (plan_id, open_dependencies) WHERE state = 'pending';
CREATE INDEX plan_steps_ready ON plan_steps (needs, available_at, plan_id, position) WHERE state = 'ready';
CREATE INDEX plan_steps_leased ON plan_steps (lease_expires_at) WHERE state = 'running';
CREATE INDEX plan_steps_by_agent ON plan_steps (agent_id) WHERE state = 'running';

CREATE TABLE plan_dependencies (
    plan_id TEXT COLLATE "C" NOT NULL,
    step_id TEXT COLLATE "C" NOT NULL,
    depends_on TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (plan_id, depends_on, step_id),
    FOREIGN KEY (plan_id, step_id) REFERENCES plan_steps (plan_id, id) ON DELETE CASCADE,
    FOREIGN KEY (plan_id, depends_on) REFERENCES plan_steps (plan_id, id) ON DELETE CASCADE
);
CREATE INDEX plan_dependencies_by_step ON plan_dependencies (plan_id, step_id, depends_on);

-- Each lease that was given, and what became of it.
CREATE TABLE plan_attempts (
    lease TEXT COLLATE "C" PRIMARY KEY,
    plan_id TEXT COLLATE "C" NOT NULL,
    step_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    agent_id TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL
        CHECK (state IN ('running', 'completed', 'failed', 'lost', 'timed_out', 'cancelled')),
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    duration_us BIGINT,
    error TEXT NOT NULL DEFAULT '',
    FOREIGN KEY (plan_id, step_id) REFERENCES plan_steps (plan_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX plan_attempts_by_step ON plan_attempts (plan_id, step_id, number);

CREATE TABLE plan_events (
    plan_id TEXT COLLATE "C" NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    type TEXT NOT NULL,
    step_id TEXT COLLATE "C" NOT NULL,
    agent_id TEXT COLLATE "C" NOT NULL,
    attempt BIGINT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (plan_id, sequence)
);
