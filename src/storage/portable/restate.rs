//! Reads stored notifications anew, and finds the messages that are not as these read now.

use std::collections::BTreeMap;

use super::{Connection, adoption, keep::change, reads};
use crate::{
    domain::{CorrelationId, Notification, Recorded, Standing, Timestamp},
    storage::{Reading, Restated, StorageError, chain::Records, rows::NotificationRow},
};

/// A message that is not as its notifications read now.
pub(super) struct Finding {
    pub(super) restated: Restated,
    /// The notifications that read otherwise.
    altered: Vec<Altered>,
}

/// A notification as it is stored, and as it reads now.
struct Altered {
    stored: NotificationRow,
    fresh: NotificationRow,
}

/// Looks the messages through.
pub(super) async fn examine(
    connection: &mut Connection,
    ids: &[CorrelationId],
    read: &Reading,
) -> Result<Vec<Finding>, StorageError> {
    let folds = reads::folds(connection, ids).await?;
    let mut notifications: BTreeMap<String, Vec<NotificationRow>> = BTreeMap::new();
    for row in reads::notifications_of(connection, ids, None, i64::MAX).await? {
        notifications.entry(row.correlation_id.clone()).or_default().push(row);
    }
    let mut findings = Vec::new();
    for fold in folds {
        let correlation_id = fold.id()?;
        let rows = notifications.remove(&fold.correlation_id).unwrap_or_default();
        if !fold.was_decided_by_any(&rows) {
            continue;
        }
        let (mut altered, mut standing) = (Vec::new(), None::<Standing>);
        for stored in rows {
            let recorded = stored.clone().recorded()?;
            let fresh = read_anew(&recorded, read);
            standing = Some(standing.map_or(fresh.standing(), |standing| standing.merge(fresh.standing())));
            if fresh != recorded {
                let fresh = NotificationRow::of(&correlation_id, &fresh, stored.times);
                altered.push(Altered { stored, fresh });
            }
        }
        let from = fold.status()?;
        let (to, is_right) = fold.compare(standing.as_ref())?;
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
pub(super) async fn write(
    connection: &mut Connection,
    finding: &Finding,
    at: Timestamp,
    records: &mut Records,
) -> Result<(), StorageError> {
    let id = &finding.restated.correlation_id;
    for Altered { stored, fresh } in &finding.altered {
        change(connection, stored, fresh, records).await?;
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
