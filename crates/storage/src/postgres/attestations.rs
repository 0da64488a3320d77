//! Finds attested messages on Postgres.

use super::backend::Connection;

/// Those of the messages that are attested, in the order of their ids. Until the transaction ends, no message becomes
/// attested: `FOR KEY SHARE` locks the table against `exclude_changes`, even if it finds no row.
pub(super) async fn attested_messages(connection: &mut Connection, ids: &[&str]) -> Result<Vec<String>, sqlx::Error> {
    let attested = sql!(
        "SELECT correlation_id FROM attestations WHERE correlation_id = ANY($1) AND transaction_id = '' \
         ORDER BY correlation_id FOR KEY SHARE",
        ids as _
    );
    Ok(attested.fetch_all(connection).await?.into_iter().map(|row| row.correlation_id).collect())
}

/// Waits until no other transaction relies on which messages are attested, and lets none begin until this one ends. It
/// gives up soon, since appends wait behind it.
pub(super) async fn exclude_changes(connection: &mut Connection) -> Result<(), sqlx::Error> {
    sql!("SELECT set_config('lock_timeout', '400ms', true)").fetch_one(&mut *connection).await?;
    sql!("LOCK TABLE attestations IN EXCLUSIVE MODE").execute(connection).await?;
    Ok(())
}
