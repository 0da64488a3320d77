-- The tamper-evident chain (crates/domain/src/hash_chain.rs): one link a commit, in as many chains as there were writers at one time.
CREATE TABLE links (
    writer   BLOB  NOT NULL, -- whose chain
    sequence BIGINT NOT NULL, -- 1, 2, 3…
    hash     BLOB  NOT NULL, -- SHA-256 over the link before and all that follows here
    changes  BLOB  NOT NULL, -- what became of which rows, as digests
    checkpoints BLOB,           -- where other chains stood; NULL: none are named
    PRIMARY KEY (writer, sequence)
);
CREATE INDEX links_checkpoints ON links (writer, sequence) WHERE checkpoints IS NOT NULL;

-- Who did what. What is done often in a minute is one row with a count.
CREATE TABLE audit_log (
    id      BLOB  NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT   NOT NULL,
    action    TEXT   NOT NULL,
    count   BIGINT NOT NULL,
    details TEXT
);
CREATE INDEX audit_log_newest ON audit_log (at, id);

-- What is kept for a time goes in the order in which it came.
CREATE INDEX notifications_oldest ON notifications (received_at);
-- What is known of a customer.
CREATE INDEX inbound_sender ON inbound (sender);

-- What an earlier version stored is yet to be chained: the rows of all messages after this one. No row: nothing is.
CREATE TABLE backfill (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    chained TEXT   NOT NULL -- up to this correlation id everything is
);
INSERT INTO backfill (id, chained) SELECT 1, '' WHERE EXISTS (SELECT 1 FROM messages);
