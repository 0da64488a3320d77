-- The keys with which callers repeat a request without knowing the id of its message. A key is deleted with its
-- message.
CREATE TABLE idempotency_keys (
    actor          TEXT NOT NULL, -- the caller; keys of other callers are independent
    key            TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    PRIMARY KEY (actor, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_keys_message ON idempotency_keys (correlation_id);

-- The operating system user who ran the command line. `actor` is the name that the user claims.
ALTER TABLE audit_log ADD COLUMN os_user TEXT;
