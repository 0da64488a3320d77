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
-- Which statuses occur on which channel, so that the planner does not search for combinations that no message has.
CREATE STATISTICS messages_kinds (mcv) ON channel, status, is_final, failure FROM messages;

-- The number of messages with equal properties. Triggers maintain it in the same transaction as every change of a
-- message. The count is the sum over all slots.
CREATE TABLE counters (
    hour    BIGINT NOT NULL, -- in which the message was first known: hours since 1970, UTC
    channel TEXT COLLATE "C"   NOT NULL, -- '': none
    status  TEXT COLLATE "C"   NOT NULL,
    code    TEXT COLLATE "C"   NOT NULL, -- its first 64 characters; '': none
    slot    BIGINT NOT NULL, -- concurrent writers count in different slots
    count   BIGINT NOT NULL,
    PRIMARY KEY (hour, channel, status, code, slot)
);

INSERT INTO counters (hour, channel, status, code, slot, count)
SELECT created_at / 3600000000, COALESCE(channel, ''), status, COALESCE(substr(code, 1, 64), ''), 0, COUNT(*)
FROM messages GROUP BY 1, 2, 3, 4;

-- A slot that no other transaction uses until the end of this one, so that transactions do not wait for each other's
-- commits. Usually it is one of the first few. Beyond 32 concurrent writers, each uses the slot of its process.
CREATE FUNCTION counting_slot() RETURNS BIGINT LANGUAGE plpgsql AS $$
BEGIN
    FOR slot IN 0..31 LOOP
        IF pg_try_advisory_xact_lock(1919119476, slot) THEN
            RETURN slot;
        END IF;
    END LOOP;
    RETURN 32 + pg_backend_pid();
END
$$;

-- Once per statement, however many messages it changes.
CREATE FUNCTION count_messages() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO counters (hour, channel, status, code, slot, count)
        SELECT created_at / 3600000000, COALESCE(channel, ''), status, COALESCE(substr(code, 1, 64), ''),
            (SELECT counting_slot()), COUNT(*)
        FROM now_there GROUP BY 1, 2, 3, 4
        ON CONFLICT (hour, channel, status, code, slot) DO UPDATE SET count = counters.count + excluded.count;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO counters (hour, channel, status, code, slot, count)
        SELECT created_at / 3600000000, COALESCE(channel, ''), status, COALESCE(substr(code, 1, 64), ''),
            (SELECT counting_slot()), -COUNT(*)
        FROM formerly_there GROUP BY 1, 2, 3, 4
        ON CONFLICT (hour, channel, status, code, slot) DO UPDATE SET count = counters.count + excluded.count;
    ELSE
        INSERT INTO counters (hour, channel, status, code, slot, count)
        SELECT hour, channel, status, code, (SELECT counting_slot()), SUM(change)
        FROM (
            SELECT created_at / 3600000000 AS hour, COALESCE(channel, '') AS channel, status,
                COALESCE(substr(code, 1, 64), '') AS code, 1 AS change FROM now_there
            UNION ALL
            SELECT created_at / 3600000000, COALESCE(channel, ''), status, COALESCE(substr(code, 1, 64), ''), -1
            FROM formerly_there
        ) AS changes
        GROUP BY 1, 2, 3, 4 HAVING SUM(change) <> 0
        ON CONFLICT (hour, channel, status, code, slot) DO UPDATE SET count = counters.count + excluded.count;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER messages_inserted AFTER INSERT ON messages
    REFERENCING NEW TABLE AS now_there FOR EACH STATEMENT EXECUTE FUNCTION count_messages();
CREATE TRIGGER messages_updated AFTER UPDATE ON messages
    REFERENCING NEW TABLE AS now_there OLD TABLE AS formerly_there FOR EACH STATEMENT EXECUTE FUNCTION count_messages();
CREATE TRIGGER messages_deleted AFTER DELETE ON messages
    REFERENCING OLD TABLE AS formerly_there FOR EACH STATEMENT EXECUTE FUNCTION count_messages();
