-- Attempts that count against the most that a message may have. `attempts` counts every one that was begun, and tells one
-- from the next.
ALTER TABLE outbox ADD COLUMN counted BIGINT NOT NULL DEFAULT 0;
UPDATE outbox SET counted = attempts;
