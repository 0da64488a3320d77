-- Every change of a message's status. The number is drawn while the row of the message is locked, so the events of one
-- message are in order. This is not the order of the commits: a number that is drawn early may be committed late. So
-- before a transaction draws numbers, it announces the first one with an advisory lock, which ends with the
-- transaction. Readers stop before that number.
CREATE TABLE status_events (
    seq            BIGINT NOT NULL PRIMARY KEY,
    correlation_id TEXT COLLATE "C"   NOT NULL,
    is_sent        BIGINT NOT NULL, -- 1: receiptd sent the message
    channel        TEXT COLLATE "C",
    status         TEXT COLLATE "C"   NOT NULL,
    status_at      BIGINT NOT NULL, -- as in messages
    failure        TEXT COLLATE "C",
    code           TEXT COLLATE "C",
    reason         TEXT COLLATE "C",
    changed_at     BIGINT NOT NULL -- messages.updated_at
);
CREATE SEQUENCE status_events_seq;
-- As if one number had been drawn, so that all later ones are greater than last_value.
SELECT setval('status_events_seq', 1);

-- Events up to this number have been trimmed.
CREATE TABLE status_events_begin (
    id  BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
);
INSERT INTO status_events_begin (id, seq) VALUES (1, 0);

-- The lock is shared, so it never blocks. One announcement per transaction is enough.
CREATE FUNCTION announce_changes() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF COALESCE(current_setting('receiptd.announced', true), '') = '' THEN
        PERFORM pg_advisory_xact_lock_shared((29537::bigint << 48) | last_value) FROM status_events_seq;
        PERFORM set_config('receiptd.announced', 'yes', true);
    END IF;
END $$;

-- Once per statement and not once per row, since a batch is one statement.
CREATE FUNCTION note_new_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM announce_changes();
    INSERT INTO status_events
    SELECT nextval('status_events_seq'), n.correlation_id,
        (n.dispatch IS NOT NULL)::int, n.channel, n.status, n.status_at, n.failure, n.code, n.reason, n.updated_at
    FROM now_so n;
    RETURN NULL;
END $$;

-- The plan is made for the first batch, which may be small, and is then reused. A nested loop would be slow for a large
-- batch.
CREATE FUNCTION note_changed_messages() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
    PERFORM announce_changes();
    INSERT INTO status_events
    SELECT nextval('status_events_seq'), n.correlation_id,
        (n.dispatch IS NOT NULL)::int, n.channel, n.status, n.status_at, n.failure, n.code, n.reason, n.updated_at
    FROM now_so n JOIN formerly o ON o.correlation_id = n.correlation_id WHERE n.status <> o.status;
    RETURN NULL;
END $$;

CREATE TRIGGER messages_new AFTER INSERT ON messages
REFERENCING NEW TABLE AS now_so FOR EACH STATEMENT EXECUTE FUNCTION note_new_messages();

CREATE TRIGGER messages_changed AFTER UPDATE ON messages
REFERENCING OLD TABLE AS formerly NEW TABLE AS now_so FOR EACH STATEMENT EXECUTE FUNCTION note_changed_messages();

-- The way of arrival, as for notifications.
ALTER TABLE inbound ADD COLUMN source TEXT COLLATE "C" NOT NULL DEFAULT 'notify';
ALTER TABLE quarantine ADD COLUMN source TEXT COLLATE "C" NOT NULL DEFAULT 'notify';
