//! Compares the counters with the messages on Postgres.

use super::backend::Connection;

/// A counter that differs from the number of messages, as text.
pub(super) async fn miscounted(snapshot: &mut Connection) -> Result<Option<String>, sqlx::Error> {
    let miscounted = sql!(
        "SELECT hour || ' ' || channel || ' ' || status || ' ' || code AS \"key!: String\" \
         FROM (SELECT hour, channel, status, code, count FROM counters UNION ALL \
             SELECT created_at / 3600000000, COALESCE(channel, ''), status, COALESCE(substr(code, 1, 64), ''), -1 \
             FROM messages) AS counted \
         GROUP BY hour, channel, status, code HAVING SUM(count) <> 0 LIMIT 1"
    );
    Ok(miscounted.fetch_optional(snapshot).await?.map(|row| row.key))
}
