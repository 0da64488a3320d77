-- Times are microseconds since 1970, UTC.

-- What was acknowledged and is not projected yet: one row per group commit. The projection removes it in the
-- transaction in which it stores the notifications.
CREATE TABLE journal (
    writer      BLOB   NOT NULL, -- the instance that appended it
    sequence    BIGINT NOT NULL, -- 1, 2, 3…
    appended_at BIGINT NOT NULL,
    zone        TEXT   NOT NULL, -- for times without an offset: the tenant's time zone then
    records     BIGINT NOT NULL, -- the number of bodies in the payload
    projected   BIGINT NOT NULL, -- how many of them are projected: the first ones
    size        BIGINT NOT NULL, -- of the records, in bytes
    payload     BLOB   NOT NULL, -- the records (crates/domain/src/journal.rs), compressed (crates/storage/src/rows/payload.rs)
    digest      BLOB   NOT NULL, -- of all other columns but projected
    PRIMARY KEY (writer, sequence)
);

-- One row per message. The standing (status … callback_data) is that of the notification with the greatest precedence,
-- or that of our own dispatch if no notification has been understood yet.
CREATE TABLE messages (
    correlation_id TEXT   NOT NULL PRIMARY KEY,
    dispatch       TEXT,            -- the state of our dispatch; NULL: another system sent it
    channel        TEXT,
    sender         TEXT,
    recipient      TEXT,            -- in the form of domain::Address
    transaction_id TEXT,
    status         TEXT   NOT NULL,
    precedence     BLOB   NOT NULL, -- domain::Precedence, comparable; one byte for dispatch alone
    status_at      BIGINT NOT NULL, -- 0: no readable time
    is_final       BIGINT NOT NULL,
    failure        TEXT,
    code           TEXT,
    reason         TEXT,
    segments       BIGINT,
    callback_data  TEXT,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
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

-- Recipients that notifications name in addition to messages.recipient.
CREATE TABLE recipients (
    correlation_id TEXT NOT NULL,
    recipient      TEXT NOT NULL,
    PRIMARY KEY (correlation_id, recipient)
) WITHOUT ROWID;
CREATE INDEX recipients_recipient ON recipients (recipient);

-- Another system may use one correlation id for several recipients. Then this table contains the standing for each of
-- them, and the status of the message is that of the worst-off recipient (crates/domain/src/recipients/mod.rs).
-- Messages with one recipient, and messages that receiptd sent, have no rows here.
CREATE TABLE recipient_standings (
    correlation_id TEXT   NOT NULL,
    recipient      TEXT   NOT NULL, -- '': not named; ' devices': any device, on push
    severity       BLOB   NOT NULL, -- comparable; the greatest decides the status of the message
    is_open        BIGINT NOT NULL, -- 1: this standing keeps the message from being final
    channel        TEXT,
    transaction_id TEXT,
    status         TEXT   NOT NULL,
    precedence     BLOB   NOT NULL, -- of the deciding notification of this recipient
    failure        TEXT,
    code           TEXT,
    reason         TEXT,
    PRIMARY KEY (correlation_id, recipient)
) WITHOUT ROWID;
CREATE INDEX recipient_standings_worst ON recipient_standings (correlation_id, severity);
CREATE INDEX recipient_standings_open ON recipient_standings (correlation_id, is_open) WHERE is_open = 1;

-- The contents of notifications, many in a row, compressed together (crates/storage/src/rows/block.rs).
CREATE TABLE notification_blocks (
    id            INTEGER PRIMARY KEY,
    received_from BIGINT NOT NULL, -- when the first and the last of them arrived
    received_to   BIGINT NOT NULL,
    records       BIGINT NOT NULL, -- the number of notifications
    bodies        BIGINT NOT NULL, -- the number of those whose body is kept
    bodies_from   BIGINT,          -- when the first of these arrived
    size          BIGINT NOT NULL, -- before compression, in bytes
    payload       BLOB   NOT NULL
);
-- Data is purged in the order of its arrival.
CREATE INDEX notification_blocks_oldest ON notification_blocks (received_from);
CREATE INDEX notification_blocks_bodies ON notification_blocks (bodies_from) WHERE bodies_from IS NOT NULL;
CREATE INDEX notification_blocks_newest ON notification_blocks (received_to);

-- One row per notification, however often it arrived.
CREATE TABLE notifications (
    correlation_id TEXT   NOT NULL,
    fingerprint    BLOB   NOT NULL,
    occurrences    BIGINT NOT NULL,
    uncorrelated   BIGINT NOT NULL, -- 1: without a correlation id; its transaction id decides its message
    transaction_id TEXT,
    block          BIGINT NOT NULL, -- where its content is
    position       BIGINT NOT NULL,
    PRIMARY KEY (correlation_id, fingerprint)
);
CREATE UNIQUE INDEX notifications_block ON notifications (block, position);

-- The message that owns a transaction id. A real correlation id replaces `txn:…`.
CREATE TABLE transactions (
    transaction_id TEXT NOT NULL PRIMARY KEY,
    correlation_id TEXT NOT NULL,
    formerly       TEXT           -- the previous owner, while the transaction that changes it runs
) WITHOUT ROWID;

-- Messages to send. Waiting: due_at is set. In dispatch: lease_until is set. Done: neither is set.
CREATE TABLE outbox (
    correlation_id TEXT   NOT NULL PRIMARY KEY,
    salt           BIGINT NOT NULL, -- random; the digest in the hash chain covers it
    channel        TEXT   NOT NULL, -- each channel has its own queue
    request        TEXT   NOT NULL, -- canonical JSON of the submission
    attempts       BIGINT NOT NULL, -- all attempts; this identifies the current one
    settled        BIGINT NOT NULL, -- the last attempt whose outcome is stored; 0: none
    counted        BIGINT NOT NULL, -- the attempts that count towards the maximum
    due_at         BIGINT,
    lease_until    BIGINT,
    expire_at      BIGINT,          -- not dispatched at this time or later
    CHECK (due_at IS NULL OR lease_until IS NULL)
);
CREATE INDEX outbox_due ON outbox (channel, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX outbox_expires ON outbox (expire_at) WHERE due_at IS NOT NULL AND expire_at IS NOT NULL;

-- The steps of our dispatch.
CREATE TABLE dispatch_events (
    correlation_id TEXT   NOT NULL,
    step           BIGINT NOT NULL, -- 1, 2, 3…
    salt           BIGINT NOT NULL, -- random; the digest in the hash chain covers it
    at             BIGINT NOT NULL,
    dispatch       TEXT   NOT NULL,
    failure        TEXT,            -- whether a rejection may be temporary
    code           TEXT,
    reason         TEXT,
    transaction_id TEXT,
    attempts       BIGINT NOT NULL, -- this and the following: the state of the outbox after the step
    settled        BIGINT NOT NULL,
    counted        BIGINT NOT NULL,
    due_at         BIGINT,
    lease_until    BIGINT,
    PRIMARY KEY (correlation_id, step)
) WITHOUT ROWID;

-- The keys with which callers repeat a request without knowing the id of its message. A key is deleted with its
-- message.
CREATE TABLE idempotency_keys (
    actor          TEXT NOT NULL, -- the caller; keys of other callers are independent
    key            TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    PRIMARY KEY (actor, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_keys_message ON idempotency_keys (correlation_id);

-- The number of messages with equal properties. Triggers maintain it in the same transaction as every change of a
-- message. The count is the sum over all slots.
CREATE TABLE counters (
    hour    BIGINT NOT NULL, -- in which the message was first known: hours since 1970, UTC
    channel TEXT   NOT NULL, -- '': none
    status  TEXT   NOT NULL,
    code    TEXT   NOT NULL, -- its first 64 characters; '': none
    sender  TEXT   NOT NULL, -- the same of a message that receiptd sent; '': another system sent it
    slot    BIGINT NOT NULL, -- on Postgres, concurrent writers count in different slots
    count   BIGINT NOT NULL,
    PRIMARY KEY (hour, channel, status, code, sender, slot)
) WITHOUT ROWID;

-- Every change of a message's status, in the order of the commits, since there is one writer. A status can become final
-- without changing, and a message can have failed without being final.
CREATE TABLE status_events (
    seq            BIGINT NOT NULL PRIMARY KEY,
    correlation_id TEXT   NOT NULL,
    is_sent        BIGINT NOT NULL, -- 1: receiptd sent the message
    channel        TEXT,
    status         TEXT   NOT NULL,
    status_at      BIGINT NOT NULL, -- as in messages
    is_final       BIGINT NOT NULL,
    failure        TEXT,
    code           TEXT,
    reason         TEXT,
    changed_at     BIGINT NOT NULL, -- messages.updated_at
    replaced_by    TEXT             -- the message that took over this one, which is gone
) WITHOUT ROWID;

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
) WITHOUT ROWID;

-- What the running transaction has changed in messages. Its commit adds this to counters and status_events, in a few statements
-- for all rows, and empties the table (crates/storage/src/sqlite/backend.rs).
CREATE TABLE message_changes (
    id             INTEGER PRIMARY KEY, -- in the order of the changes
    was_created_at BIGINT,              -- before the change; NULL: the message is new
    was_channel    TEXT,
    was_status     TEXT,
    was_code       TEXT,
    was_sender     TEXT,
    created_at     BIGINT,              -- after the change; NULL: the message was removed
    channel        TEXT,
    status         TEXT,
    code           TEXT,
    sender         TEXT,
    is_event       BIGINT NOT NULL,     -- 1: it is a status event, with the following values
    correlation_id TEXT,
    is_sent        BIGINT,
    status_at      BIGINT,
    is_final       BIGINT,
    failure        TEXT,
    reason         TEXT,
    changed_at     BIGINT,
    replaced_by    TEXT
);

CREATE TRIGGER messages_inserted AFTER INSERT ON messages BEGIN
    INSERT INTO message_changes (created_at, channel, status, code, sender, is_event, correlation_id, is_sent, status_at, is_final,
        failure, reason, changed_at)
    VALUES (NEW.created_at, NEW.channel, NEW.status, NEW.code, NEW.sender, 1, NEW.correlation_id, NEW.dispatch IS NOT NULL, NEW.status_at,
        NEW.is_final, NEW.failure, NEW.reason, NEW.updated_at);
END;

CREATE TRIGGER messages_updated AFTER UPDATE OF created_at, channel, status, code, is_final ON messages
WHEN OLD.status <> NEW.status OR OLD.is_final <> NEW.is_final OR OLD.code IS NOT NEW.code
    OR OLD.channel IS NOT NEW.channel OR OLD.created_at <> NEW.created_at BEGIN
    INSERT INTO message_changes (was_created_at, was_channel, was_status, was_code, was_sender, created_at, channel, status, code,
        sender, is_event, correlation_id, is_sent, status_at, is_final, failure, reason, changed_at)
    VALUES (OLD.created_at, OLD.channel, OLD.status, OLD.code, OLD.sender, NEW.created_at, NEW.channel, NEW.status, NEW.code,
        NEW.sender, OLD.status <> NEW.status OR OLD.is_final <> NEW.is_final, NEW.correlation_id, NEW.dispatch IS NOT NULL,
        NEW.status_at, NEW.is_final, NEW.failure, NEW.reason, NEW.updated_at);
END;

CREATE TRIGGER messages_deleted AFTER DELETE ON messages BEGIN
    INSERT INTO message_changes (was_created_at, was_channel, was_status, was_code, was_sender, is_event)
    VALUES (OLD.created_at, OLD.channel, OLD.status, OLD.code, OLD.sender, 0);
END;

-- Customers' own messages and events, once each.
CREATE TABLE inbound (
    fingerprint    BLOB   NOT NULL PRIMARY KEY,
    salt           BIGINT NOT NULL, -- random; the digest in the hash chain covers it
    received_at    BIGINT NOT NULL,
    source         TEXT   NOT NULL, -- the way of arrival, as for notifications
    occurrences    BIGINT NOT NULL,
    channel        TEXT,
    event          TEXT   NOT NULL,
    sender         TEXT,
    transaction_id TEXT,
    body           BLOB   NOT NULL,
    signature      BLOB -- the platform's, if the body came with one
);
CREATE INDEX inbound_newest ON inbound (received_at, fingerprint);
-- To find the messages of a customer.
CREATE INDEX inbound_sender ON inbound (sender);

-- Authenticated requests that could not be understood, once each.
CREATE TABLE quarantine (
    fingerprint BLOB   NOT NULL PRIMARY KEY,
    salt        BIGINT NOT NULL, -- random; the digest in the hash chain covers it
    received_at BIGINT NOT NULL,
    source      TEXT   NOT NULL, -- the way of arrival, as for notifications
    occurrences BIGINT NOT NULL,
    reason      TEXT   NOT NULL,
    body        BLOB   NOT NULL,
    signature   BLOB -- the platform's, if the body came with one
);
CREATE INDEX quarantine_newest ON quarantine (received_at, fingerprint);

-- The tamper-evident hash chain (crates/domain/src/hash_chain.rs): one link per commit, in as many chains as there were
-- concurrent writers.
CREATE TABLE links (
    writer      BLOB   NOT NULL, -- the writer of the chain
    sequence    BIGINT NOT NULL, -- 1, 2, 3…
    hash        BLOB   NOT NULL, -- SHA-256 of the previous link and of all following columns
    changes     BLOB   NOT NULL, -- the row changes, as digests
    checkpoints BLOB,            -- the last links of other chains; NULL: none
    signature   BLOB ,           -- of the hash; NULL: the writer has no key
    PRIMARY KEY (writer, sequence)
);
CREATE INDEX links_checkpoints ON links (writer, sequence) WHERE checkpoints IS NOT NULL;
-- To see whether the store has a key already.
CREATE INDEX links_signed ON links (writer) WHERE sequence = 1 AND signature IS NOT NULL;

-- Values that do not follow from stored notifications any more, since these were purged or a person was erased from them.
-- The hash chain contains a digest of each, which every later change renews (crates/storage/src/sql/attestations.rs).
CREATE TABLE attestations (
    correlation_id TEXT NOT NULL,
    transaction_id TEXT NOT NULL, -- '': the message with its recipients; else: this row of transactions
    PRIMARY KEY (correlation_id, transaction_id)
) WITHOUT ROWID;

-- Who did what. An action that is repeated within a minute is one row with a count.
CREATE TABLE audit_log (
    id      BLOB   NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT   NOT NULL, -- on the command line, the name that the user claims
    os_user TEXT,            -- the operating system user who ran the command line
    action  TEXT   NOT NULL,
    count   BIGINT NOT NULL,
    details TEXT
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
    id        BLOB   NOT NULL PRIMARY KEY, -- SHA-256 of the random id in the cookie
    token     TEXT   NOT NULL,             -- the name of the token
    proof     BLOB   NOT NULL,             -- HMAC of the token's secret, with the id in the cookie as its key
    opened_at BIGINT NOT NULL,
    used_at   BIGINT NOT NULL              -- the last use, to the minute
);

-- The filters of a list that a person saved under a name.
CREATE TABLE saved_views (
    id       BIGINT NOT NULL PRIMARY KEY, -- random
    owner    TEXT   NOT NULL,             -- the name of the token that saved it, or of the user of the command line
    list     TEXT   NOT NULL,             -- messages, failures, audit
    name     TEXT   NOT NULL,
    filter   TEXT   NOT NULL,             -- a JSON object: the filters by their names in the API
    saved_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX saved_views_name ON saved_views (owner, list, name);

-- The keys with which receiptd encrypts what it hands out. Each is made once, and is the same on every instance.
CREATE TABLE keys (
    name TEXT NOT NULL PRIMARY KEY, -- what it is for
    key  BLOB NOT NULL
);
