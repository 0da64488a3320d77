//! Wrong clocks: ours jumps back and forth, the platform's is years ahead or behind. Neither changes which status
//! decides, what counts as equal, or what a page shows.

use std::collections::BTreeSet;

use harness::notifications_of;
use proptest::{collection::vec, prelude::*};
use receiptd::{
    domain::{
        Channel, Cursor, Cutoffs, Dispatch, EntryKind, Event, ListRequest, Message, PageLimit, Status,
        StoredNotification, timeline,
    },
    storage::Settlement,
};

use crate::{
    history::{Transactions, a_history, assert_stored},
    make::{about, enqueue, fresh, id, settle, submission, time},
    order::append,
    store::TestStore,
};

both!(
    the_time_of_arrival_does_not_change_the_status,
    a_wrong_platform_clock_keeps_its_own_order,
    pages_are_right_while_our_clock_jumps,
    steps_and_events_keep_the_order_in_which_they_happened,
);

const YEAR: i64 = 365 * 24 * 3_600_000_000;

/// The readings of our clock, one after the other.
fn jumps(count: usize) -> impl Strategy<Value = Vec<i64>> {
    let far = prop_oneof![Just(0), 0..3_i64, (-60..60_i64).prop_map(|years| years * YEAR), Just(-1)];
    vec(far, count)
}

async fn the_time_of_arrival_does_not_change_the_status(store: &TestStore) {
    store.for_all(&(a_history(2, Transactions::OfOneMessage), jumps(40)), async |(history, jumps)| {
        let mut batches = history.batches();
        // Of repeated notifications the first time counts, so each has one time here.
        for recorded in batches.iter_mut().flatten() {
            recorded.received_at = time(jumps[usize::from(recorded.fingerprint.as_bytes()[0]) % jumps.len()]);
        }
        for batch in &batches {
            append(store, batch).await;
        }
        // Compared with a merge that does not know the times of arrival.
        assert_stored(store, &batches).await;
    });
}

async fn a_wrong_platform_clock_keeps_its_own_order(store: &TestStore) {
    let events = vec((0..4_usize, 0..4_i64), 1..6);
    let away = prop_oneof![Just(-250_000_i64), -60..60_i64, Just(250_000)];
    store.for_all(&(events, away), async |(events, years)| {
        let case = fresh();
        let tell = |name: &str, years: i64| -> Vec<StoredNotification> {
            let said = [Event::Submitted, Event::Delivered, Event::Read, Event::Unknown];
            let heard = |&(event, at): &(usize, i64)| about(name).says(said[event]).at(at * 1_000 + years * YEAR);
            events.iter().map(heard).map(|heard| heard.received(5_000).recorded()).collect()
        };
        let (right, wrong) = (format!("{case}-right"), format!("{case}-wrong"));
        append(store, &tell(&right, 0)).await;
        append(store, &tell(&wrong, years)).await;
        append(store, &tell(&wrong, years)).await;
        let [right, wrong] = [store.message(&right).await, store.message(&wrong).await];
        assert_eq!((wrong.status, wrong.is_final), (right.status, right.is_final));
        assert_eq!(wrong.notification_count, right.notification_count, "repetitions are recognized");
        let told = async |message: &Message| {
            let notifications = notifications_of(store, &message.correlation_id).await.unwrap();
            let entries = timeline(&notifications, &[]).into_iter();
            entries.map(|entry| (entry.status, entry.effect)).collect::<Vec<_>>()
        };
        // At one instant, the fingerprint decides between two equal ones. Their descriptions are equal.
        assert_eq!(told(&wrong).await, told(&right).await);
    });
}

async fn pages_are_right_while_our_clock_jumps(store: &TestStore) {
    store.for_all(&(jumps(12), jumps(12), 1..4_u16), async |(there, coming, most)| {
        let case = fresh();
        let name = |n: usize| format!("{case}-{n:02}");
        for (n, at) in there.iter().enumerate() {
            store.hear([about(&name(n)).received(*at)]).await;
        }
        let those = format!("{case}-*");
        let request = ListRequest::parse([("correlationId", those.as_str())], &Cutoffs::default());
        let filter = request.unwrap().filter;
        let before = store.ids(&filter).await;
        assert_eq!(before.len(), there.len());
        let (mut walked, mut cursor, mut coming) = (Vec::new(), None::<Cursor>, coming.iter().enumerate());
        loop {
            let page = store.messages.list(&filter, cursor.as_ref(), PageLimit::new(most).unwrap()).await.unwrap();
            walked.extend(page.items.iter().map(|message| message.correlation_id.to_string()));
            if let Some((n, at)) = coming.next() {
                // A new message, and another notification of an existing one.
                store.hear([about(&name(50 + n)).received(*at), about(&name(n)).at(7).received(*at)]).await;
            }
            let Some(next) = page.next else { break };
            cursor = Some(next);
        }
        assert_eq!(walked.iter().collect::<BTreeSet<_>>().len(), walked.len(), "twice: {walked:?}");
        walked.retain(|name| before.contains(name));
        assert_eq!(walked, before, "existing messages are read in their order");
    });
}

async fn steps_and_events_keep_the_order_in_which_they_happened(store: &TestStore) {
    store.for_all(&jumps(4), async |at| {
        let (case, begin) = (fresh(), store.status_events.end().await.unwrap());
        enqueue(store, &submission(&case), at[0]).await;
        let claims = store.outbox.claim(&Channel::Sms, 9, time(100 * YEAR), time(200 * YEAR)).await;
        let claim = claims.unwrap().pop().unwrap();
        settle(store, &claim, &Settlement::new(Dispatch::Accepted, time(at[1]))).await;
        store.hear([about(&case).says(Event::Submitted).received(at[2])]).await;
        store.hear([about(&case).says(Event::Delivered).received(at[3])]).await;

        let course = [Status::Queued, Status::Sending, Status::Accepted, Status::Submitted, Status::Delivered];
        let changes = store.status_events.after(begin, PageLimit::default()).await.unwrap().unwrap();
        assert_eq!(changes.iter().map(|change| change.status).collect::<Vec<_>>(), course);
        let steps = store.messages.dispatch_events(&id(&case)).await.unwrap();
        let entries = timeline(&store.notifications(&case).await, &steps);
        let taken = entries.iter().filter(|entry| entry.kind == EntryKind::Dispatch).map(|entry| entry.status);
        assert_eq!(taken.collect::<Vec<_>>(), course[..3]);
        assert_eq!(store.message(&case).await.status, Status::Delivered);
    });
}
