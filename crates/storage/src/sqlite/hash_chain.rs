//! Compares the counters with the messages on SQLite.

use super::{backend::Connection, sql::statements::miscounted};

/// A counter that differs from the number of messages, as text. What was changed by other means than receiptd has not been
/// counted yet: the next commit does that. It is found where the message is compared with its notifications.
pub(super) async fn miscounted(snapshot: &mut Connection) -> Result<Option<String>, sqlx::Error> {
    let miscounted = miscounted!(
        "SELECT created_at / 3600000000, COALESCE(channel, ''), status, COALESCE(substr(code, 1, 64), ''), 1 \
         FROM message_changes WHERE status IS NOT NULL UNION ALL \
         SELECT was_created_at / 3600000000, COALESCE(was_channel, ''), was_status, \
             COALESCE(substr(was_code, 1, 64), ''), -1 \
         FROM message_changes WHERE was_status IS NOT NULL UNION ALL "
    );
    Ok(miscounted.fetch_optional(snapshot).await?.map(|row| row.key))
}
