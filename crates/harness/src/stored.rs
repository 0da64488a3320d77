//! Stores arrivals, and reads everything that is stored.

use std::time::Duration;

use receiptd::{
    clock::Clock,
    domain::{Arrival, CorrelationId, JournalSpan, PageLimit, StoredNotification},
    projection::Projector,
    storage::{self, Access, OpenOptions, StorageError, Store},
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

/// Appends to the journal, and projects at once what was appended, as a server does. Unlike a server, it does not read the
/// bodies again: in tests of the store they mean nothing.
pub async fn put(store: &Store, arrivals: &[Arrival]) -> Result<(), StorageError> {
    let position = store.journal.append(arrivals, "UTC").await?;
    let (to, bytes) = (arrivals.len(), arrivals.iter().map(Arrival::size).sum());
    let span = JournalSpan { position, from: 0, to, of: to, bytes };
    let projected = store.projection.project(&[span], arrivals).await?;
    assert!(projected.is_some(), "another instance has projected {position:?}");
    Ok(())
}

/// Projects everything in the journal of the database at `url`, as the next start of a server would.
pub async fn project_all(url: &str) {
    let options = OpenOptions { connections: 2, timeout: Duration::from_secs(30), access: Access::Create };
    let store = storage::open(url, options).await.unwrap();
    Projector::new(&store, Clock::system()).project_all().await.unwrap();
    store.health.close().await;
}
