-- What clients say of a secret beside its values. It is not sealed.
ALTER TABLE vault_secrets ADD COLUMN custom_metadata TEXT;
-- Seconds after which a version deletes itself; 0: never.
ALTER TABLE vault_secrets ADD COLUMN delete_after BIGINT NOT NULL DEFAULT 0;
