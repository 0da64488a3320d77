-- The number of attempts that count towards the maximum. `attempts` counts every attempt, and identifies the current
-- one.
ALTER TABLE outbox ADD COLUMN counted BIGINT NOT NULL DEFAULT 0;
UPDATE outbox SET counted = attempts;
