//! Who did what.

use receiptd::{
    audit::Trail,
    clock::Clock,
    domain::{Actor, Cursor, Deed, PageLimit},
};
use tokio::task::JoinSet;

use crate::{make::time, store::TestStore};

both!(
    what_is_done_often_in_a_minute_is_one_entry,
    what_has_details_is_an_entry_of_its_own,
    the_trail_has_pages,
    without_the_trail_nobody_is_told_that_it_is_done,
);

fn limit(limit: u16) -> PageLimit {
    PageLimit::new(limit).unwrap()
}

async fn what_is_done_often_in_a_minute_is_one_entry(store: &TestStore) {
    let trail = Trail::start(store, Clock::new(|| time(1_000)));
    let mut sending = JoinSet::new();
    for n in 0..60 {
        let trail = trail.clone();
        let actor = Actor::named(["shop", "app"][n % 2]);
        sending.spawn(async move { trail.record(&actor, Deed::Sent, 2, None).await.unwrap() });
    }
    sending.join_all().await;
    let mut entries = trail.list(None, limit(10)).await.unwrap().items;
    entries.sort_unstable_by(|a, b| a.actor.cmp(&b.actor));
    let told: Vec<_> = entries.iter().map(|it| (it.actor.as_str(), it.deed.as_str(), it.count)).collect();
    assert_eq!(told, [("app", "sent", 60), ("shop", "sent", 60)]);
    // After a minute, and after a restart, others begin.
    Trail::start(store, Clock::new(|| time(70_000_000)))
        .record(&Actor::named("app"), Deed::Sent, 1, None)
        .await
        .unwrap();
    assert_eq!(trail.list(None, limit(10)).await.unwrap().items.len(), 3);
}

async fn what_has_details_is_an_entry_of_its_own(store: &TestStore) {
    let trail = Trail::start(store, Clock::new(|| time(1_000)));
    for n in 0..2 {
        trail.record(&Actor::cli("dana"), Deed::Exported, n, Some("failures as CSV")).await.unwrap();
    }
    let entries = trail.list(None, limit(10)).await.unwrap().items;
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|it| it.actor == "cli:dana" && it.details.as_deref() == Some("failures as CSV")));
}

async fn the_trail_has_pages(store: &TestStore) {
    for n in 0..7 {
        let trail = Trail::start(store, Clock::new(move || time(1_000 + n / 3)));
        trail.record(&Actor::anonymous(), Deed::Imported, n, None).await.unwrap();
    }
    let trail = Trail::start(store, Clock::system());
    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let page = trail.list(cursor.as_ref(), limit(2)).await.unwrap();
        seen.extend(page.items.iter().map(|entry| entry.count));
        let Some(next) = page.next_cursor else { break };
        cursor = Cursor::decode(&next);
    }
    assert_eq!(seen[0], 6, "newest first");
    seen.sort_unstable();
    assert_eq!(seen, (0..7).collect::<Vec<_>>());
}

async fn without_the_trail_nobody_is_told_that_it_is_done(store: &TestStore) {
    store.execute("ALTER TABLE trail RENAME TO elsewhere").await;
    let trail = Trail::start(store, Clock::system());
    assert!(trail.record(&Actor::anonymous(), Deed::Sent, 1, None).await.is_err());
    store.execute("ALTER TABLE elsewhere RENAME TO trail").await;
    trail.record(&Actor::anonymous(), Deed::Sent, 1, None).await.unwrap();
    assert_eq!(trail.list(None, limit(10)).await.unwrap().items[0].count, 1);
}
