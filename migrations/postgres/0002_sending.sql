-- Each channel is a lane of its own in the outbox, and what waits can run out of time.
ALTER TABLE outbox ADD COLUMN channel TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN expire_at BIGINT;
UPDATE outbox SET channel = COALESCE(
    (SELECT messages.channel FROM messages WHERE messages.correlation_id = outbox.correlation_id), '');

DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (channel, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_expires ON outbox (expire_at) WHERE due_at IS NOT NULL AND expire_at IS NOT NULL;

-- Why a step was taken also says whether that may pass.
ALTER TABLE dispatch_events ADD COLUMN failure TEXT;
