//! The journal and its projection: what was appended is stored exactly once.

use std::time::Duration;

use harness::put;
use receiptd::{
    domain::{Arrival, Filter, JournalPosition, JournalSpan},
    storage::{StorageError, Store},
};
use tokio::{task::JoinSet, time::timeout};

use crate::{make::about, store::TestStore};

both!(
    what_is_appended_is_read_from_the_journal_until_it_is_projected,
    a_batch_is_projected_in_parts,
    instances_that_project_the_same_store_it_once,
    a_projection_that_is_cancelled_is_complete_or_leaves_everything,
    a_refused_projection_leaves_everything,
    a_rehearsal_changes_nothing,
    another_instance_projects_what_was_left_behind,
);

fn arrivals(names: &[&str]) -> Vec<Arrival> {
    names.iter().map(|name| about(name).of(&format!("t-{name}")).into()).collect()
}

fn span(position: JournalPosition, from: usize, to: usize, of: usize) -> JournalSpan {
    JournalSpan { position, from, to, of, bytes: 1 }
}

async fn heads(store: &Store) -> Vec<JournalPosition> {
    store.projection.heads().await.unwrap().into_iter().map(|head| head.position).collect()
}

async fn what_is_appended_is_read_from_the_journal_until_it_is_projected(store: &TestStore) {
    let batches = [arrivals(&["order-1", "order-2"]), arrivals(&["order-3"])];
    let mut positions = Vec::new();
    for batch in &batches {
        positions.push(store.journal.append(batch, "UTC").await.unwrap());
    }
    assert!(positions[0] < positions[1]);
    assert_eq!(store.ids(&Filter::default()).await, Vec::<String>::new());
    assert_eq!(heads(store).await, positions[1..]);
    assert!(store.journal.backlog_bytes() > 0);
    assert!(store.projection.oldest_unprojected().await.unwrap().is_some());
    let read = store.projection.unprojected(positions[0].writer).await.unwrap();
    for ((batch, position), read) in batches.iter().zip(&positions).zip(&read) {
        assert_eq!((read.position, read.projected, read.zone.as_str()), (*position, 0, "UTC"));
        let posted = |arrival: &Arrival| {
            let (received_at, source, body) = arrival.as_posted();
            (received_at, source, body.to_vec())
        };
        let records = read.records.iter().map(|record| (record.received_at, record.source, record.body.clone()));
        assert_eq!(records.collect::<Vec<_>>(), batch.iter().map(posted).collect::<Vec<_>>());
    }
    let spans = [span(positions[0], 0, 2, 2), span(positions[1], 0, 1, 1)];
    assert!(store.projection.project(&spans, &batches.concat()).await.unwrap().is_some());
    assert_eq!(store.ids(&Filter::default()).await, ["order-3", "order-2", "order-1"]);
    assert_eq!(heads(store).await, []);
    assert!(store.projection.is_projected(positions[1]).await.unwrap());
    assert_eq!(store.projection.oldest_unprojected().await.unwrap(), None);
    assert_eq!(store.journal.backlog_bytes(), 0);
}

async fn a_batch_is_projected_in_parts(store: &TestStore) {
    let batch = arrivals(&["order-1", "order-2", "order-3"]);
    let position = store.journal.append(&batch, "UTC").await.unwrap();
    assert!(store.projection.project(&[span(position, 0, 1, 3)], &batch[..1]).await.unwrap().is_some());
    assert_eq!(store.ids(&Filter::default()).await, ["order-1"]);
    assert!(!store.projection.is_projected(position).await.unwrap());
    assert_eq!(store.projection.unprojected(position.writer).await.unwrap()[0].projected, 1);
    // The same part, and one that does not begin where the last one ended.
    for (from, to) in [(0, 1), (0, 3), (2, 3)] {
        assert_eq!(store.projection.project(&[span(position, from, to, 3)], &batch[from..to]).await.unwrap(), None);
    }
    assert!(store.projection.project(&[span(position, 1, 3, 3)], &batch[1..]).await.unwrap().is_some());
    assert_eq!(heads(store).await, []);
    for name in ["order-1", "order-2", "order-3"] {
        assert_eq!(store.notifications(name).await[0].occurrences, 1);
    }
}

async fn instances_that_project_the_same_store_it_once(store: &TestStore) {
    let instances = [store.reopened().await, store.reopened().await, store.reopened().await];
    for n in 0..20 {
        let batch = arrivals(&["order-1", &format!("order-{n}-2")]);
        let position = store.journal.append(&batch, "UTC").await.unwrap();
        let mut projecting = JoinSet::new();
        for instance in &instances {
            let (instance, batch) = (instance.clone(), batch.clone());
            projecting
                .spawn(async move { instance.projection.project(&[span(position, 0, 2, 2)], &batch).await.unwrap() });
        }
        let projected = projecting.join_all().await.into_iter().flatten().count();
        assert_eq!(projected, 1);
        assert_eq!(store.notifications("order-1").await[0].occurrences, n + 1);
    }
}

async fn a_projection_that_is_cancelled_is_complete_or_leaves_everything(store: &TestStore) {
    for n in 0..40 {
        let names = [format!("order-{n}-1"), format!("order-{n}-2")];
        let batch = arrivals(&names.each_ref().map(String::as_str));
        let position = store.journal.append(&batch, "UTC").await.unwrap();
        let spans = [span(position, 0, 2, 2)];
        let cut = timeout(Duration::from_micros(n * 100), store.projection.project(&spans, &batch)).await;
        match cut {
            Ok(projected) => assert!(projected.unwrap().is_some()),
            // It may have been committed just before.
            Err(_) => _ = store.projection.project(&spans, &batch).await.unwrap(),
        }
        for name in names {
            assert_eq!(store.notifications(&name).await[0].occurrences, 1);
        }
        assert_eq!(heads(store).await, []);
    }
}

async fn a_refused_projection_leaves_everything(store: &TestStore) {
    crate::unit::refuse_the_unwelcome(store).await;
    let batch = [about("order-1").into(), crate::unit::unwelcome()];
    let refused = put(store, &batch).await.unwrap_err();
    assert!(matches!(refused, StorageError::Refused(_)), "{refused:?}");
    assert_eq!(store.find("order-1").await, None);
    let head = heads(store).await[0];
    let left = store.projection.unprojected(head.writer).await.unwrap();
    assert_eq!((left[0].projected, left[0].records.len()), (0, 2));
    assert!(store.projection.project(&[span(head, 0, 2, 2)], &batch[..1]).await.unwrap().is_some());
    store.message("order-1").await;
}

async fn a_rehearsal_changes_nothing(store: &TestStore) {
    crate::unit::refuse_the_unwelcome(store).await;
    store.projection.rehearse(&arrivals(&["order-1"])).await.unwrap();
    let refused = store.projection.rehearse(&[about("order-1").into(), crate::unit::unwelcome()]).await.unwrap_err();
    assert!(matches!(refused, StorageError::Refused(_)), "{refused:?}");
    assert_eq!(store.find("order-1").await, None);
}

async fn another_instance_projects_what_was_left_behind(store: &TestStore) {
    let batch = arrivals(&["order-1"]);
    let position = store.journal.append(&batch, "UTC").await.unwrap();
    let own = store.projection.heads().await.unwrap()[0];
    assert!(own.is_own);
    let another = store.reopened().await;
    let found = another.projection.heads().await.unwrap()[0];
    assert_eq!((found.position, found.is_own), (position, false));
    assert!(another.projection.project(&[span(position, 0, 1, 1)], &batch).await.unwrap().is_some());
    assert!(store.projection.is_projected(position).await.unwrap());
    store.message("order-1").await;
}
