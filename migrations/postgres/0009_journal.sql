-- What was acknowledged and is not projected yet: one row per group commit. The projection removes it in the transaction
-- in which it stores the notifications.
CREATE TABLE journal (
    writer      BYTEA  NOT NULL, -- the instance that appended it
    sequence    BIGINT NOT NULL, -- 1, 2, 3…
    appended_at BIGINT NOT NULL,
    zone        TEXT COLLATE "C" NOT NULL, -- for times without an offset: the tenant's time zone then
    records     BIGINT NOT NULL, -- the number of bodies in the payload
    projected   BIGINT NOT NULL, -- how many of them are projected: the first ones
    payload     BYTEA  NOT NULL, -- crates/domain/src/journal.rs
    PRIMARY KEY (writer, sequence)
);
-- Rows are removed soon. The payloads are not compressed, since that costs more than it saves.
ALTER TABLE journal ALTER COLUMN payload SET STORAGE EXTERNAL;
