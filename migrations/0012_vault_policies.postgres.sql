-- Who may do what to which path, as clients of KV stores write it down.
CREATE TABLE vault_policies (
    name TEXT COLLATE "C" PRIMARY KEY,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
