//! Pages: newest first, without gaps and repetitions, whatever arrives meanwhile.

use std::collections::BTreeSet;

use harness::put;
use receiptd::domain::{Arrival, Cursor, Event, Filter, Message, PageLimit, StoredNotification};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    make::{about, about_transaction, id, number, time},
    store::TestStore,
};

both!(
    the_newest_comes_first,
    pages_neither_skip_nor_repeat,
    new_messages_between_two_pages_disturb_neither,
    a_message_that_is_adopted_between_two_pages_is_not_missed,
    pages_are_right_while_others_write,
    the_largest_page_has_five_hundred_items,
    a_page_that_is_just_full_is_the_last,
    pages_keep_within_the_filter,
    an_empty_store_has_one_empty_page,
    the_notifications_of_a_message_have_pages_that_are_bounded_in_bytes,
);

fn limit(most: u16) -> PageLimit {
    PageLimit::new(most).unwrap()
}

/// All pages, read with cursors in their text form. `between` runs before each next page.
async fn walk(store: &TestStore, filter: &Filter, most: u16, between: impl AsyncFn(usize)) -> Vec<Vec<Message>> {
    let mut pages = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = store.messages.list(filter, cursor.as_ref(), limit(most)).await.unwrap();
        pages.push(page.items);
        let Some(next) = page.next else { return pages };
        cursor = Cursor::decode(&next.encode());
        between(pages.len()).await;
    }
}

fn names(pages: &[Vec<Message>]) -> Vec<&str> {
    pages.iter().flatten().map(|message| message.correlation_id.as_str()).collect()
}

async fn the_newest_comes_first(store: &TestStore) {
    for (name, received) in [("b", 20), ("c", 10), ("a", 20), ("d", 30), ("B", 20), ("é", 20)] {
        store.hear([about(name).received(received)]).await;
    }
    // At one instant, the ids decide, by their bytes.
    assert_eq!(store.ids(&Filter::default()).await, ["d", "é", "b", "a", "B", "c"]);
    // A later notification does not make a message newer.
    store.hear([about("c").at(99).received(99)]).await;
    assert_eq!(store.ids(&Filter::default()).await, ["d", "é", "b", "a", "B", "c"]);
}

async fn pages_neither_skip_nor_repeat(store: &TestStore) {
    store.hear((0..40).map(|n| about(&format!("order-{n:02}")).received(10 + n / 30))).await;
    let expected = store.ids(&Filter::default()).await;
    for most in [1, 7, 39, 40, 500] {
        let pages = walk(store, &Filter::default(), most, async |_| {}).await;
        assert_eq!(names(&pages), expected, "by {most}");
        assert!(pages.iter().rev().skip(1).all(|page| page.len() == usize::from(most)), "by {most}");
    }
}

async fn new_messages_between_two_pages_disturb_neither(store: &TestStore) {
    store.hear((0..30).map(|n| about(&format!("order-{n:02}")).received(10))).await;
    let expected = store.ids(&Filter::default()).await;
    let meanwhile = async |page| {
        store.hear((0..7).map(|n| about(&format!("late-{page}-{n}")).received(11))).await;
        // Existing messages change, and keep their position.
        store
            .hear((0..30).map(|n| about(&format!("order-{n:02}")).at(i64::try_from(page).unwrap()).received(12)))
            .await;
    };
    let pages = walk(store, &Filter::default(), 7, meanwhile).await;
    assert_eq!(names(&pages), expected);
    assert_eq!(store.ids(&Filter::default()).await.len(), 30 + 4 * 7);
}

/// It keeps the place of the message that it replaces.
async fn a_message_that_is_adopted_between_two_pages_is_not_missed(store: &TestStore) {
    store.hear([about_transaction("t-1").received(10), about("other").received(20)]).await;
    let pages = walk(store, &Filter::default(), 1, async |_| {
        store.hear([about("order-1").of("t-1").says(Event::Submitted).received(30)]).await;
    })
    .await;
    assert_eq!(names(&pages), ["other", "order-1"]);
    assert_eq!(store.message("order-1").await.created_at, time(10));
}

/// Two instances append new messages and notifications of existing ones as fast as they can.
async fn pages_are_right_while_others_write(store: &TestStore) {
    let old = |n: i64| about(&format!("order-{n:03}")).to(&format!("44770090000{}", n % 2)).received(10 + n / 40);
    store.hear((0..200).map(old)).await;
    let expected = store.ids(&Filter::default()).await;
    let stop = CancellationToken::new();
    let mut writing = JoinSet::new();
    for writer in ["a", "b"] {
        let (instance, stopped) = (store.reopened().await, stop.clone());
        writing.spawn(async move {
            let mut written = 0;
            while !stopped.is_cancelled() {
                let new = about(&format!("new-{writer}-{written}")).to("447700900001").received(100 + written);
                let news = old((written * 7) % 200).says(Event::Read).at(written);
                put(&instance, &[new.into(), news.into()]).await.unwrap();
                written += 1;
            }
            written
        });
    }
    let to_one = Filter { recipient: Some(number("447700900001")), ..Filter::default() };
    for (most, filter) in [(3, Filter::default()), (7, to_one.clone()), (50, Filter::default())] {
        let pages = walk(store, &filter, most, async |_| {}).await;
        let seen: Vec<_> = names(&pages).into_iter().filter(|name| name.starts_with("order")).collect();
        let wanted = |name: &&String| filter.recipient.is_none() || !name.ends_with(['0', '2', '4', '6', '8']);
        assert_eq!(seen, expected.iter().filter(wanted).map(String::as_str).collect::<Vec<_>>(), "by {most}");
        let all: BTreeSet<_> = names(&pages).into_iter().collect();
        assert_eq!(all.len(), names(&pages).len(), "one came twice");
    }
    stop.cancel();
    assert!(writing.join_all().await.iter().sum::<i64>() > 0);
}

async fn the_largest_page_has_five_hundred_items(store: &TestStore) {
    store.hear((0..501).map(|n| about(&format!("order-{n:03}")))).await;
    let page = store.messages.list(&Filter::default(), None, limit(500)).await.unwrap();
    assert_eq!(page.items.len(), 500);
    let rest = store.messages.list(&Filter::default(), page.next.as_ref(), limit(500)).await.unwrap();
    assert_eq!(names(&[rest.items]), ["order-000"]);
    assert_eq!(rest.next, None);
    let usual = store.messages.list(&Filter::default(), None, PageLimit::default()).await.unwrap();
    assert_eq!(usual.items.len(), 50);
}

async fn a_page_that_is_just_full_is_the_last(store: &TestStore) {
    store.hear(["a", "b", "c"].map(about)).await;
    let page = store.messages.list(&Filter::default(), None, limit(3)).await.unwrap();
    assert_eq!((page.items.len(), page.next), (3, None));
}

async fn pages_keep_within_the_filter(store: &TestStore) {
    let to = |n: i64| format!("44770090000{}", n % 3);
    store.hear((0..30).map(|n| about(&format!("order-{n:02}")).to(&to(n)).received(n / 4))).await;
    let filter =
        Filter { recipient: Some(number(&to(1))), since: Some(time(2)), until: Some(time(6)), ..Filter::default() };
    let pages = walk(store, &filter, 2, async |_| {}).await;
    assert_eq!(names(&pages), ["order-22", "order-19", "order-16", "order-13", "order-10"]);
    // A cursor of a list with fewer filters begins no later than the filter ends.
    let wide = Cursor { at: time(100), id: "z".to_owned() };
    let page = store.messages.list(&filter, Some(&wide), limit(500)).await.unwrap();
    assert_eq!(names(&[page.items]), names(&pages));
}

async fn an_empty_store_has_one_empty_page(store: &TestStore) {
    assert_eq!(walk(store, &Filter::default(), 500, async |_| {}).await, [Vec::<Message>::new()]);
    store.hear([about("a").received(5)]).await;
    let end = Cursor { at: time(5), id: "a".to_owned() };
    assert_eq!(store.messages.list(&Filter::default(), Some(&end), limit(1)).await.unwrap().items, []);
}

async fn the_notifications_of_a_message_have_pages_that_are_bounded_in_bytes(store: &TestStore) {
    let large = |n: i64| about("order-1").at(n).body(vec![b'x'; 300_000]).recorded();
    // Some at one instant, so that the cursor must use the fingerprint too; and one without a time.
    let told = |at: i64, code: i64| about("order-1").at(at).with(|it| it.code = Some(code.to_string())).recorded();
    let timeless = about("order-1").with(|it| (it.at, it.code) = (None, Some("none".to_owned()))).recorded();
    let all: Vec<_> = (10..16)
        .map(large)
        .chain((0..7).map(|code| told(20, code)))
        .chain([timeless, about("order-2").recorded()])
        .collect();
    store.hear(all.into_iter().map(Arrival::Notification)).await;
    let walk = async |most: u16| {
        let (mut walked, mut lengths, mut cursor) = (Vec::new(), Vec::new(), None::<Cursor>);
        loop {
            let page = store.messages.notifications_page(&id("order-1"), cursor.as_ref(), limit(most)).await.unwrap();
            lengths.push(page.items.len());
            walked.extend(page.items);
            let Some(next) = page.next else { return (walked, lengths) };
            cursor = Cursor::decode(&next.encode());
        }
    };
    let (walked, lengths) = walk(500).await;
    assert_eq!(lengths, [5, 9]);
    let key = |one: &StoredNotification| (one.notification.at.unwrap_or_default(), one.fingerprint);
    assert!(walked.is_sorted_by(|one, next| key(one) < key(next)));
    assert_eq!(walked.len(), 14);
    assert_eq!(walk(3).await.0, walked);

    // Those of several messages in the same way, until there are no more.
    let (mut found, mut after) = (0, None);
    loop {
        let ids = [id("order-1"), id("order-2")];
        let some = store.messages.notifications_of(&ids, after.as_ref(), limit(500)).await.unwrap();
        let bytes: usize = some.iter().map(|(_, recorded)| recorded.body.len()).sum();
        assert!(bytes < 2 << 20, "{bytes}");
        found += some.len();
        match some.last() {
            Some((id, recorded)) => after = Some((id.clone(), recorded.fingerprint)),
            None => break,
        }
    }
    assert_eq!(found, 15);
}
