-- The keys with which callers repeat a request without knowing the id of its message. A key is deleted with its
-- message.
CREATE TABLE idempotency_keys (
    actor          TEXT COLLATE "C" NOT NULL, -- the caller; keys of other callers are independent
    key            TEXT COLLATE "C" NOT NULL,
    correlation_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_keys_message ON idempotency_keys (correlation_id);

-- The operating system user who ran the command line. `actor` is the name that the user claims.
ALTER TABLE audit_log ADD COLUMN os_user TEXT COLLATE "C";
