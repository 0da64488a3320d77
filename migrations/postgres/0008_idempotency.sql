-- By which a caller may ask for the same message again without knowing its id. A key goes with its message.
CREATE TABLE idempotency_keys (
    actor          TEXT COLLATE "C" NOT NULL, -- whose key it is: those of other callers have nothing to do with it
    key            TEXT COLLATE "C" NOT NULL,
    correlation_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_keys_message ON idempotency_keys (correlation_id);

-- The user of the operating system who ran the command line. `actor` is the name that they claim.
ALTER TABLE audit_log ADD COLUMN os_user TEXT COLLATE "C";
