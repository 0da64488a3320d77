//! Stores arrivals, and reads everything that is stored.

use std::time::Duration;

use receiptd::{
    clock::Clock,
    domain::{
        Actor, Arrival, AuditAction, AuditEntry, CorrelationId, JournalSpan, Notification, PageLimit,
        StoredNotification, Timestamp,
    },
    projection::Projector,
    storage::{self, Access, OpenOptions, StorageError, Store},
    webex::{Posted, TimeZone},
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

/// Projects everything in the journal of the database at `url`, as the next start of a server would. Returns the body of each
/// notification, and how often it arrived.
pub async fn project_all(url: &str) -> Vec<(Vec<u8>, i64)> {
    let store = open(url).await;
    Projector::new(&store, Clock::system()).project_all().await.unwrap();
    let mut bodies = Vec::new();
    for_all_messages(&store, async |ids| {
        let (limit, mut after) = (PageLimit::default(), None);
        loop {
            let page = store.messages.notifications_of(ids, after.as_ref(), limit).await.unwrap();
            let Some((id, last)) = page.last() else { return };
            after = Some((id.clone(), last.fingerprint));
            bodies.extend(page.into_iter().map(|(_, stored)| (stored.body, stored.occurrences)));
        }
    })
    .await;
    store.health.close().await;
    bodies
}

/// Gives the stored notifications another meaning, as if another version of receiptd had read them.
pub async fn read_otherwise(url: &str, otherwise: fn(Notification) -> Notification) {
    let read = move |body: &[u8]| match Posted::read(body, TimeZone::UTC) {
        Posted::Notification(notification, _) => Some(otherwise(*notification)),
        _ => None,
    };
    let store = open(url).await;
    let (at, actor, action) = (Timestamp::default(), Actor::server(), AuditAction::Rebuilt);
    let entry = AuditEntry { id: [0x5a; 16], at, actor, action, count: 0, details: None };
    for_all_messages(&store, async |ids| {
        store.repair.recompute(ids, &read, at, &entry).await.unwrap();
    })
    .await;
    store.health.close().await;
}

async fn open(url: &str) -> Store {
    let options = OpenOptions { connections: 2, timeout: Duration::from_secs(30), access: Access::Create };
    storage::open(url, options).await.unwrap()
}

async fn for_all_messages(store: &Store, mut act: impl AsyncFnMut(&[CorrelationId])) {
    let mut after = None;
    loop {
        let ids = store.repair.ids(after.as_ref(), PageLimit::default()).await.unwrap();
        let Some(last) = ids.last() else { return };
        after = Some(last.clone());
        act(&ids).await;
    }
}
