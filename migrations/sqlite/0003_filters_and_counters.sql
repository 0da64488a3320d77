-- Each index serves one filter of the list, newest first (crates/storage/src/access_path.rs). Long texts are indexed by
-- their first 64 characters, since an index of Postgres cannot contain long ones.
DROP INDEX messages_recipient;
CREATE INDEX messages_recipient ON messages (recipient, created_at) WHERE recipient IS NOT NULL;
CREATE INDEX messages_callback ON messages (substr(callback_data, 1, 64), created_at) WHERE callback_data IS NOT NULL;
CREATE INDEX messages_code ON messages (substr(code, 1, 64), created_at) WHERE code IS NOT NULL;
CREATE INDEX messages_failure ON messages (failure, created_at) WHERE failure IS NOT NULL;
CREATE INDEX messages_channel ON messages (channel, status, is_final, created_at) WHERE channel IS NOT NULL;
CREATE INDEX messages_status ON messages (status, is_final, created_at);
CREATE INDEX messages_sent ON messages (created_at) WHERE dispatch IS NOT NULL;
CREATE INDEX messages_observed ON messages (created_at) WHERE dispatch IS NULL;

-- The number of messages with equal properties. Triggers maintain it in the same transaction as every change of a
-- message. The count is the sum over all slots.
CREATE TABLE counters (
    hour    BIGINT NOT NULL, -- in which the message was first known: hours since 1970, UTC
    channel TEXT   NOT NULL, -- '': none
    status  TEXT   NOT NULL,
    code    TEXT   NOT NULL, -- its first 64 characters; '': none
    slot    BIGINT NOT NULL, -- on Postgres, concurrent writers count in different slots
    count   BIGINT NOT NULL,
    PRIMARY KEY (hour, channel, status, code, slot)
) WITHOUT ROWID;

INSERT INTO counters (hour, channel, status, code, slot, count)
SELECT created_at / 3600000000, COALESCE(channel, ''), status, COALESCE(substr(code, 1, 64), ''), 0, COUNT(*)
FROM messages GROUP BY 1, 2, 3, 4;

CREATE TRIGGER messages_inserted AFTER INSERT ON messages BEGIN
    INSERT INTO counters (hour, channel, status, code, slot, count)
    VALUES (NEW.created_at / 3600000000, COALESCE(NEW.channel, ''), NEW.status,
        COALESCE(substr(NEW.code, 1, 64), ''), 0, 1)
    ON CONFLICT (hour, channel, status, code, slot) DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER messages_updated AFTER UPDATE OF created_at, channel, status, code ON messages
WHEN OLD.status <> NEW.status OR OLD.code IS NOT NEW.code OR OLD.channel IS NOT NEW.channel
    OR OLD.created_at <> NEW.created_at BEGIN
    UPDATE counters SET count = count - 1
    WHERE hour = OLD.created_at / 3600000000 AND channel = COALESCE(OLD.channel, '') AND status = OLD.status
        AND code = COALESCE(substr(OLD.code, 1, 64), '') AND slot = 0;
    INSERT INTO counters (hour, channel, status, code, slot, count)
    VALUES (NEW.created_at / 3600000000, COALESCE(NEW.channel, ''), NEW.status,
        COALESCE(substr(NEW.code, 1, 64), ''), 0, 1)
    ON CONFLICT (hour, channel, status, code, slot) DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER messages_deleted AFTER DELETE ON messages BEGIN
    UPDATE counters SET count = count - 1
    WHERE hour = OLD.created_at / 3600000000 AND channel = COALESCE(OLD.channel, '') AND status = OLD.status
        AND code = COALESCE(substr(OLD.code, 1, 64), '') AND slot = 0;
END;
