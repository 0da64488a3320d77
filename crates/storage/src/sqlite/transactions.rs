//! Stores which message owns each transaction on SQLite.

use std::collections::BTreeMap;

use receiptd_domain::CorrelationId;

use super::{backend::Connection, json::json, sql::statements::claim_transactions};
use crate::rows::batch::Adoption;

/// Stores which message owns each transaction, and returns the changes of ownership.
pub(super) async fn claim_transactions(
    connection: &mut Connection,
    claims: &BTreeMap<&str, CorrelationId>,
) -> Result<Vec<Adoption>, sqlx::Error> {
    let rows = json(claims.iter().map(|(transaction, id)| (transaction, id.as_str())));
    let taken = sql!(
        "SELECT t.transaction_id, t.correlation_id AS formerly, claim.value ->> 1 AS \"owner!: String\" \
         FROM jsonb_each($1) AS claim JOIN transactions t ON t.transaction_id = claim.value ->> 0 \
         WHERE claim.value ->> 1 <> 'txn:' || t.transaction_id \
         AND (t.correlation_id = 'txn:' || t.transaction_id OR claim.value ->> 1 < t.correlation_id)",
        rows
    );
    let taken = taken.fetch_all(&mut *connection).await?;
    claim_transactions!("SELECT value ->> 0, value ->> 1 FROM jsonb_each($1) WHERE true", "", rows)
        .execute(connection)
        .await?;
    Ok(taken.iter().filter_map(|row| Adoption::of(&row.transaction_id, &row.owner, Some(&row.formerly))).collect())
}
