//! Reads status events. They are written in the same transaction as the change: by triggers on Postgres, and by the commit on
//! SQLite. An adoption writes that a message is replaced by another one.

use async_trait::async_trait;
use receiptd_domain::{ChangeKind, EventPosition, PageLimit, StatusEvent, Timestamp};

use super::{
    backend::Backend,
    dialect::{Connection, event_ends},
    paging::count,
    seals,
    statements::status_event_rows,
};
use crate::{
    StatusEvents, StorageError,
    rows::{SealRow, StatusEventRow, changes::RowChanges},
};

/// How many events the hash chain covers by one digest, and how many are read for a commit.
const SEALED_EVENTS: usize = 100;
const SEALED_TOGETHER: usize = 2_000;

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
        let events = between(&mut connection, place.number(), settled, count(limit.get())).await?;
        // This must be read last: events that were trimmed before or meanwhile may be missing.
        let begin = sql!("SELECT seq FROM status_events_begin").fetch_one(&mut *connection).await?;
        let is_known = (begin.seq..=last).contains(&place.number());
        is_known.then(|| events.into_iter().map(StatusEventRow::event).collect()).transpose()
    }

    async fn seal(&self) -> Result<bool, StorageError> {
        let mut transaction = self.begin_maintenance().await?;
        let begin = seals::lock(&mut transaction).await?;
        let (settled, _) = event_ends(&mut transaction).await?;
        let sealed = seals::last(&mut transaction).await?.max(begin);
        let events = between(&mut transaction, sealed, settled, count(SEALED_TOGETHER)).await?;
        if events.is_empty() {
            transaction.rollback().await?;
            return Ok(false);
        }
        let (mut changes, mut begins_after) = (RowChanges::default(), sealed);
        for events in events.chunks(SEALED_EVENTS) {
            let Some(up_to) = events.last().map(|event| event.seq) else { continue };
            let seal = SealRow { begins_after, up_to };
            seals::add(&mut transaction, &seal).await?;
            changes.sealed(ChangeKind::Added, &seal, events);
            begins_after = up_to;
        }
        self.commit(transaction, changes).await?;
        Ok(events.len() == SEALED_TOGETHER)
    }

    async fn trim(&self, before: Timestamp, limit: PageLimit) -> Result<bool, StorageError> {
        let mut transaction = self.begin_maintenance().await?;
        // Another instance trims completely before or after.
        let begin = seals::lock(&mut transaction).await?;
        let (settled, _) = event_ends(&mut transaction).await?;
        let oldest = between(&mut transaction, 0, settled, count(limit.get())).await?;
        let is_old = |event: &&StatusEventRow| event.changed_at < before.as_micros();
        let old = oldest.iter().take_while(is_old).count();
        let last = oldest.get(old.wrapping_sub(1)).map_or(0, |event| event.seq);
        // Events that are sealed together are trimmed together.
        let gone = seals::up_to(&mut transaction, last).await?;
        let is_cut = seals::last(&mut transaction).await? > last;
        let seq = if is_cut { gone.last().map_or(0, |seal| seal.up_to) } else { last };
        if seq <= begin {
            transaction.rollback().await?;
            return Ok(false);
        }
        let mut changes = RowChanges::default();
        changes.trimmed(ChangeKind::Removed, begin);
        changes.trimmed(ChangeKind::Added, seq);
        for seal in &gone {
            changes.sealed(ChangeKind::Removed, seal, &oldest);
        }
        sql!("UPDATE status_events_begin SET seq = $1", seq).execute(&mut *transaction).await?;
        sql!("DELETE FROM status_event_seals WHERE up_to <= $1", seq).execute(&mut *transaction).await?;
        sql!("DELETE FROM status_events WHERE seq <= $1", seq).execute(&mut *transaction).await?;
        self.commit(transaction, changes).await?;
        Ok(old == limit.get())
    }
}

/// The first events after a position, up to the point from which nothing can be added before them any more.
async fn between(
    connection: &mut Connection,
    after: i64,
    settled: i64,
    limit: i64,
) -> Result<Vec<StatusEventRow>, sqlx::Error> {
    let rows = status_event_rows!(
        "SELECT ",
        " FROM status_events WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
        after,
        settled,
        limit
    );
    rows.fetch_all(connection).await
}
