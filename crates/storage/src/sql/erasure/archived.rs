//! Erases a person from an inbound message, or from a body in the quarantine.

use receiptd_domain::{ChangeKind, ERASED, ERASED_BODY};

use super::super::{
    dialect::Connection,
    statements::{inbound_rows, quarantine_rows},
};
use crate::{
    ArchiveKind, StorageError,
    rows::{InboundRow, QuarantineRow, changes::RowChanges},
};

/// Replaces the body and the label (the event, or the reason), and the sender if it is `sender`.
pub(super) async fn erase(
    connection: &mut Connection,
    kind: ArchiveKind,
    fingerprint: &[u8],
    label: String,
    sender: Option<&str>,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    match kind {
        ArchiveKind::Inbound => {
            // This locks the row, which may have been purged meanwhile.
            let before = inbound_rows!(
                "UPDATE inbound SET occurrences = occurrences WHERE fingerprint = $1 RETURNING ",
                "",
                fingerprint
            );
            let Some(before) = before.fetch_optional(&mut *connection).await? else { return Ok(()) };
            let is_theirs = sender.is_some() && before.sender.as_deref() == sender;
            let after = InboundRow {
                sender: if is_theirs { Some(ERASED.to_owned()) } else { before.sender.clone() },
                event: label,
                salt: rand::random(),
                body: ERASED_BODY.to_vec(),
                signature: None,
                ..before.clone()
            };
            sql!(
                "UPDATE inbound SET sender = $2, event = $3, body = $4, salt = $5, signature = NULL WHERE fingerprint = $1",
                fingerprint,
                after.sender,
                after.event,
                after.body,
                after.salt
            )
            .execute(connection)
            .await?;
            changes.inbound(ChangeKind::Removed, &before, 0);
            changes.inbound(ChangeKind::Added, &after, 0);
        }
        ArchiveKind::Quarantine => {
            let before = quarantine_rows!(
                "UPDATE quarantine SET occurrences = occurrences WHERE fingerprint = $1 RETURNING ",
                "",
                fingerprint
            );
            let Some(before) = before.fetch_optional(&mut *connection).await? else { return Ok(()) };
            let (salt, body) = (rand::random(), ERASED_BODY.to_vec());
            let after = QuarantineRow { reason: label, salt, body, signature: None, ..before.clone() };
            sql!(
                "UPDATE quarantine SET reason = $2, body = $3, salt = $4, signature = NULL WHERE fingerprint = $1",
                fingerprint,
                after.reason,
                after.body,
                after.salt
            )
            .execute(connection)
            .await?;
            changes.quarantined(ChangeKind::Removed, &before, 0);
            changes.quarantined(ChangeKind::Added, &after, 0);
        }
    }
    Ok(())
}
