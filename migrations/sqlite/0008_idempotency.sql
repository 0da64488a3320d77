-- By which a caller may ask for the same message again without knowing its id. A key goes with its message.
CREATE TABLE idempotency_keys (
    actor          TEXT NOT NULL, -- whose key it is: those of other callers have nothing to do with it
    key            TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    PRIMARY KEY (actor, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_keys_message ON idempotency_keys (correlation_id);

-- The user of the operating system who ran the command line. `actor` is the name that they claim.
ALTER TABLE audit_log ADD COLUMN os_user TEXT;
