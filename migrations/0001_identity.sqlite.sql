-- Who may do what. Times are microseconds since 1970, UTC.
CREATE TABLE roles (
    name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 64),
    built_in INTEGER NOT NULL DEFAULT 0 CHECK (built_in IN (0, 1)),
    permissions TEXT NOT NULL DEFAULT '[]',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    name_folded TEXT NOT NULL UNIQUE,
    email TEXT,
    password_hash TEXT,
    password_changed_at INTEGER,
    password_change_required INTEGER NOT NULL DEFAULT 0 CHECK (password_change_required IN (0, 1)),
    disabled_at INTEGER,
    tokens_valid_from INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX users_by_creation ON users (created_at, id);

CREATE TABLE user_roles (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE RESTRICT,
    PRIMARY KEY (user_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_roles_by_role ON user_roles (role);

INSERT INTO roles (name, built_in, created_at, updated_at)
VALUES ('admin', 1, 0, 0), ('manager', 1, 0, 0), ('user', 1, 0, 0), ('guest', 1, 0, 0);

-- A user as it is read: with the names of its roles, apart by commas.
CREATE VIEW user_records AS
SELECT u.*, (SELECT group_concat(r.role) FROM user_roles r WHERE r.user_id = u.id) AS roles FROM users u;
