-- Every change of a message's status, in the order of the commits, since there is one writer.
CREATE TABLE status_events (
    seq            BIGINT NOT NULL PRIMARY KEY,
    correlation_id TEXT   NOT NULL,
    is_sent        BIGINT NOT NULL, -- 1: receiptd sent the message
    channel        TEXT,
    status         TEXT   NOT NULL,
    status_at      BIGINT NOT NULL, -- as in messages
    failure        TEXT,
    code           TEXT,
    reason         TEXT,
    changed_at     BIGINT NOT NULL -- messages.updated_at
) WITHOUT ROWID;

-- Events up to this number have been trimmed.
CREATE TABLE status_events_begin (
    id  BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
);
INSERT INTO status_events_begin (id, seq) VALUES (1, 0);

CREATE TRIGGER messages_new AFTER INSERT ON messages
BEGIN
    INSERT INTO status_events
    SELECT 1 + COALESCE((SELECT MAX(seq) FROM status_events), b.seq), NEW.correlation_id,
        NEW.dispatch IS NOT NULL, NEW.channel, NEW.status, NEW.status_at, NEW.failure, NEW.code, NEW.reason,
        NEW.updated_at
    FROM status_events_begin b;
END;

CREATE TRIGGER messages_changed AFTER UPDATE OF status ON messages WHEN NEW.status <> OLD.status
BEGIN
    INSERT INTO status_events
    SELECT 1 + COALESCE((SELECT MAX(seq) FROM status_events), b.seq), NEW.correlation_id,
        NEW.dispatch IS NOT NULL, NEW.channel, NEW.status, NEW.status_at, NEW.failure, NEW.code, NEW.reason,
        NEW.updated_at
    FROM status_events_begin b;
END;

-- The way of arrival, as for notifications.
ALTER TABLE inbound ADD COLUMN source TEXT NOT NULL DEFAULT 'notify';
ALTER TABLE quarantine ADD COLUMN source TEXT NOT NULL DEFAULT 'notify';
