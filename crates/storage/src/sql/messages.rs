//! Reads messages.

use async_trait::async_trait;
use receiptd_domain::{
    CorrelationId, Cursor, DispatchEvent, Filter, Fingerprint, History, Message, Page, PageLimit, StatsRequest,
    StatsRow, StoredNotification, TransactionId,
};
use sqlx::QueryBuilder;

use super::{
    backend::Backend,
    dialect::{Connection, Database},
    list,
    notifications::{fitting, notifications_of, notifications_without_bodies, slots, without_bodies},
    paging::bytes,
    stats,
    transactions::owner,
};
use crate::{
    Messages, StorageError,
    rows::{DispatchRow, MessageRow, NotificationRow},
};

#[async_trait]
impl Messages for Backend {
    #[tracing::instrument(level = "debug", name = "storage.find", skip_all)]
    async fn find(&self, id: &CorrelationId) -> Result<Option<Message>, StorageError> {
        let mut connection = self.pools.read.acquire().await?;
        find(&mut connection, id).await
    }

    #[tracing::instrument(level = "debug", name = "storage.history", skip_all)]
    async fn history(&self, id: &CorrelationId) -> Result<Option<History>, StorageError> {
        let mut snapshot = self.snapshot().await?;
        let history = history(&mut snapshot, id).await?;
        snapshot.rollback().await?;
        Ok(history)
    }

    #[tracing::instrument(level = "debug", name = "storage.list", skip_all, fields(rows = limit.get()))]
    async fn list(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<Message>, StorageError> {
        let mut connection = self.pools.read.acquire().await?;
        let rows = list::page(&mut connection, filter, after, limit).await?;
        let messages = rows.into_iter().map(MessageRow::message).collect::<Result<_, _>>()?;
        Ok(Page::from_surplus(messages, limit, Cursor::after))
    }

    #[tracing::instrument(level = "debug", name = "storage.stats", skip_all)]
    async fn stats(&self, request: &StatsRequest) -> Result<Vec<StatsRow>, StorageError> {
        let mut connection = self.pools.read.acquire().await?;
        Ok(stats::stats(&mut connection, request).await?)
    }

    async fn notifications_without_bodies(&self, id: &CorrelationId) -> Result<Vec<StoredNotification>, StorageError> {
        let mut connection = self.pools.read.acquire().await?;
        notifications_without_bodies(&mut connection, id).await
    }

    async fn notifications_of(
        &self,
        ids: &[CorrelationId],
        after: Option<&(CorrelationId, Fingerprint)>,
        limit: PageLimit,
    ) -> Result<Vec<(CorrelationId, StoredNotification)>, StorageError> {
        let mut snapshot = self.snapshot().await?;
        let rows = notifications_of(&mut snapshot, ids, after, limit).await?.0;
        snapshot.rollback().await?;
        rows.into_iter().map(NotificationRow::with_message).collect()
    }

    async fn notifications_page(
        &self,
        id: &CorrelationId,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<StoredNotification>, StorageError> {
        let (at, fingerprint) =
            after.map_or((i64::MIN, Vec::new()), |cursor| (cursor.at.as_micros(), bytes(&cursor.id)));
        let mut snapshot = self.snapshot().await?;
        let rows = slots(&mut snapshot, id.as_str()).await?;
        let mut rows = without_bodies(&mut snapshot, rows).await?;
        let key = |row: &NotificationRow| (row.event_at.unwrap_or_default(), row.fingerprint.clone());
        rows.retain(|row| key(row) > (at, fingerprint.clone()));
        rows.sort_by_cached_key(key);
        let left = rows.len();
        let rows = rows.iter().take(limit.get()).map(NotificationRow::slot_row).collect();
        let rows = fitting(&mut snapshot, rows, limit).await?;
        snapshot.rollback().await?;
        let has_more = rows.len() < left;
        let items = rows.into_iter().map(NotificationRow::stored).collect::<Result<_, _>>()?;
        Ok(Page::of(items, has_more, after_recorded))
    }

    async fn dispatch_events(&self, id: &CorrelationId) -> Result<Vec<DispatchEvent>, StorageError> {
        let mut connection = self.pools.read.acquire().await?;
        dispatch_events(&mut connection, id).await
    }

    async fn owner(&self, id: &TransactionId) -> Result<Option<CorrelationId>, StorageError> {
        let mut connection = self.pools.read.acquire().await?;
        owner(&mut connection, id.as_str()).await
    }
}

async fn find(connection: &mut Connection, id: &CorrelationId) -> Result<Option<Message>, StorageError> {
    let mut query = QueryBuilder::<Database>::new(list::MESSAGE);
    query.push("m.correlation_id = ").push_bind(id.as_str().to_owned());
    let row: Option<MessageRow> = query.build_query_as().fetch_optional(connection).await?;
    row.map(MessageRow::message).transpose()
}

/// Reads within a snapshot.
async fn history(connection: &mut Connection, id: &CorrelationId) -> Result<Option<History>, StorageError> {
    let mut message = find(connection, id).await?;
    if message.is_none()
        && let Some(transaction) = id.as_str().strip_prefix("txn:")
        && let Some(owner) = owner(connection, transaction).await?
    {
        message = find(connection, &owner).await?;
    }
    let Some(message) = message else { return Ok(None) };
    let notifications = notifications_without_bodies(connection, &message.correlation_id).await?;
    let dispatch = dispatch_events(connection, &message.correlation_id).await?;
    Ok(Some(History { message, notifications, dispatch }))
}

async fn dispatch_events(connection: &mut Connection, id: &CorrelationId) -> Result<Vec<DispatchEvent>, StorageError> {
    let rows = sql_as!(
        DispatchRow,
        "SELECT correlation_id, at, dispatch, code, reason, transaction_id FROM dispatch_events \
         WHERE correlation_id = $1 ORDER BY step",
        id.as_str()
    );
    rows.fetch_all(connection).await?.into_iter().map(DispatchRow::event).collect()
}

fn after_recorded(stored: &StoredNotification) -> Cursor {
    Cursor { at: stored.notification.at.unwrap_or_default(), id: stored.fingerprint.to_string() }
}
