//! Pages: newest first, without gaps and repetitions, whatever arrives meanwhile.

use receiptd::domain::{Cursor, Filter, Message, PageLimit};

use crate::{
    make::{about, number, time},
    store::TestStore,
};

both!(
    the_newest_comes_first,
    pages_neither_skip_nor_repeat,
    what_arrives_between_two_pages_disturbs_neither,
    the_greatest_page_holds_five_hundred,
    a_page_that_is_just_full_is_the_last,
    pages_keep_within_the_filter,
    an_empty_store_has_one_empty_page,
);

fn limit(most: u16) -> PageLimit {
    PageLimit::new(most).unwrap()
}

/// All pages, walked by cursors that went through a client's hands; `between` is done before each next page.
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
    // Of one instant, the ids decide, by their bytes.
    assert_eq!(store.ids(&Filter::default()).await, ["d", "é", "b", "a", "B", "c"]);
    // A later notification makes a message no newer.
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

async fn what_arrives_between_two_pages_disturbs_neither(store: &TestStore) {
    store.hear((0..30).map(|n| about(&format!("order-{n:02}")).received(10))).await;
    let expected = store.ids(&Filter::default()).await;
    let meanwhile = async |page| {
        store.hear((0..7).map(|n| about(&format!("late-{page}-{n}")).received(11))).await;
        // Known messages change, and keep their place.
        store
            .hear((0..30).map(|n| about(&format!("order-{n:02}")).at(i64::try_from(page).unwrap()).received(12)))
            .await;
    };
    let pages = walk(store, &Filter::default(), 7, meanwhile).await;
    assert_eq!(names(&pages), expected);
    assert_eq!(store.ids(&Filter::default()).await.len(), 30 + 4 * 7);
}

async fn the_greatest_page_holds_five_hundred(store: &TestStore) {
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
    // A cursor of a wider list begins no later than the filter ends.
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
