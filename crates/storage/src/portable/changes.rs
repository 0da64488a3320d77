//! Tells what changed. What is written there, triggers on `messages` write, in the same transaction as the change.

use async_trait::async_trait;
use receiptd_domain::{Change, PageLimit, Place, Timestamp};

use super::{Backend, Connection, places};
use crate::{Changes, StorageError, rows::ChangeRow};

#[async_trait]
impl Changes for Backend {
    async fn end(&self) -> Result<Place, StorageError> {
        let mut connection = self.read.acquire().await?;
        let (settled, _) = places::ends(&mut connection).await?;
        Ok(Place::of(settled))
    }

    async fn after(&self, place: Place, limit: PageLimit) -> Result<Option<Vec<Change>>, StorageError> {
        let mut connection = self.read.acquire().await?;
        let (settled, last) = places::ends(&mut connection).await?;
        let changes = between(&mut connection, place, settled, limit).await?;
        // Looked at last: what was trimmed before or meanwhile may have been missed.
        let begin = sql!("SELECT seq FROM changes_begin").fetch_one(&mut *connection).await?;
        Ok((begin.seq..=last).contains(&place.number()).then_some(changes))
    }

    async fn trim(&self, before: Timestamp, limit: PageLimit) -> Result<bool, StorageError> {
        let mut transaction = self.begin().await?;
        let (settled, _) = places::ends(&mut transaction).await?;
        let oldest = between(&mut transaction, Place::default(), settled, limit).await?;
        let old = oldest.iter().take_while(|change| change.changed_at < before);
        let Some((most, last)) = old.enumerate().last() else {
            transaction.rollback().await?;
            return Ok(false);
        };
        let seq = last.place.number();
        sql!("UPDATE changes_begin SET seq = $1 WHERE seq < $1", seq).execute(&mut *transaction).await?;
        sql!("DELETE FROM changes WHERE seq <= $1", seq).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(most + 1 == limit.get())
    }
}

/// The first changes after a place, up to where nothing can be added any more.
async fn between(
    connection: &mut Connection,
    place: Place,
    settled: i64,
    limit: PageLimit,
) -> Result<Vec<Change>, StorageError> {
    let rows = sql_as!(
        ChangeRow,
        "SELECT seq, correlation_id, is_sent, channel, status, is_final, status_at, failure, code, reason, changed_at \
         FROM changes WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
        place.number(),
        settled,
        i64::try_from(limit.get()).unwrap_or(i64::MAX)
    );
    rows.fetch_all(connection).await?.into_iter().map(ChangeRow::change).collect()
}
