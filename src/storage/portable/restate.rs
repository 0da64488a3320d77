//! Reads stored notifications anew, and finds the messages that are not as these read now.

use std::collections::BTreeMap;

use super::{Connection, adoption, reads};
use crate::{
    domain::{CorrelationId, Notification, Recorded, Standing, Timestamp},
    storage::{Reading, Restated, StorageError, rows::NotificationRow},
};

/// A message that is not as its notifications read now.
pub(super) struct Finding {
    pub(super) restated: Restated,
    /// The notifications that read otherwise, as they read now.
    altered: Vec<Recorded>,
}

/// Looks the messages through.
pub(super) async fn examine(
    connection: &mut Connection,
    ids: &[CorrelationId],
    read: &Reading,
) -> Result<Vec<Finding>, StorageError> {
    let folds = reads::folds(connection, ids).await?;
    let mut notifications: BTreeMap<CorrelationId, Vec<Recorded>> = BTreeMap::new();
    for row in reads::notifications_of(connection, ids, None, i64::MAX).await? {
        let (id, recorded) = row.with_message()?;
        notifications.entry(id).or_default().push(recorded);
    }
    let mut findings = Vec::new();
    for row in folds {
        let correlation_id = row.id()?;
        let stored = notifications.remove(&correlation_id).unwrap_or_default();
        let (mut altered, mut standing) = (Vec::new(), None::<Standing>);
        for recorded in stored {
            let fresh = read_anew(&recorded, read);
            standing = Some(standing.map_or(fresh.standing(), |standing| standing.merge(fresh.standing())));
            if fresh != recorded {
                altered.push(fresh);
            }
        }
        let from = row.status()?;
        let (to, is_right) = row.compare(standing.as_ref())?;
        if !is_right || !altered.is_empty() {
            findings.push(Finding { restated: Restated { correlation_id, from, to }, altered });
        }
    }
    Ok(findings)
}

/// Whose it is was decided when it came, and stays.
fn read_anew(recorded: &Recorded, read: &Reading) -> Recorded {
    let reference = recorded.notification.reference.clone();
    let notification = read(&recorded.body).map(|notification| Notification { reference, ..notification });
    Recorded { notification: notification.unwrap_or_else(|| recorded.notification.clone()), ..recorded.clone() }
}

/// Writes down how the notifications of a message read now, and what it is then.
pub(super) async fn write(connection: &mut Connection, finding: &Finding, at: Timestamp) -> Result<(), StorageError> {
    let id = &finding.restated.correlation_id;
    for recorded in &finding.altered {
        let row = NotificationRow::of(id, recorded, recorded.times);
        sql!(
            "UPDATE notifications SET channel = $3, recipient = $4, event = $5, failure = $6, status_text = $7, \
             code = $8, reason = $9, detail = $10, event_at = $11, segments = $12, callback_data = $13 \
             WHERE correlation_id = $1 AND fingerprint = $2",
            row.correlation_id,
            row.fingerprint,
            row.channel,
            row.recipient,
            row.event,
            row.failure,
            row.status_text,
            row.code,
            row.reason,
            row.detail,
            row.event_at,
            row.segments,
            row.callback_data
        )
        .execute(&mut *connection)
        .await?;
    }
    sql!(
        "UPDATE messages SET updated_at = $2 WHERE correlation_id = $1 AND updated_at < $2",
        id.as_str(),
        at.as_micros()
    )
    .execute(&mut *connection)
    .await?;
    adoption::refold(connection, id).await?;
    Ok(())
}
