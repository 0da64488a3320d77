//! Reads status events. They are written in the same transaction as the change: by triggers on Postgres, and by the commit on
//! SQLite. An adoption writes that a message is replaced by another one.

use async_trait::async_trait;
use receiptd_domain::{EventPosition, PageLimit, StatusEvent, Timestamp};

use super::{
    backend::Backend,
    dialect::{Connection, event_ends},
};
use crate::{StatusEvents, StorageError, rows::StatusEventRow};

#[async_trait]
impl StatusEvents for Backend {
    async fn end(&self) -> Result<EventPosition, StorageError> {
        let mut connection = self.pools.read.acquire().await?;
        let (settled, _) = event_ends(&mut connection).await?;
        Ok(EventPosition::of(settled))
    }

    async fn after(&self, place: EventPosition, limit: PageLimit) -> Result<Option<Vec<StatusEvent>>, StorageError> {
        let mut connection = self.pools.read.acquire().await?;
        let (settled, last) = event_ends(&mut connection).await?;
        let events = between(&mut connection, place, settled, limit).await?;
        // This must be read last: events that were trimmed before or meanwhile may be missing.
        let begin = sql!("SELECT seq FROM status_events_begin").fetch_one(&mut *connection).await?;
        Ok((begin.seq..=last).contains(&place.number()).then_some(events))
    }

    async fn trim(&self, before: Timestamp, limit: PageLimit) -> Result<bool, StorageError> {
        let mut transaction = self.begin().await?;
        let (settled, _) = event_ends(&mut transaction).await?;
        let oldest = between(&mut transaction, EventPosition::default(), settled, limit).await?;
        let old = oldest.iter().take_while(|event| event.changed_at < before);
        let Some((most, last)) = old.enumerate().last() else {
            transaction.rollback().await?;
            return Ok(false);
        };
        let seq = last.position.number();
        sql!("UPDATE status_events_begin SET seq = $1 WHERE seq < $1", seq).execute(&mut *transaction).await?;
        sql!("DELETE FROM status_events WHERE seq <= $1", seq).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(most + 1 == limit.get())
    }
}

/// The first events after a position, up to the point from which nothing can be added before them any more.
async fn between(
    connection: &mut Connection,
    place: EventPosition,
    settled: i64,
    limit: PageLimit,
) -> Result<Vec<StatusEvent>, StorageError> {
    let rows = sql_as!(
        StatusEventRow,
        "SELECT seq, correlation_id, is_sent, channel, status, is_final, status_at, failure, code, reason, changed_at, \
         replaced_by FROM status_events WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
        place.number(),
        settled,
        i64::try_from(limit.get()).unwrap_or(i64::MAX)
    );
    rows.fetch_all(connection).await?.into_iter().map(StatusEventRow::event).collect()
}
