//! Views that people saved.

use async_trait::async_trait;
use receiptd_domain::{SavedView, ViewId};

use crate::StorageError;

/// Stores the filters that people saved under a name. Each view has an owner: a token, or a user of the command line.
#[async_trait]
pub trait SavedViews: Send + Sync {
    /// The views of this owner, by list and name.
    async fn saved(&self, owner: &str) -> Result<Vec<SavedView>, StorageError>;

    /// Saves a view. If the owner has one of the same list and name, the new one replaces it and keeps its id. Returns the
    /// id, or `None` if the owner already has [`SavedView::MOST`] others.
    async fn save(&self, owner: &str, view: &SavedView) -> Result<Option<ViewId>, StorageError>;

    /// Removes a view of this owner. Returns whether there was one.
    async fn remove(&self, owner: &str, id: ViewId) -> Result<bool, StorageError>;
}
