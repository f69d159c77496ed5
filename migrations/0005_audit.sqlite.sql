-- The audit log: docs/formats/audit-log.md. Rows are added and never changed; nothing refers to what they tell of.
CREATE TABLE audit_records (
    leaf_index INTEGER PRIMARY KEY CHECK (leaf_index >= 0),
    id TEXT NOT NULL UNIQUE CHECK (id <> ''),
    at INTEGER NOT NULL,
    severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 4),
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX audit_records_by_time ON audit_records (at);
CREATE INDEX audit_records_by_actor ON audit_records (actor, leaf_index);
CREATE INDEX audit_records_by_action ON audit_records (action, leaf_index);
CREATE INDEX audit_records_by_object ON audit_records (object_id, object_type, leaf_index);

-- Roots of complete subtrees; level 0 holds the hashes of the leaves.
CREATE TABLE audit_nodes (
    level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 62),
    node_index INTEGER NOT NULL CHECK (node_index >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, node_index)
) STRICT, WITHOUT ROWID;

-- How many records there are, and the roots of the subtrees that make up the tree, the largest first. One row.
CREATE TABLE audit_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    size INTEGER NOT NULL CHECK (size >= 0),
    edge BLOB NOT NULL
) STRICT;
INSERT INTO audit_head (one, size, edge) VALUES (1, 0, x'');

CREATE TABLE audit_checkpoints (
    size INTEGER PRIMARY KEY CHECK (size >= 0),
    at INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_records_stay BEFORE DELETE ON audit_records
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_records_do_not_change BEFORE UPDATE ON audit_records
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_nodes_stay BEFORE DELETE ON audit_nodes
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_nodes_do_not_change BEFORE UPDATE ON audit_nodes
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_checkpoints_stay BEFORE DELETE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_checkpoints_do_not_change BEFORE UPDATE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_head_only_grows BEFORE UPDATE ON audit_head WHEN NEW.size <= OLD.size
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
