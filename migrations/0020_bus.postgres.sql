-- What is told to agents and to others, until they have said that they have it, and for a while after; and what there is to do.

-- Positions are given in the order of commits: whoever writes here holds the one row of message_totals.
CREATE TABLE message_totals (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    last_position BIGINT NOT NULL,
    bytes BIGINT NOT NULL  -- of all rows of messages, ended ones too
);
INSERT INTO message_totals (one, last_position, bytes) VALUES (1, 0, 0);

CREATE TABLE messages (
    position BIGINT PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('message', 'notification', 'task')),
    recipient TEXT COLLATE "C" NOT NULL,
    sender TEXT COLLATE "C" NOT NULL,
    conversation_id TEXT COLLATE "C",
    type TEXT NOT NULL DEFAULT '',
    bytes BIGINT NOT NULL,  -- as the limits count it
    trace TEXT NOT NULL DEFAULT '',  -- a traceparent; empty: none
    state TEXT COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'dead', 'expired')),
    deliveries BIGINT NOT NULL DEFAULT 0,
    receipt TEXT COLLATE "C" NOT NULL DEFAULT '',  -- of the batch that it was last given out with
    created_at BIGINT NOT NULL,
    deliver_at BIGINT,  -- where the sender asked for it: no other message waits for a clock
    expires_at BIGINT,
    ends_at BIGINT NOT NULL,  -- of no use after, or waits no longer
    ended_at BIGINT,
    body TEXT NOT NULL  -- a JSON object; last, so that nobody reads over it
);
CREATE INDEX messages_in_line ON messages (recipient, position, deliver_at, ends_at) WHERE state = 'waiting';
CREATE INDEX messages_by_delivery ON messages (deliver_at, recipient) WHERE state = 'waiting' AND deliver_at IS NOT NULL;
CREATE INDEX messages_by_expiry ON messages (ends_at) WHERE state = 'waiting';
CREATE INDEX messages_by_end ON messages (ended_at) WHERE state IN ('done', 'expired');
CREATE INDEX messages_dead ON messages (position) WHERE state = 'dead';
CREATE INDEX messages_dead_by_end ON messages (ended_at) WHERE state = 'dead';
CREATE INDEX messages_by_recipient ON messages (recipient, position);
CREATE INDEX messages_by_sender ON messages (sender, position);
CREATE INDEX messages_by_conversation ON messages (conversation_id, position) WHERE conversation_id IS NOT NULL;
CREATE INDEX messages_by_talk ON messages (conversation_id, sender, recipient) WHERE conversation_id IS NOT NULL;

-- One line for each recipient, of which one batch at most is given out at a time.
CREATE TABLE inboxes (
    recipient TEXT COLLATE "C" PRIMARY KEY,
    messages BIGINT NOT NULL DEFAULT 0,  -- that wait, those given out among them
    receipt TEXT COLLATE "C" NOT NULL DEFAULT '',  -- of the batch that is out
    leased BIGINT NOT NULL DEFAULT 0,  -- messages of it that are not ended yet
    leased_until BIGINT NOT NULL DEFAULT 0,
    paused_until BIGINT NOT NULL DEFAULT 0,  -- something was given back, to be asked for no earlier
    set_at BIGINT NOT NULL DEFAULT 0,  -- when these were said: for a clock that has stepped back behind it, they hold no more
    used_at BIGINT NOT NULL,
    of_agent BIGINT NOT NULL  -- 1: an agent's, that was there; 0: whoever's address it is
);
CREATE INDEX inboxes_by_depth ON inboxes (of_agent, messages);
CREATE INDEX inboxes_by_lease ON inboxes (leased_until) WHERE leased > 0;
CREATE INDEX inboxes_by_pause ON inboxes (paused_until) WHERE paused_until > 0;
CREATE INDEX inboxes_by_use ON inboxes (used_at);

-- What each sender has in an inbox, and in all of them.
CREATE TABLE message_shares (
    sender TEXT COLLATE "C" NOT NULL,
    recipient TEXT COLLATE "C" NOT NULL,  -- empty: all
    messages BIGINT NOT NULL,  -- that wait
    bytes BIGINT NOT NULL,  -- of these
    kept BIGINT NOT NULL,  -- bytes of those that have ended, too; counted over all inboxes alone
    PRIMARY KEY (sender, recipient)
);
CREATE INDEX message_shares_empty ON message_shares (sender, recipient) WHERE messages = 0 AND kept = 0;

CREATE TABLE tasks (
    id TEXT COLLATE "C" PRIMARY KEY,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    state TEXT COLLATE "C" NOT NULL
        CHECK (state IN ('open', 'assigned', 'in_progress', 'completed', 'failed', 'cancelled')),
    assignee TEXT COLLATE "C" NOT NULL DEFAULT '',  -- whose inbox heard of it; empty: nobody yet
    input TEXT NOT NULL DEFAULT '{}',  -- a JSON object
    result TEXT NOT NULL DEFAULT '{}',  -- a JSON object
    created_by TEXT COLLATE "C" NOT NULL,
    bytes BIGINT NOT NULL,  -- as the limits count it
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX tasks_by_creation ON tasks (created_at, id);
CREATE INDEX tasks_by_state ON tasks (state, created_at, id);
CREATE INDEX tasks_by_assignee ON tasks (assignee, created_at, id);
CREATE INDEX tasks_by_assignee_state ON tasks (assignee, state, created_at, id);
CREATE INDEX tasks_by_maker ON tasks (created_by, created_at, id);
CREATE INDEX tasks_over ON tasks (updated_at) WHERE state IN ('completed', 'failed', 'cancelled');
CREATE INDEX tasks_over_by_maker ON tasks (created_by, updated_at) WHERE state IN ('completed', 'failed', 'cancelled');

-- What there is of each maker, and of all.
CREATE TABLE task_shares (
    maker TEXT COLLATE "C" PRIMARY KEY,  -- empty: all
    tasks BIGINT NOT NULL,
    bytes BIGINT NOT NULL
);
