-- Who may do what to which path, as clients of KV stores write it down.
CREATE TABLE vault_policies (
    name TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
