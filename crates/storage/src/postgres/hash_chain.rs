//! Compares the counters with the messages on Postgres.

use super::{backend::Connection, sql::statements::miscounted};

/// A counter that differs from the number of messages, as text.
pub(super) async fn miscounted(snapshot: &mut Connection) -> Result<Option<String>, sqlx::Error> {
    Ok(miscounted!("").fetch_optional(snapshot).await?.map(|row| row.key))
}
