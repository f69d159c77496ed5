-- Appending to the audit log touches fewer pages. Nodes of its tree lie in the order in which they become complete, a leaf
-- before what it completes: each commit writes at their end.
CREATE TABLE audit_tree (
    position INTEGER PRIMARY KEY CHECK (position >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO audit_tree (position, hash)
SELECT row_number() OVER (ORDER BY (node_index + 1) << level, level) - 1, hash FROM audit_nodes;
DROP TABLE audit_nodes;
CREATE TRIGGER audit_tree_stay BEFORE DELETE ON audit_tree
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_tree_do_not_change BEFORE UPDATE ON audit_tree
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- Each entry of an index ends with leaf_index anyway: it is the row's number.
DROP INDEX audit_records_by_actor;
DROP INDEX audit_records_by_action;
DROP INDEX audit_records_by_object;
CREATE INDEX audit_records_by_actor ON audit_records (actor);
CREATE INDEX audit_records_by_action ON audit_records (action);
CREATE INDEX audit_records_by_object ON audit_records (object_id);
