-- Each channel has its own queue in the outbox, and waiting messages can expire. The table is created again, since a
-- NOT NULL column cannot be added to existing rows.
CREATE TEMP TABLE outbox_before AS
    SELECT outbox.correlation_id, messages.channel, request, attempts, due_at, lease_until
    FROM outbox JOIN messages ON messages.correlation_id = outbox.correlation_id;
DROP TABLE outbox;

-- Messages to send. Waiting: due_at is set. In dispatch: lease_until is set. Done: neither is set.
CREATE TABLE outbox (
    correlation_id TEXT   NOT NULL PRIMARY KEY,
    channel        TEXT   NOT NULL,
    request        TEXT   NOT NULL, -- canonical JSON of the submission
    attempts       BIGINT NOT NULL,
    due_at         BIGINT,
    lease_until    BIGINT,
    expire_at      BIGINT,          -- not dispatched at this time or later
    CHECK (due_at IS NULL OR lease_until IS NULL)
);
INSERT INTO outbox (correlation_id, channel, request, attempts, due_at, lease_until)
    SELECT correlation_id, channel, request, attempts, due_at, lease_until FROM outbox_before;
DROP TABLE outbox_before;
CREATE INDEX outbox_due ON outbox (channel, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX outbox_expires ON outbox (expire_at) WHERE due_at IS NOT NULL AND expire_at IS NOT NULL;

-- Whether a rejection may be temporary is stored for each step, as it is for each notification.
ALTER TABLE dispatch_events ADD COLUMN failure TEXT;
