//! Inbound messages and the quarantine.

use receiptd::domain::{Archived, Arrival, Channel, Cursor, Filter, Inbound, PageLimit, Source, Unreadable};

use crate::{
    make::{number, time},
    store::TestStore,
};

both!(
    an_inbound_message_can_be_read_again,
    an_unreadable_body_is_stored_byte_by_byte,
    a_repeated_body_is_stored_once_and_counted,
    both_lists_are_paged_newest_first,
    a_page_ends_where_it_is_full,
    the_two_lists_do_not_mix,
    the_newest_inbound_messages_of_a_sender_are_found,
);

fn inbound(body: &str, received: i64) -> Archived<Inbound> {
    let what = Inbound { channel: None, event: "MO".to_owned(), sender: None, transaction_id: None };
    Archived::first_arrival(what, body.into(), Source::Notify, time(received))
}

fn unreadable(body: &[u8], received: i64) -> Archived<Unreadable> {
    Archived::first_arrival(
        Unreadable("the body is not UTF-8".to_owned()),
        body.to_vec(),
        Source::Notify,
        time(received),
    )
}

fn limit(most: u16) -> PageLimit {
    PageLimit::new(most).unwrap()
}

async fn an_inbound_message_can_be_read_again(store: &TestStore) {
    let what = Inbound {
        channel: Some(Channel::from_name("Carrier Pigeon")),
        event: "QuickReplyResponse".to_owned(),
        sender: Some(number("+44 7700 900123")),
        transaction_id: Some("0044_78260000001".to_owned()),
    };
    let full = Archived::first_arrival(what, "{\"message\":\"👋 \\u0000\"}".into(), Source::Notify, time(20));
    let bare = inbound("{}", 10);
    store.hear([full.clone(), bare.clone()].map(Arrival::Inbound)).await;
    let page = store.reopened().await.inbound.list(None, limit(5)).await.unwrap();
    assert_eq!((page.items, page.next), (vec![full, bare], None));
}

async fn an_unreadable_body_is_stored_byte_by_byte(store: &TestStore) {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let bodies = [every_byte.as_slice(), b"", b"\0", b"{\"a\":\"\xff\xfe\"}", &b"\x80".repeat(1_000_000)];
    let kept: Vec<_> = bodies.iter().zip(1..).map(|(body, at)| unreadable(body, at)).collect();
    store.hear(kept.iter().cloned().map(Arrival::Quarantined)).await;
    let stored = store.reopened().await.quarantine.list(None, limit(9)).await.unwrap().items;
    assert!(stored.iter().rev().eq(&kept));
}

async fn a_repeated_body_is_stored_once_and_counted(store: &TestStore) {
    let kept = unreadable(b"\xff", 10);
    let came = inbound("{}", 10);
    let again = [Arrival::Quarantined(unreadable(b"\xff", 20)), Arrival::Inbound(inbound("{}", 20))];
    store.hear([Arrival::Quarantined(kept.clone()), Arrival::Inbound(came.clone())]).await;
    store.hear([again.clone(), again].concat()).await;
    let quarantine = store.quarantine.list(None, limit(9)).await.unwrap().items;
    assert_eq!(quarantine, [Archived { occurrences: 3, ..kept }]);
    assert_eq!(store.inbound.list(None, limit(9)).await.unwrap().items, [Archived { occurrences: 3, ..came }]);
}

async fn both_lists_are_paged_newest_first(store: &TestStore) {
    // Most at one instant, so that the cursor must use the fingerprint too.
    let received = |n: u8| i64::from(n / 16);
    store.hear((0..20).map(|n| Arrival::Quarantined(unreadable(&[n], received(n))))).await;
    store.hear((0..20).map(|n| Arrival::Inbound(inbound(&n.to_string(), received(n))))).await;

    let whole = store.quarantine.list(None, limit(500)).await.unwrap().items;
    assert!(whole.is_sorted_by_key(|kept| std::cmp::Reverse((kept.received_at, kept.fingerprint))));
    let (mut walked, mut cursor) = (Vec::new(), None::<Cursor>);
    loop {
        let page = store.quarantine.list(cursor.as_ref(), limit(3)).await.unwrap();
        walked.extend(page.items);
        // Bodies that arrive meanwhile are newer.
        store.hear([Arrival::Quarantined(unreadable(&[100, u8::try_from(walked.len()).unwrap()], 9))]).await;
        let Some(next) = page.next else { break };
        cursor = Cursor::decode(&next.encode());
    }
    assert_eq!(walked, whole);

    let whole = store.inbound.list(None, limit(500)).await.unwrap().items;
    assert!(whole.is_sorted_by_key(|kept| std::cmp::Reverse((kept.received_at, kept.fingerprint))));
    let first = store.inbound.list(None, limit(19)).await.unwrap();
    let last = store.inbound.list(first.next.as_ref(), limit(19)).await.unwrap();
    assert_eq!(([first.items, last.items].concat(), last.next), (whole, None));
}

async fn a_page_ends_where_it_is_full(store: &TestStore) {
    let body = |n: u8| n.to_string().repeat(400_000);
    store.hear((1..=5).map(|n| Arrival::Quarantined(unreadable(body(n).as_bytes(), n.into())))).await;
    store.hear((1..=5).map(|n| Arrival::Inbound(inbound(&body(n), n.into())))).await;
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let quarantine = store.quarantine.list(cursor.as_ref(), limit(500)).await.unwrap();
        let inbound = store.inbound.list(cursor.as_ref(), limit(500)).await.unwrap();
        assert_eq!((inbound.items.len(), &inbound.next), (quarantine.items.len(), &quarantine.next));
        assert!(quarantine.items.iter().map(|kept| &kept.body).eq(inbound.items.iter().map(|kept| &kept.body)));
        pages.push(quarantine.items.into_iter().map(|kept| kept.body[0] - b'0').collect::<Vec<_>>());
        cursor = quarantine.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, [&[5, 4, 3][..], &[2, 1]]);
    // A body that is larger than a page has its own page.
    store.hear([Arrival::Quarantined(unreadable(&vec![b'6'; 3 << 20], 6))]).await;
    let page = store.quarantine.list(None, limit(500)).await.unwrap();
    assert!(page.items.len() == 1 && page.next.is_some());
}

async fn the_two_lists_do_not_mix(store: &TestStore) {
    store.hear([Arrival::Quarantined(unreadable(b"{}", 10)), Arrival::Inbound(inbound("{}", 10))]).await;
    assert_eq!(store.quarantine.list(None, limit(9)).await.unwrap().items, [unreadable(b"{}", 10)]);
    assert_eq!(store.inbound.list(None, limit(9)).await.unwrap().items, [inbound("{}", 10)]);
    assert_eq!(store.ids(&Filter::default()).await, Vec::<String>::new());
    // A cursor of the other list selects some position, which does no harm.
    let cursor = Cursor { at: time(11), id: "order-1".to_owned() };
    assert_eq!(store.inbound.list(Some(&cursor), limit(9)).await.unwrap().items.len(), 1);
}

async fn the_newest_inbound_messages_of_a_sender_are_found(store: &TestStore) {
    let from = |sender: Option<&str>, body: &str, received: i64| {
        let what = Inbound { sender: sender.map(number), ..inbound(body, received).what };
        Archived::first_arrival(what, body.into(), Source::Notify, time(received))
    };
    let own: Vec<_> = (1..=4).map(|at| from(Some("447700900123"), &format!("own {at}"), at)).collect();
    let others = [from(Some("447700900124"), "another", 5), from(None, "nobody", 6)];
    store.hear(own.iter().chain(&others).cloned().map(Arrival::Inbound)).await;
    let newest = store.inbound.newest_from(&number("+44 7700 900123"), limit(3)).await.unwrap();
    assert!(newest.iter().eq(own.iter().rev().take(3)), "{newest:?}");
    assert!(store.inbound.newest_from(&number("447700900199"), limit(3)).await.unwrap().is_empty());
}
