//! Reads the notifications of a message.

use receiptd_domain::{CorrelationId, StoredNotification};

use super::{
    dialect::Connection,
    statements::{bodiless_rows, notification_rows},
};
use crate::{StorageError, rows::NotificationRow};

pub(super) async fn notification(
    connection: &mut Connection,
    id: &str,
    fingerprint: &[u8],
) -> Result<Option<NotificationRow>, sqlx::Error> {
    let row = notification_rows!(
        "SELECT ",
        " FROM notifications WHERE correlation_id = $1 AND fingerprint = $2",
        id,
        fingerprint
    );
    row.fetch_optional(connection).await
}

/// All notifications of a message, without their bodies.
pub(super) async fn notifications_without_bodies(
    connection: &mut Connection,
    id: &CorrelationId,
) -> Result<Vec<StoredNotification>, StorageError> {
    let rows = bodiless_rows!("correlation_id = $1", id.as_str());
    rows.fetch_all(connection).await?.into_iter().map(NotificationRow::stored).collect()
}
