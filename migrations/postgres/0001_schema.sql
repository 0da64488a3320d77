-- Times are microseconds since 1970, UTC.
-- Texts are compared by their bytes (COLLATE "C"), as in SQLite, whatever the locale of the database.

-- What was acknowledged and is not projected yet: one row per group commit. The projection removes it in the
-- transaction in which it stores the notifications.
CREATE TABLE journal (
    writer      BYTEA            NOT NULL, -- the instance that appended it
    sequence    BIGINT           NOT NULL, -- 1, 2, 3…
    appended_at BIGINT           NOT NULL,
    zone        TEXT COLLATE "C" NOT NULL, -- for times without an offset: the tenant's time zone then
    records     BIGINT           NOT NULL, -- the number of bodies in the payload
    projected   BIGINT           NOT NULL, -- how many of them are projected: the first ones
    size        BIGINT           NOT NULL, -- of the records, in bytes
    payload     BYTEA            NOT NULL, -- the records (crates/domain/src/journal.rs), compressed (crates/storage/src/rows/payload.rs)
    digest      BYTEA            NOT NULL, -- of all other columns but projected
    PRIMARY KEY (writer, sequence)
);
-- Rows are removed soon. The payloads are not compressed, since that costs more than it saves.
ALTER TABLE journal ALTER COLUMN payload SET STORAGE EXTERNAL;

-- One row per message. The standing (status … callback_data) is that of the notification with the greatest precedence,
-- or that of our own dispatch if no notification has been understood yet.
CREATE TABLE messages (
    correlation_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    dispatch       TEXT COLLATE "C",          -- the state of our dispatch; NULL: another system sent it
    channel        TEXT COLLATE "C",
    sender         TEXT COLLATE "C",
    recipient      TEXT COLLATE "C",          -- in the form of domain::Address
    transaction_id TEXT COLLATE "C",
    status         TEXT COLLATE "C" NOT NULL,
    precedence     BYTEA            NOT NULL, -- domain::Precedence, comparable; one byte for dispatch alone
    status_at      BIGINT           NOT NULL, -- 0: no readable time
    is_final       BIGINT           NOT NULL,
    failure        TEXT COLLATE "C",
    code           TEXT COLLATE "C",
    reason         TEXT COLLATE "C",
    segments       BIGINT,
    callback_data  TEXT COLLATE "C",
    created_at     BIGINT           NOT NULL,
    updated_at     BIGINT           NOT NULL
);
-- Each index serves one filter of the list, newest first (crates/storage/src/access_path.rs). Long texts are indexed by
-- their first 64 characters, since an index of Postgres cannot contain long ones.
CREATE INDEX messages_newest ON messages (created_at);
CREATE INDEX messages_recipient ON messages (recipient, created_at) WHERE recipient IS NOT NULL;
CREATE INDEX messages_callback ON messages (substr(callback_data, 1, 64), created_at) WHERE callback_data IS NOT NULL;
CREATE INDEX messages_code ON messages (substr(code, 1, 64), created_at) WHERE code IS NOT NULL;
CREATE INDEX messages_failure ON messages (failure, created_at) WHERE failure IS NOT NULL;
CREATE INDEX messages_channel ON messages (channel, status, is_final, created_at) WHERE channel IS NOT NULL;
CREATE INDEX messages_status ON messages (status, is_final, created_at);
CREATE INDEX messages_sent ON messages (created_at, substr(sender, 1, 64)) WHERE dispatch IS NOT NULL;
CREATE INDEX messages_observed ON messages (created_at) WHERE dispatch IS NULL;
-- Which statuses occur on which channel, so that the planner does not search for combinations that no message has.
CREATE STATISTICS messages_kinds (mcv) ON channel, status, is_final, failure FROM messages;

-- Recipients that notifications name in addition to messages.recipient.
CREATE TABLE recipients (
    correlation_id TEXT COLLATE "C" NOT NULL,
    recipient      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (correlation_id, recipient)
);
CREATE INDEX recipients_recipient ON recipients (recipient);

-- Another system may use one correlation id for several recipients. Then this table contains the standing for each of
-- them, and the status of the message is that of the worst-off recipient (crates/domain/src/recipients/mod.rs).
-- Messages with one recipient, and messages that receiptd sent, have no rows here.
CREATE TABLE recipient_standings (
    correlation_id TEXT COLLATE "C" NOT NULL,
    recipient      TEXT COLLATE "C" NOT NULL, -- '': not named; ' devices': any device, on push
    severity       BYTEA            NOT NULL, -- comparable; the greatest decides the status of the message
    is_open        BIGINT           NOT NULL, -- 1: this standing keeps the message from being final
    channel        TEXT COLLATE "C",
    transaction_id TEXT COLLATE "C",
    status         TEXT COLLATE "C" NOT NULL,
    precedence     BYTEA            NOT NULL, -- of the deciding notification of this recipient
    failure        TEXT COLLATE "C",
    code           TEXT COLLATE "C",
    reason         TEXT COLLATE "C",
    PRIMARY KEY (correlation_id, recipient)
);
CREATE INDEX recipient_standings_worst ON recipient_standings (correlation_id, severity);
CREATE INDEX recipient_standings_open ON recipient_standings (correlation_id, is_open) WHERE is_open = 1;

-- The contents of notifications, many in a row, compressed together (crates/storage/src/rows/block.rs).
CREATE TABLE notification_blocks (
    id            BIGINT NOT NULL GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    received_from BIGINT NOT NULL, -- when the first and the last of them arrived
    received_to   BIGINT NOT NULL,
    records       BIGINT NOT NULL, -- the number of notifications
    bodies        BIGINT NOT NULL, -- the number of those whose body is kept
    bodies_from   BIGINT,          -- when the first of these arrived
    size          BIGINT NOT NULL, -- before compression, in bytes
    payload       BYTEA  NOT NULL
);
-- Postgres would try to compress it again.
ALTER TABLE notification_blocks ALTER COLUMN payload SET STORAGE EXTERNAL;
-- Data is purged in the order of its arrival.
CREATE INDEX notification_blocks_oldest ON notification_blocks (received_from);
CREATE INDEX notification_blocks_bodies ON notification_blocks (bodies_from) WHERE bodies_from IS NOT NULL;
CREATE INDEX notification_blocks_newest ON notification_blocks (received_to);

-- One row per notification, however often it arrived.
CREATE TABLE notifications (
    correlation_id TEXT COLLATE "C" NOT NULL,
    fingerprint    BYTEA            NOT NULL,
    occurrences    BIGINT           NOT NULL,
    uncorrelated   BIGINT           NOT NULL, -- 1: without a correlation id; its transaction id decides its message
    transaction_id TEXT COLLATE "C",
    block          BIGINT           NOT NULL, -- where its content is
    position       BIGINT           NOT NULL,
    PRIMARY KEY (correlation_id, fingerprint)
);
CREATE UNIQUE INDEX notifications_block ON notifications (block, position);

-- The message that owns a transaction id. A real correlation id replaces `txn:…`.
CREATE TABLE transactions (
    transaction_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    correlation_id TEXT COLLATE "C" NOT NULL,
    formerly       TEXT COLLATE "C"           -- the previous owner, while the transaction that changes it runs
);

-- Messages to send. Waiting: due_at is set. In dispatch: lease_until is set. Done: neither is set.
CREATE TABLE outbox (
    correlation_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    salt           BIGINT           NOT NULL, -- random; the digest in the hash chain covers it
    channel        TEXT COLLATE "C" NOT NULL, -- each channel has its own queue
    request        TEXT COLLATE "C" NOT NULL, -- canonical JSON of the submission
    attempts       BIGINT           NOT NULL, -- all attempts; this identifies the current one
    settled        BIGINT           NOT NULL, -- the last attempt whose outcome is stored; 0: none
    counted        BIGINT           NOT NULL, -- the attempts that count towards the maximum
    due_at         BIGINT,
    lease_until    BIGINT,
    expire_at      BIGINT,                    -- not dispatched at this time or later
    CHECK (due_at IS NULL OR lease_until IS NULL)
);
CREATE INDEX outbox_due ON outbox (channel, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX outbox_expires ON outbox (expire_at) WHERE due_at IS NOT NULL AND expire_at IS NOT NULL;

-- The steps of our dispatch.
CREATE TABLE dispatch_events (
    correlation_id TEXT COLLATE "C" NOT NULL,
    step           BIGINT           NOT NULL, -- 1, 2, 3…
    salt           BIGINT           NOT NULL, -- random; the digest in the hash chain covers it
    at             BIGINT           NOT NULL,
    dispatch       TEXT COLLATE "C" NOT NULL,
    failure        TEXT COLLATE "C",          -- whether a rejection may be temporary
    code           TEXT COLLATE "C",
    reason         TEXT COLLATE "C",
    transaction_id TEXT COLLATE "C",
    attempts       BIGINT           NOT NULL, -- this and the following: the state of the outbox after the step
    settled        BIGINT           NOT NULL,
    counted        BIGINT           NOT NULL,
    due_at         BIGINT,
    lease_until    BIGINT,
    PRIMARY KEY (correlation_id, step)
);

-- The keys with which callers repeat a request without knowing the id of its message. A key is deleted with its
-- message.
CREATE TABLE idempotency_keys (
    actor          TEXT COLLATE "C" NOT NULL, -- the caller; keys of other callers are independent
    key            TEXT COLLATE "C" NOT NULL,
    correlation_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_keys_message ON idempotency_keys (correlation_id);

-- The number of messages with equal properties. Triggers maintain it in the same transaction as every change of a
-- message. The count is the sum over all slots.
CREATE TABLE counters (
    hour    BIGINT           NOT NULL, -- in which the message was first known: hours since 1970, UTC
    channel TEXT COLLATE "C" NOT NULL, -- '': none
    status  TEXT COLLATE "C" NOT NULL,
    code    TEXT COLLATE "C" NOT NULL, -- its first 64 characters; '': none
    sender  TEXT COLLATE "C" NOT NULL, -- the same of a message that receiptd sent; '': another system sent it
    slot    BIGINT           NOT NULL, -- concurrent writers count in different slots
    count   BIGINT           NOT NULL,
    PRIMARY KEY (hour, channel, status, code, sender, slot)
);

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
        INSERT INTO counters (hour, channel, status, code, sender, slot, count)
        SELECT created_at / 3600000000, COALESCE(channel, ''), status, COALESCE(substr(code, 1, 64), ''),
            COALESCE(substr(sender, 1, 64), ''), (SELECT counting_slot()), COUNT(*)
        FROM now_there GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT (hour, channel, status, code, sender, slot) DO UPDATE SET count = counters.count + excluded.count;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO counters (hour, channel, status, code, sender, slot, count)
        SELECT created_at / 3600000000, COALESCE(channel, ''), status, COALESCE(substr(code, 1, 64), ''),
            COALESCE(substr(sender, 1, 64), ''), (SELECT counting_slot()), -COUNT(*)
        FROM formerly_there GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT (hour, channel, status, code, sender, slot) DO UPDATE SET count = counters.count + excluded.count;
    ELSE
        INSERT INTO counters (hour, channel, status, code, sender, slot, count)
        SELECT hour, channel, status, code, sender, (SELECT counting_slot()), SUM(change)
        FROM (
            SELECT created_at / 3600000000 AS hour, COALESCE(channel, '') AS channel, status,
                COALESCE(substr(code, 1, 64), '') AS code, COALESCE(substr(sender, 1, 64), '') AS sender, 1 AS change
            FROM now_there
            UNION ALL
            SELECT created_at / 3600000000, COALESCE(channel, ''), status, COALESCE(substr(code, 1, 64), ''),
                COALESCE(substr(sender, 1, 64), ''), -1
            FROM formerly_there
        ) AS changes
        GROUP BY 1, 2, 3, 4, 5 HAVING SUM(change) <> 0
        ON CONFLICT (hour, channel, status, code, sender, slot) DO UPDATE SET count = counters.count + excluded.count;
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

-- Every change of a message's status. A status can become final without changing, and a message can have failed without
-- being final.
--
-- The number is drawn while the row of the message is locked, so the events of one message are in order. This is not
-- the order of the commits: a number that is drawn early may be committed late. So before a transaction draws numbers,
-- it announces the first one with an advisory lock, which ends with the transaction. Readers stop before that number.
CREATE TABLE status_events (
    seq            BIGINT           NOT NULL PRIMARY KEY,
    correlation_id TEXT COLLATE "C" NOT NULL,
    is_sent        BIGINT           NOT NULL, -- 1: receiptd sent the message
    channel        TEXT COLLATE "C",
    status         TEXT COLLATE "C" NOT NULL,
    status_at      BIGINT           NOT NULL, -- as in messages
    is_final       BIGINT           NOT NULL,
    failure        TEXT COLLATE "C",
    code           TEXT COLLATE "C",
    reason         TEXT COLLATE "C",
    changed_at     BIGINT           NOT NULL, -- messages.updated_at
    replaced_by    TEXT COLLATE "C"           -- the message that took over this one, which is gone
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

-- Successive status events that the hash chain covers: those after the first number, up to the second. Events are sealed
-- soon after they were written.
CREATE TABLE status_event_seals (
    up_to        BIGINT NOT NULL PRIMARY KEY,
    begins_after BIGINT NOT NULL
);

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
    INSERT INTO status_events (seq, correlation_id, is_sent, channel, status, status_at, is_final, failure, code,
        reason, changed_at)
    SELECT nextval('status_events_seq'), n.correlation_id, (n.dispatch IS NOT NULL)::int, n.channel, n.status,
        n.status_at, n.is_final, n.failure, n.code, n.reason, n.updated_at
    FROM now_so n;
    RETURN NULL;
END $$;

-- The plan is made for the first batch, which may be small, and is then reused. A nested loop would be slow for a large
-- batch.
CREATE FUNCTION note_changed_messages() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
    PERFORM announce_changes();
    INSERT INTO status_events (seq, correlation_id, is_sent, channel, status, status_at, is_final, failure, code,
        reason, changed_at)
    SELECT nextval('status_events_seq'), n.correlation_id, (n.dispatch IS NOT NULL)::int, n.channel, n.status,
        n.status_at, n.is_final, n.failure, n.code, n.reason, n.updated_at
    FROM now_so n JOIN formerly o ON o.correlation_id = n.correlation_id
    WHERE n.status <> o.status OR n.is_final <> o.is_final;
    RETURN NULL;
END $$;

CREATE TRIGGER messages_new AFTER INSERT ON messages
REFERENCING NEW TABLE AS now_so FOR EACH STATEMENT EXECUTE FUNCTION note_new_messages();

CREATE TRIGGER messages_changed AFTER UPDATE ON messages
REFERENCING OLD TABLE AS formerly NEW TABLE AS now_so FOR EACH STATEMENT EXECUTE FUNCTION note_changed_messages();

-- Customers' own messages and events, once each.
CREATE TABLE inbound (
    fingerprint    BYTEA            NOT NULL PRIMARY KEY,
    salt           BIGINT           NOT NULL, -- random; the digest in the hash chain covers it
    received_at    BIGINT           NOT NULL,
    source         TEXT COLLATE "C" NOT NULL, -- the way of arrival, as for notifications
    occurrences    BIGINT           NOT NULL,
    channel        TEXT COLLATE "C",
    event          TEXT COLLATE "C" NOT NULL,
    sender         TEXT COLLATE "C",
    transaction_id TEXT COLLATE "C",
    body           BYTEA            NOT NULL,
    signature      BYTEA -- the platform's, if the body came with one
);
CREATE INDEX inbound_newest ON inbound (received_at, fingerprint);
-- To find the messages of a customer.
CREATE INDEX inbound_sender ON inbound (sender);

-- Authenticated requests that could not be understood, once each.
CREATE TABLE quarantine (
    fingerprint BYTEA            NOT NULL PRIMARY KEY,
    salt        BIGINT           NOT NULL, -- random; the digest in the hash chain covers it
    received_at BIGINT           NOT NULL,
    source      TEXT COLLATE "C" NOT NULL, -- the way of arrival, as for notifications
    occurrences BIGINT           NOT NULL,
    reason      TEXT COLLATE "C" NOT NULL,
    body        BYTEA            NOT NULL,
    signature   BYTEA -- the platform's, if the body came with one
);
CREATE INDEX quarantine_newest ON quarantine (received_at, fingerprint);

-- The tamper-evident hash chain (crates/domain/src/hash_chain.rs): one link per commit, in as many chains as there were
-- concurrent writers.
CREATE TABLE links (
    writer      BYTEA  NOT NULL, -- the writer of the chain
    sequence    BIGINT NOT NULL, -- 1, 2, 3…
    hash        BYTEA  NOT NULL, -- SHA-256 of the previous link and of all following columns
    changes     BYTEA  NOT NULL, -- the row changes, as digests
    checkpoints BYTEA,           -- the last links of other chains; NULL: none
    signature   BYTEA,           -- of the hash; NULL: the writer has no key
    PRIMARY KEY (writer, sequence)
);
CREATE INDEX links_checkpoints ON links (writer, sequence) WHERE checkpoints IS NOT NULL;
-- To see whether the store has a key already.
CREATE INDEX links_signed ON links (writer) WHERE sequence = 1 AND signature IS NOT NULL;

-- Values that do not follow from stored notifications any more, since these were purged or a person was erased from them.
-- The hash chain contains a digest of each, which every later change renews (crates/storage/src/sql/attestations.rs).
CREATE TABLE attestations (
    correlation_id TEXT COLLATE "C" NOT NULL,
    transaction_id TEXT COLLATE "C" NOT NULL, -- '': the message with its recipients; else: this row of transactions
    PRIMARY KEY (correlation_id, transaction_id)
);

-- Who did what. An action that is repeated within a minute is one row with a count.
CREATE TABLE audit_log (
    id      BYTEA            NOT NULL PRIMARY KEY,
    at      BIGINT           NOT NULL,
    actor   TEXT COLLATE "C" NOT NULL, -- on the command line, the name that the user claims
    os_user TEXT COLLATE "C",          -- the operating system user who ran the command line
    action  TEXT COLLATE "C" NOT NULL,
    count   BIGINT           NOT NULL,
    details TEXT COLLATE "C"
);
CREATE INDEX audit_log_newest ON audit_log (at, id);
-- To see when the store was last verified.
CREATE INDEX audit_log_verified ON audit_log (at, id) WHERE action = 'verified';

-- One row, which is rewritten to check whether the store can commit.
CREATE TABLE heartbeat (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    at BIGINT NOT NULL
);

-- Sessions of people in a browser. Each began with an API token, and ends with it.
CREATE TABLE sessions (
    id        BYTEA            NOT NULL PRIMARY KEY, -- SHA-256 of the random id in the cookie
    token     TEXT COLLATE "C" NOT NULL,             -- the name of the token
    proof     BYTEA            NOT NULL,             -- HMAC of the token's secret, with the id in the cookie as its key
    opened_at BIGINT           NOT NULL,
    used_at   BIGINT           NOT NULL              -- the last use, to the minute
);

-- The filters of a list that a person saved under a name.
CREATE TABLE saved_views (
    id       BIGINT           NOT NULL PRIMARY KEY, -- random
    owner    TEXT COLLATE "C" NOT NULL,             -- the name of the token that saved it, or of the user of the command line
    list     TEXT COLLATE "C" NOT NULL,             -- messages, failures, audit
    name     TEXT COLLATE "C" NOT NULL,
    filter   TEXT COLLATE "C" NOT NULL,             -- a JSON object: the filters by their names in the API
    saved_at BIGINT           NOT NULL
);
CREATE UNIQUE INDEX saved_views_name ON saved_views (owner, list, name);

-- The keys with which receiptd encrypts what it hands out. Each is made once, and is the same on every instance.
CREATE TABLE keys (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- what it is for
    key  BYTEA            NOT NULL
);
