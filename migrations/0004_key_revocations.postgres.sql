-- Keys end before their time, too.
ALTER TABLE revocations DROP CONSTRAINT revocations_kind_check;
ALTER TABLE revocations
    ADD CONSTRAINT revocations_kind_check CHECK (kind IN ('token', 'subject', 'client', 'key'));
