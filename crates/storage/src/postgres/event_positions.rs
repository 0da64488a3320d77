//! How far the order of changes is settled, as Postgres knows it: many transactions run at a time, and commit in any
//! order.

use super::Connection;

/// Up to which number nothing can be added any more, and the last number of all. Two statements, in this order: whoever
/// announces itself after the first draws greater numbers, and whoever did so before is seen by the second, or has
/// committed and is seen later.
pub(super) async fn ends(connection: &mut Connection) -> Result<(i64, i64), sqlx::Error> {
    let drawn = sql!("SELECT last_value AS \"seq!\" FROM status_events_seq").fetch_one(&mut *connection).await?.seq;
    let announced = sql!(
        "SELECT MIN(((classid::bigint & 65535) << 32) | objid::bigint) AS seq FROM pg_locks \
         WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = 29537 \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    );
    let announced = announced.fetch_one(connection).await?.seq;
    Ok((announced.map_or(drawn, |announced| announced.min(drawn)), drawn))
}
