-- Another system may use one correlation id for several recipients. Then this table contains the standing for each of
-- them, and the status of the message is that of the worst-off recipient (crates/domain/src/recipients.rs). Messages
-- with one recipient, and messages that receiptd sent, have no rows here.
CREATE TABLE recipient_standings (
    correlation_id TEXT   NOT NULL,
    recipient      TEXT   NOT NULL, -- '': not named; ' devices': any device, on push
    severity       BLOB   NOT NULL, -- comparable; the greatest decides the status of the message
    is_open        BIGINT NOT NULL, -- 1: this standing keeps the message from being final
    precedence     BLOB   NOT NULL, -- of the deciding notification of this recipient
    status         TEXT   NOT NULL,
    failure        TEXT,
    code           TEXT,
    reason         TEXT,
    channel        TEXT,
    transaction_id TEXT,
    PRIMARY KEY (correlation_id, recipient)
) WITHOUT ROWID;
CREATE INDEX recipient_standings_worst ON recipient_standings (correlation_id, severity);
CREATE INDEX recipient_standings_open ON recipient_standings (correlation_id, is_open) WHERE is_open = 1;

-- In the precedence of a failure, the severity stands between the time and the fingerprint.
UPDATE messages SET precedence = unhex(hex(substr(precedence, 1, 9))
    || CASE failure WHEN 'permanent' THEN '03' WHEN 'unclear' THEN '02' WHEN 'transient' THEN '01' ELSE '00' END
    || hex(substr(precedence, 10)))
WHERE length(precedence) = 25;

-- A status can become final without changing, and a message can have failed without being final.
ALTER TABLE status_events ADD COLUMN is_final BIGINT; -- NULL: follows from status and channel
DROP TRIGGER messages_new;
DROP TRIGGER messages_changed;

CREATE TRIGGER messages_new AFTER INSERT ON messages
BEGIN
    INSERT INTO status_events (seq, correlation_id, is_sent, channel, status, status_at, failure, code, reason, changed_at,
        is_final)
    SELECT 1 + COALESCE((SELECT MAX(seq) FROM status_events), b.seq), NEW.correlation_id,
        NEW.dispatch IS NOT NULL, NEW.channel, NEW.status, NEW.status_at, NEW.failure, NEW.code, NEW.reason,
        NEW.updated_at, NEW.is_final
    FROM status_events_begin b;
END;

CREATE TRIGGER messages_changed AFTER UPDATE OF status, is_final ON messages
WHEN NEW.status <> OLD.status OR NEW.is_final <> OLD.is_final
BEGIN
    INSERT INTO status_events (seq, correlation_id, is_sent, channel, status, status_at, failure, code, reason, changed_at,
        is_final)
    SELECT 1 + COALESCE((SELECT MAX(seq) FROM status_events), b.seq), NEW.correlation_id,
        NEW.dispatch IS NOT NULL, NEW.channel, NEW.status, NEW.status_at, NEW.failure, NEW.code, NEW.reason,
        NEW.updated_at, NEW.is_final
    FROM status_events_begin b;
END;
