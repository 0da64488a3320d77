-- Another system may use one correlation id for several recipients. Then this table contains the standing for each of
-- them, and the status of the message is that of the worst-off recipient (crates/domain/src/recipients.rs). Messages
-- with one recipient, and messages that receiptd sent, have no rows here.
CREATE TABLE recipient_standings (
    correlation_id TEXT COLLATE "C" NOT NULL,
    recipient      TEXT COLLATE "C" NOT NULL, -- '': not named; ' devices': any device, on push
    severity       BYTEA  NOT NULL, -- comparable; the greatest decides the status of the message
    is_open        BIGINT NOT NULL, -- 1: this standing keeps the message from being final
    precedence     BYTEA  NOT NULL, -- of the deciding notification of this recipient
    status         TEXT COLLATE "C" NOT NULL,
    failure        TEXT COLLATE "C",
    code           TEXT COLLATE "C",
    reason         TEXT COLLATE "C",
    channel        TEXT COLLATE "C",
    transaction_id TEXT COLLATE "C",
    PRIMARY KEY (correlation_id, recipient)
);
CREATE INDEX recipient_standings_worst ON recipient_standings (correlation_id, severity);
CREATE INDEX recipient_standings_open ON recipient_standings (correlation_id, is_open) WHERE is_open = 1;

-- In the precedence of a failure, the severity stands between the time and the fingerprint.
UPDATE messages SET precedence = substr(precedence, 1, 9)
    || CASE failure WHEN 'permanent' THEN '\x03'::bytea WHEN 'unclear' THEN '\x02' WHEN 'transient' THEN '\x01'
        ELSE '\x00' END
    || substr(precedence, 10)
WHERE length(precedence) = 25;

-- A status can become final without changing, and a message can have failed without being final.
ALTER TABLE status_events ADD COLUMN is_final BIGINT; -- NULL: follows from status and channel

CREATE OR REPLACE FUNCTION note_new_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM announce_changes();
    INSERT INTO status_events (seq, correlation_id, is_sent, channel, status, status_at, failure, code, reason, changed_at,
        is_final)
    SELECT nextval('status_events_seq'), n.correlation_id, (n.dispatch IS NOT NULL)::int, n.channel, n.status, n.status_at,
        n.failure, n.code, n.reason, n.updated_at, n.is_final
    FROM now_so n;
    RETURN NULL;
END $$;

-- The plan is made for the first batch, which may be small, and is then reused. A nested loop would be slow for a large
-- batch.
CREATE OR REPLACE FUNCTION note_changed_messages() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
    PERFORM announce_changes();
    INSERT INTO status_events (seq, correlation_id, is_sent, channel, status, status_at, failure, code, reason, changed_at,
        is_final)
    SELECT nextval('status_events_seq'), n.correlation_id, (n.dispatch IS NOT NULL)::int, n.channel, n.status, n.status_at,
        n.failure, n.code, n.reason, n.updated_at, n.is_final
    FROM now_so n JOIN formerly o ON o.correlation_id = n.correlation_id
    WHERE n.status <> o.status OR n.is_final <> o.is_final;
    RETURN NULL;
END $$;
