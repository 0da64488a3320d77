//! Keeps the trail.

use async_trait::async_trait;
use receiptd_domain::{Actor, Cursor, Deed, Page, PageLimit, Timestamp, TrailEntry, TrailFilter};

use super::{Backend, Connection, shelf::bytes};
use crate::{Deeds, StorageError};

#[async_trait]
impl Deeds for Backend {
    async fn note(&self, entries: &[TrailEntry]) -> Result<(), StorageError> {
        let mut unit = self.begin().await?;
        for entry in entries {
            note(&mut unit, entry, entry.count).await?;
        }
        Ok(unit.commit().await?)
    }

    async fn trail(
        &self,
        filter: &TrailFilter,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<TrailEntry>, StorageError> {
        let end = Cursor { at: Timestamp::from_micros(i64::MAX), id: String::new() };
        let after = after.unwrap_or(&end);
        let rows = sql_as!(
            TrailRow,
            "SELECT id, at, actor, os_user, deed, count, details FROM trail WHERE (at, id) < ($1, $2) \
             AND at >= $3 AND at < $4 AND ($5 = '' OR actor = $5) AND ($6 = '' OR deed = $6) \
             ORDER BY at DESC, id DESC LIMIT $7",
            after.at.as_micros(),
            bytes(&after.id),
            filter.since.map_or(i64::MIN, Timestamp::as_micros),
            filter.until.map_or(i64::MAX, Timestamp::as_micros),
            filter.actor.as_deref().unwrap_or_default(),
            filter.deed.map_or("", Deed::as_str),
            i64::try_from(limit.get() + 1).unwrap_or(i64::MAX)
        );
        let rows = rows.fetch_all(&self.read).await?.into_iter();
        let entries = rows.map(TrailRow::entry).collect::<Result<Vec<_>, StorageError>>()?;
        Ok(Page::from_surplus(entries, limit, TrailEntry::cursor))
    }
}

struct TrailRow {
    id: Vec<u8>,
    at: i64,
    actor: String,
    os_user: Option<String>,
    deed: String,
    count: i64,
    details: Option<String>,
}

impl TrailRow {
    fn entry(self) -> Result<TrailEntry, StorageError> {
        let corrupt = |column| StorageError::Corrupt { table: "trail", column, row: self.at.to_string() };
        Ok(TrailEntry {
            id: self.id.try_into().map_err(|_| corrupt("id"))?,
            deed: Deed::from_word(&self.deed).ok_or_else(|| corrupt("deed"))?,
            at: Timestamp::from_micros(self.at),
            actor: Actor::named(&self.actor).run_by(self.os_user),
            count: self.count,
            details: self.details,
        })
    }
}

/// Adds to the count of an entry, which is made where there is none.
pub(super) async fn note(connection: &mut Connection, entry: &TrailEntry, count: i64) -> Result<(), StorageError> {
    sql!(
        "INSERT INTO trail (id, at, actor, deed, count, details, os_user) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (id) DO UPDATE SET count = trail.count + excluded.count",
        entry.id.as_slice(),
        entry.at.as_micros(),
        entry.actor.as_str(),
        entry.deed.as_str(),
        count,
        entry.details,
        entry.actor.os_user()
    )
    .execute(connection)
    .await?;
    Ok(())
}
