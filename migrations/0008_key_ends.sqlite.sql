-- Keys that were revoked are found without looking at those that live.
CREATE INDEX api_keys_by_revocation ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
-- Those that a user made, and those that stand for one, are found when that user is kept out.
CREATE INDEX api_keys_by_folded_owner ON api_keys (lower(owner));
CREATE INDEX api_keys_by_folded_subject ON api_keys (lower(subject));
