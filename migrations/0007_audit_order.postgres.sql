-- Appending to the audit log touches fewer pages. Nodes of its tree lie in the order in which they become complete, a leaf
-- before what it completes: each commit writes at their end.
CREATE TABLE audit_tree (
    position BIGINT PRIMARY KEY CHECK (position >= 0),
    hash BYTEA NOT NULL CHECK (length(hash) = 32)
);
INSERT INTO audit_tree (position, hash)
SELECT row_number() OVER (ORDER BY (node_index + 1) << level, level) - 1, hash FROM audit_nodes;
DROP TABLE audit_nodes;
CREATE TRIGGER audit_tree_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_tree
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

-- In the order of leaf_index whatever the object's type is, which is judged row by row.
DROP INDEX audit_records_by_object;
CREATE INDEX audit_records_by_object ON audit_records (object_id, leaf_index);
