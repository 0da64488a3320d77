//! Stores and reads saved views.

use async_trait::async_trait;
use receiptd_domain::{SavedView, ViewId};

use super::backend::Backend;
use crate::{SavedViews, StorageError, rows::SavedViewRow};

#[async_trait]
impl SavedViews for Backend {
    async fn saved(&self, owner: &str) -> Result<Vec<SavedView>, StorageError> {
        let rows =
            sql_as!(SavedViewRow, "SELECT id, list, name, filter, saved_at FROM saved_views WHERE owner = $1", owner);
        let rows = rows.fetch_all(&self.pools.read).await?;
        let mut views = rows.into_iter().map(SavedViewRow::view).collect::<Result<Vec<_>, _>>()?;
        views.sort_by(|one, other| (one.list, &one.name).cmp(&(other.list, &other.name)));
        Ok(views)
    }

    async fn save(&self, owner: &str, view: &SavedView) -> Result<Option<ViewId>, StorageError> {
        let filter = serde_json::to_string(&view.filter).unwrap_or_default();
        let mut unit = self.begin().await?;
        // Two instances that save at the same time can exceed the limit by one, which does no harm.
        let saved = sql!(
            "INSERT INTO saved_views (id, owner, list, name, filter, saved_at) \
             SELECT CAST($1 AS BIGINT), $2, $3, $4, $5, CAST($6 AS BIGINT) WHERE (SELECT COUNT(*) FROM saved_views \
             WHERE owner = $2 AND NOT (list = $3 AND name = $4)) < CAST($7 AS BIGINT) \
             ON CONFLICT (owner, list, name) DO UPDATE SET filter = excluded.filter, saved_at = excluded.saved_at \
             RETURNING id AS \"id!: i64\"",
            view.id.get(),
            owner,
            view.list.as_str(),
            view.name.as_str(),
            filter,
            view.saved_at.as_micros(),
            i64::from(SavedView::MOST)
        );
        let saved = saved.fetch_optional(&mut *unit).await?;
        unit.commit().await?;
        Ok(saved.map(|row| ViewId::new(row.id)))
    }

    async fn remove(&self, owner: &str, id: ViewId) -> Result<bool, StorageError> {
        let mut unit = self.begin().await?;
        let removed = sql!("DELETE FROM saved_views WHERE owner = $1 AND id = $2", owner, id.get());
        let removed = removed.execute(&mut *unit).await?.rows_affected();
        unit.commit().await?;
        Ok(removed > 0)
    }
}
