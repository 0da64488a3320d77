-- Each channel is a lane of its own in the outbox, and what waits can run out of time. The table is made anew, since a
-- column that must not be empty cannot be added to rows that are there.
CREATE TEMP TABLE outbox_before AS
    SELECT outbox.correlation_id, messages.channel, request, attempts, due_at, lease_until
    FROM outbox JOIN messages ON messages.correlation_id = outbox.correlation_id;
DROP TABLE outbox;

-- What we were asked to send. Waiting: due_at. Being handed over: lease_until. Done: neither.
CREATE TABLE outbox (
    correlation_id TEXT COLLATE "C"   NOT NULL PRIMARY KEY,
    channel        TEXT COLLATE "C"   NOT NULL,
    request        TEXT COLLATE "C"   NOT NULL, -- canonical JSON of the submission
    attempts       BIGINT NOT NULL,
    due_at         BIGINT,
    lease_until    BIGINT,
    expire_at      BIGINT,          -- not handed over at this time or later
    CHECK (due_at IS NULL OR lease_until IS NULL)
);
INSERT INTO outbox (correlation_id, channel, request, attempts, due_at, lease_until)
    SELECT correlation_id, channel, request, attempts, due_at, lease_until FROM outbox_before;
DROP TABLE outbox_before;
CREATE INDEX outbox_due ON outbox (channel, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX outbox_expires ON outbox (expire_at) WHERE due_at IS NOT NULL AND expire_at IS NOT NULL;

-- Whether a refusal may pass is known of each step, as it is of each notification.
ALTER TABLE dispatch_events ADD COLUMN failure TEXT COLLATE "C";
