-- The audit log: docs/formats/audit-log.md. Rows are added and never changed; nothing refers to what they tell of.
CREATE TABLE audit_records (
    leaf_index BIGINT PRIMARY KEY CHECK (leaf_index >= 0),
    id TEXT NOT NULL UNIQUE CHECK (id <> ''),
    at BIGINT NOT NULL,
    severity SMALLINT NOT NULL CHECK (severity BETWEEN 0 AND 4),
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX audit_records_by_time ON audit_records (at);
CREATE INDEX audit_records_by_actor ON audit_records (actor, leaf_index);
CREATE INDEX audit_records_by_action ON audit_records (action, leaf_index);
CREATE INDEX audit_records_by_object ON audit_records (object_id, object_type, leaf_index);

-- Roots of complete subtrees; level 0 holds the hashes of the leaves.
CREATE TABLE audit_nodes (
    level SMALLINT NOT NULL CHECK (level BETWEEN 0 AND 62),
    node_index BIGINT NOT NULL CHECK (node_index >= 0),
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, node_index)
);

-- How many records there are, and the roots of the subtrees that make up the tree, the largest first. One row, and the
-- table whose lock writers queue for.
CREATE TABLE audit_head (
    one SMALLINT PRIMARY KEY CHECK (one = 1),
    size BIGINT NOT NULL CHECK (size >= 0),
    edge BYTEA NOT NULL
);
INSERT INTO audit_head (one, size, edge) VALUES (1, 0, '');

CREATE TABLE audit_checkpoints (
    size BIGINT PRIMARY KEY CHECK (size >= 0),
    at BIGINT NOT NULL,
    note TEXT NOT NULL
);

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER audit_records_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_records
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_nodes_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_nodes
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoints_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_head_stays BEFORE DELETE OR TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_head_only_grows BEFORE UPDATE ON audit_head
    FOR EACH ROW WHEN (NEW.size <= OLD.size) EXECUTE FUNCTION audit_refuse();
