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
    status_at      BIGINT NOT NULL, -- times are microseconds since 1970, UTC; 0: no readable time
    is_final       BIGINT NOT NULL,
    failure        TEXT,
    code           TEXT,
    reason         TEXT,
    segments       BIGINT,
    callback_data  TEXT,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);
CREATE INDEX messages_newest ON messages (created_at, correlation_id);
CREATE INDEX messages_recipient ON messages (recipient);

-- One row per notification, however often it arrived.
CREATE TABLE notifications (
    correlation_id TEXT   NOT NULL,
    fingerprint    BLOB   NOT NULL,
    received_at    BIGINT NOT NULL,
    source         TEXT   NOT NULL,
    occurrences BIGINT NOT NULL,
    uncorrelated   BIGINT NOT NULL, -- 1: without a correlation id; its transaction id decides its message
    transaction_id TEXT,
    channel        TEXT,
    recipient      TEXT,
    event          TEXT   NOT NULL,
    failure        TEXT,
    status_text    TEXT   NOT NULL,
    code           TEXT,
    reason         TEXT,
    detail         TEXT,
    event_at       BIGINT,
    segments       BIGINT,
    callback_data  TEXT,
    body           BLOB   NOT NULL, -- as it was posted
    PRIMARY KEY (correlation_id, fingerprint)
);

-- The message that owns a transaction id. A real correlation id replaces `txn:…`.
CREATE TABLE transactions (
    transaction_id TEXT NOT NULL PRIMARY KEY,
    correlation_id TEXT NOT NULL,
    formerly       TEXT             -- the previous owner
) WITHOUT ROWID;

-- Recipients that notifications name in addition to messages.recipient.
CREATE TABLE recipients (
    correlation_id TEXT NOT NULL,
    recipient      TEXT NOT NULL,
    PRIMARY KEY (correlation_id, recipient)
) WITHOUT ROWID;
CREATE INDEX recipients_recipient ON recipients (recipient);

-- Customers' own messages and events, once each.
CREATE TABLE inbound (
    fingerprint    BLOB   NOT NULL PRIMARY KEY,
    received_at    BIGINT NOT NULL,
    occurrences BIGINT NOT NULL,
    channel        TEXT,
    event          TEXT   NOT NULL,
    sender         TEXT,
    transaction_id TEXT,
    body           BLOB   NOT NULL
);
CREATE INDEX inbound_newest ON inbound (received_at, fingerprint);

-- Authenticated requests that could not be understood, once each.
CREATE TABLE quarantine (
    fingerprint BLOB   NOT NULL PRIMARY KEY,
    received_at BIGINT NOT NULL,
    occurrences BIGINT NOT NULL,
    reason      TEXT   NOT NULL,
    body        BLOB   NOT NULL
);
CREATE INDEX quarantine_newest ON quarantine (received_at, fingerprint);

-- Messages to send. Waiting: due_at is set. In dispatch: lease_until is set. Done: neither is set.
CREATE TABLE outbox (
    correlation_id TEXT   NOT NULL PRIMARY KEY,
    request        TEXT   NOT NULL, -- canonical JSON of the submission
    attempts       BIGINT NOT NULL,
    due_at         BIGINT,
    lease_until    BIGINT,
    CHECK (due_at IS NULL OR lease_until IS NULL)
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE lease_until IS NOT NULL;

-- The steps of our dispatch.
CREATE TABLE dispatch_events (
    correlation_id TEXT   NOT NULL,
    step           BIGINT NOT NULL, -- 1, 2, 3…
    at             BIGINT NOT NULL,
    dispatch       TEXT   NOT NULL,
    code           TEXT,
    reason         TEXT,
    transaction_id TEXT,
    PRIMARY KEY (correlation_id, step)
) WITHOUT ROWID;

-- One row, which is rewritten to check whether the store can commit.
CREATE TABLE heartbeat (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    at BIGINT NOT NULL
);
