-- The tamper-evident hash chain (crates/domain/src/hash_chain.rs): one link per commit, in as many chains as there were
-- concurrent writers.
CREATE TABLE links (
    writer   BYTEA  NOT NULL, -- the writer of the chain
    sequence BIGINT NOT NULL, -- 1, 2, 3…
    hash     BYTEA  NOT NULL, -- SHA-256 of the previous link and of all following columns
    changes  BYTEA  NOT NULL, -- the row changes, as digests
    checkpoints BYTEA,           -- the last links of other chains; NULL: none
    PRIMARY KEY (writer, sequence)
);
CREATE INDEX links_checkpoints ON links (writer, sequence) WHERE checkpoints IS NOT NULL;

-- Who did what. An action that is repeated within a minute is one row with a count.
CREATE TABLE audit_log (
    id      BYTEA  NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT COLLATE "C" NOT NULL,
    action    TEXT COLLATE "C" NOT NULL,
    count   BIGINT NOT NULL,
    details TEXT COLLATE "C"
);
CREATE INDEX audit_log_newest ON audit_log (at, id);

-- Data is purged in the order of its arrival.
CREATE INDEX notifications_oldest ON notifications (received_at);
-- To find the messages of a customer.
CREATE INDEX inbound_sender ON inbound (sender);

-- The progress of adding the rows of an earlier version to the hash chain: the rows of all messages after this one are
-- missing. Without a row, nothing is missing.
CREATE TABLE backfill (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    chained TEXT COLLATE "C" NOT NULL -- everything up to this correlation id is chained
);
INSERT INTO backfill (id, chained) SELECT 1, '' WHERE EXISTS (SELECT 1 FROM messages);
