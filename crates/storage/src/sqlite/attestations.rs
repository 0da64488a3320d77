//! Finds attested messages on SQLite.

use super::{backend::Connection, json::json};

/// Those of the messages that are attested.
pub(super) async fn attested_messages(connection: &mut Connection, ids: &[&str]) -> Result<Vec<String>, sqlx::Error> {
    let attested = sql!(
        "SELECT a.correlation_id FROM jsonb_each($1) AS id CROSS JOIN attestations a \
         WHERE a.correlation_id = id.value AND a.transaction_id = '' AND EXISTS (SELECT 1 FROM attestations)",
        json(ids.iter())
    );
    Ok(attested.fetch_all(connection).await?.into_iter().map(|row| row.correlation_id).collect())
}

/// There is one writer, so no other unit of work changes messages.
pub(super) async fn exclude_changes(_: &mut Connection) -> Result<(), sqlx::Error> {
    Ok(())
}
