-- Texts are compared by their bytes (COLLATE "C"), as in SQLite, whatever the locale of the database.

-- One row per message. The standing (status … callback_data) is that of the notification with the greatest precedence,
-- or that of our own dispatch if no notification has been understood yet.
CREATE TABLE messages (
    correlation_id TEXT COLLATE "C"   NOT NULL PRIMARY KEY,
    dispatch       TEXT COLLATE "C",            -- the state of our dispatch; NULL: another system sent it
    channel        TEXT COLLATE "C",
    sender         TEXT COLLATE "C",
    recipient      TEXT COLLATE "C",            -- in the form of domain::Address
    transaction_id TEXT COLLATE "C",
    status         TEXT COLLATE "C"   NOT NULL,
    precedence     BYTEA  NOT NULL, -- domain::Precedence, comparable; one byte for dispatch alone
    status_at      BIGINT NOT NULL, -- times are microseconds since 1970, UTC; 0: no readable time
    is_final       BIGINT NOT NULL,
    failure        TEXT COLLATE "C",
    code           TEXT COLLATE "C",
    reason         TEXT COLLATE "C",
    segments       BIGINT,
    callback_data  TEXT COLLATE "C",
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);
CREATE INDEX messages_newest ON messages (created_at, correlation_id);
CREATE INDEX messages_recipient ON messages (recipient);

-- One row per notification, however often it arrived.
CREATE TABLE notifications (
    correlation_id TEXT COLLATE "C"   NOT NULL,
    fingerprint    BYTEA  NOT NULL,
    received_at    BIGINT NOT NULL,
    source         TEXT COLLATE "C"   NOT NULL,
    occurrences BIGINT NOT NULL,
    uncorrelated   BIGINT NOT NULL, -- 1: without a correlation id; its transaction id decides its message
    transaction_id TEXT COLLATE "C",
    channel        TEXT COLLATE "C",
    recipient      TEXT COLLATE "C",
    event          TEXT COLLATE "C"   NOT NULL,
    failure        TEXT COLLATE "C",
    status_text    TEXT COLLATE "C"   NOT NULL,
    code           TEXT COLLATE "C",
    reason         TEXT COLLATE "C",
    detail         TEXT COLLATE "C",
    event_at       BIGINT,
    segments       BIGINT,
    callback_data  TEXT COLLATE "C",
    body           BYTEA  NOT NULL, -- as it was posted
    PRIMARY KEY (correlation_id, fingerprint)
);

-- The message that owns a transaction id. A real correlation id replaces `txn:…`.
CREATE TABLE transactions (
    transaction_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    correlation_id TEXT COLLATE "C" NOT NULL,
    formerly       TEXT COLLATE "C"             -- the previous owner
);

-- Recipients that notifications name in addition to messages.recipient.
CREATE TABLE recipients (
    correlation_id TEXT COLLATE "C" NOT NULL,
    recipient      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (correlation_id, recipient)
);
CREATE INDEX recipients_recipient ON recipients (recipient);

-- Customers' own messages and events, once each.
CREATE TABLE inbound (
    fingerprint    BYTEA  NOT NULL PRIMARY KEY,
    received_at    BIGINT NOT NULL,
    occurrences BIGINT NOT NULL,
    channel        TEXT COLLATE "C",
    event          TEXT COLLATE "C"   NOT NULL,
    sender         TEXT COLLATE "C",
    transaction_id TEXT COLLATE "C",
    body           BYTEA  NOT NULL
);
CREATE INDEX inbound_newest ON inbound (received_at, fingerprint);

-- Authenticated requests that could not be understood, once each.
CREATE TABLE quarantine (
    fingerprint BYTEA  NOT NULL PRIMARY KEY,
    received_at BIGINT NOT NULL,
    occurrences BIGINT NOT NULL,
    reason      TEXT COLLATE "C"   NOT NULL,
    body        BYTEA  NOT NULL
);
CREATE INDEX quarantine_newest ON quarantine (received_at, fingerprint);

-- Messages to send. Waiting: due_at is set. In dispatch: lease_until is set. Done: neither is set.
CREATE TABLE outbox (
    correlation_id TEXT COLLATE "C"   NOT NULL PRIMARY KEY,
    request        TEXT COLLATE "C"   NOT NULL, -- canonical JSON of the submission
    attempts       BIGINT NOT NULL,
    due_at         BIGINT,
    lease_until    BIGINT,
    CHECK (due_at IS NULL OR lease_until IS NULL)
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE lease_until IS NOT NULL;

-- The steps of our dispatch.
CREATE TABLE dispatch_events (
    correlation_id TEXT COLLATE "C"   NOT NULL,
    step           BIGINT NOT NULL, -- 1, 2, 3…
    at             BIGINT NOT NULL,
    dispatch       TEXT COLLATE "C"   NOT NULL,
    code           TEXT COLLATE "C",
    reason         TEXT COLLATE "C",
    transaction_id TEXT COLLATE "C",
    PRIMARY KEY (correlation_id, step)
);

-- One row, which is rewritten to check whether the store can commit.
CREATE TABLE heartbeat (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    at BIGINT NOT NULL
);
