//! Reads everything that is stored.

use receiptd::{
    domain::{CorrelationId, PageLimit, StoredNotification},
    storage::{StorageError, Store},
};

/// All notifications of a message.
pub async fn notifications_of(store: &Store, id: &CorrelationId) -> Result<Vec<StoredNotification>, StorageError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.messages.notifications_page(id, after.as_ref(), PageLimit::default()).await?;
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}
