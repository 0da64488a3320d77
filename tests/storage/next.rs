//! The version of receiptd after the current one, so that there is always a migration to test.

use receiptd::storage::{Migration, OpenError, Schema, Store};

use crate::store::{OPTIONS, TestStore};

/// Adds columns and a table, and changes every message.
pub(crate) const CAMPAIGNS: Migration = Migration {
    name: "campaigns",
    sqlite: "ALTER TABLE messages ADD COLUMN campaign TEXT; \
             ALTER TABLE messages ADD COLUMN priority BIGINT NOT NULL DEFAULT 5; \
             CREATE TABLE campaigns (name TEXT NOT NULL PRIMARY KEY, messages BIGINT NOT NULL); \
             UPDATE messages SET campaign = 'earlier'; \
             INSERT INTO campaigns (name, messages) SELECT 'earlier', COUNT(*) FROM messages;",
    postgres: "ALTER TABLE messages ADD COLUMN campaign TEXT COLLATE \"C\"; \
               ALTER TABLE messages ADD COLUMN priority BIGINT NOT NULL DEFAULT 5; \
               CREATE TABLE campaigns (name TEXT COLLATE \"C\" NOT NULL PRIMARY KEY, messages BIGINT NOT NULL); \
               UPDATE messages SET campaign = 'earlier'; \
               INSERT INTO campaigns (name, messages) SELECT 'earlier', COUNT(*) FROM messages;",
};

/// The current schema with these further migrations.
pub(crate) fn schema_with(further: &[Migration]) -> Schema {
    Schema::of([Schema::CURRENT.migrations(), further].concat().leak())
}

/// The schema of the next version.
pub(crate) fn schema() -> Schema {
    schema_with(&[CAMPAIGNS])
}

/// The number of the latest migration.
pub(crate) fn number(schema: Schema) -> i64 {
    i64::try_from(schema.migrations().len()).unwrap()
}

/// Opens the store as the next version does, which migrates it.
pub(crate) async fn open(url: &str) -> Result<Store, OpenError> {
    schema().open(url, OPTIONS).await
}

impl TestStore {
    /// The number of messages that the migration to the next version changed, as it counted them.
    pub(crate) async fn migrated_messages(&self) -> usize {
        let changed =
            self.texts("SELECT correlation_id FROM messages WHERE campaign = 'earlier' AND priority = 5").await;
        let counted = self.texts("SELECT CAST(messages AS TEXT) FROM campaigns").await;
        assert_eq!(counted, [changed.len().to_string()]);
        changed.len()
    }
}
