-- Who may do what. Times are microseconds since 1970, UTC.
CREATE TABLE roles (
    name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 64),
    built_in BOOLEAN NOT NULL DEFAULT FALSE,
    permissions JSONB NOT NULL DEFAULT '[]',
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    name_folded TEXT NOT NULL UNIQUE,
    email TEXT,
    password_hash TEXT,
    password_changed_at BIGINT,
    password_change_required BOOLEAN NOT NULL DEFAULT FALSE,
    disabled_at BIGINT,
    tokens_valid_from BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX users_by_creation ON users (created_at, id);

CREATE TABLE user_roles (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE RESTRICT,
    PRIMARY KEY (user_id, role)
);
CREATE INDEX user_roles_by_role ON user_roles (role);

INSERT INTO roles (name, built_in, created_at, updated_at)
VALUES ('admin', TRUE, 0, 0), ('manager', TRUE, 0, 0), ('user', TRUE, 0, 0), ('guest', TRUE, 0, 0);

-- A user as it is read: with the names of its roles, apart by commas.
CREATE VIEW user_records AS
SELECT u.*, (SELECT string_agg(r.role, ',') FROM user_roles r WHERE r.user_id = u.id) AS roles FROM users u;
