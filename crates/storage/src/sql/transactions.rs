//! The messages that transactions belong to.

use std::collections::BTreeMap;

use receiptd_domain::CorrelationId;

use super::dialect::{self, Connection};
use crate::{StorageError, rows::batch::Adoption};

/// Stores which message owns each transaction, and returns the changes of ownership.
pub(super) async fn claim(
    connection: &mut Connection,
    claims: &BTreeMap<&str, CorrelationId>,
) -> Result<Vec<Adoption>, sqlx::Error> {
    if claims.is_empty() { Ok(Vec::new()) } else { dialect::claim_transactions(connection, claims).await }
}

/// The message that owns a transaction.
pub(super) async fn owner(
    connection: &mut Connection,
    transaction_id: &str,
) -> Result<Option<CorrelationId>, StorageError> {
    let owner = sql!("SELECT correlation_id FROM transactions WHERE transaction_id = $1", transaction_id);
    let owner = owner.fetch_optional(connection).await?;
    Ok(owner.and_then(|row| CorrelationId::new(&row.correlation_id).ok()))
}

/// The owners of the transactions of notifications without a correlation id. Such notifications are rare.
pub(super) async fn owners(
    connection: &mut Connection,
    transactions: &[String],
) -> Result<BTreeMap<String, CorrelationId>, StorageError> {
    let mut owners = BTreeMap::new();
    for id in transactions {
        if let Some(owner) = owner(connection, id).await? {
            owners.insert(id.clone(), owner);
        }
    }
    Ok(owners)
}
