//! Stores which message owns each transaction on Postgres.

use std::collections::BTreeMap;

use receiptd_domain::CorrelationId;

use super::{backend::Connection, sql::statements::claim_transactions};
use crate::rows::batch::Adoption;

/// Stores which message owns each transaction, and returns the changes of ownership.
pub(super) async fn claim_transactions(
    connection: &mut Connection,
    claims: &BTreeMap<&str, CorrelationId>,
) -> Result<Vec<Adoption>, sqlx::Error> {
    let transactions: Vec<_> = claims.keys().map(|transaction| (*transaction).to_owned()).collect();
    let owners: Vec<_> = claims.values().map(|id| id.as_str().to_owned()).collect();
    // Even a row that does not change is locked until the commit. If one instance stores a notification without a
    // correlation id and another one stores it with the id, the second waits and then sees the first.
    let taken = claim_transactions!(
        "SELECT * FROM UNNEST($1::text[], $2::text[])",
        " RETURNING transaction_id, correlation_id, formerly",
        &transactions,
        &owners
    );
    let taken = taken.fetch_all(connection).await?;
    Ok(taken
        .iter()
        .filter_map(|row| Adoption::of(&row.transaction_id, &row.correlation_id, row.formerly.as_deref()))
        .collect())
}
