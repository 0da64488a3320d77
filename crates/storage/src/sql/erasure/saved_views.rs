//! Removes the saved views that name a person.

use receiptd_domain::{Person, ViewId};

use super::super::dialect::Connection;
use crate::{StorageError, rows::SavedViewRow};

/// The saved views that name the person, of all owners.
pub(super) async fn naming(connection: &mut Connection, person: &Person) -> Result<Vec<ViewId>, StorageError> {
    let rows = sql_as!(SavedViewRow, "SELECT id, list, name, filter, saved_at FROM saved_views");
    let mut naming = Vec::new();
    for row in rows.fetch_all(connection).await? {
        let view = row.view()?;
        if view.names(person) {
            naming.push(view.id);
        }
    }
    Ok(naming)
}

pub(super) async fn remove(connection: &mut Connection, id: ViewId) -> Result<(), StorageError> {
    sql!("DELETE FROM saved_views WHERE id = $1", id.get()).execute(connection).await?;
    Ok(())
}
