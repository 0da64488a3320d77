//! Views that people saved.

use receiptd::domain::{SavedView, ViewId, ViewName, ViewedList};

use crate::{make::time, store::TestStore};

both!(
    views_are_listed_by_list_and_name_for_their_owner,
    a_view_with_the_same_name_is_replaced,
    an_owner_has_a_limited_number_of_views,
    only_the_owner_removes_a_view,
);

pub(crate) fn view(id: i64, list: ViewedList, name: &str, filter: &[(&str, &str)]) -> SavedView {
    let filter = filter.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    SavedView { id: ViewId::new(id), list, name: ViewName::new(name).unwrap(), filter, saved_at: time(id) }
}

fn failed(id: i64, name: &str) -> SavedView {
    view(id, ViewedList::Messages, name, &[("status", "failed"), ("callbackData", "a \"quoted\" \0 text")])
}

async fn views_are_listed_by_list_and_name_for_their_owner(store: &TestStore) {
    let (one, other) = (failed(-7, "Zürich"), failed(8, "a name"));
    let audit = view(i64::MAX, ViewedList::Audit, "A name", &[("actor", "shop")]);
    for view in [&audit, &other, &one] {
        assert_eq!(store.saved_views.save("desk", view).await.unwrap(), Some(view.id));
    }
    let theirs = failed(9, "Zürich");
    store.saved_views.save("shop", &theirs).await.unwrap();
    assert_eq!(store.saved_views.saved("desk").await.unwrap(), [one, other, audit]);
    assert_eq!(store.saved_views.saved("shop").await.unwrap(), [theirs]);
    assert_eq!(store.saved_views.saved("till").await.unwrap(), []);
}

async fn a_view_with_the_same_name_is_replaced(store: &TestStore) {
    store.saved_views.save("desk", &failed(1, "Mine")).await.unwrap();
    let newer = view(2, ViewedList::Messages, "Mine", &[("status", "rejected")]);
    assert_eq!(store.saved_views.save("desk", &newer).await.unwrap(), Some(ViewId::new(1)));
    let of_another_list = view(3, ViewedList::Failures, "Mine", &[("channel", "sms")]);
    store.saved_views.save("desk", &of_another_list).await.unwrap();
    let expected = [SavedView { id: ViewId::new(1), ..newer }, of_another_list];
    assert_eq!(store.saved_views.saved("desk").await.unwrap(), expected);
}

async fn an_owner_has_a_limited_number_of_views(store: &TestStore) {
    let most = i64::from(SavedView::MOST);
    for n in 1..=most {
        assert!(store.saved_views.save("desk", &failed(n, &format!("view {n}"))).await.unwrap().is_some(), "{n}");
    }
    assert_eq!(store.saved_views.save("desk", &failed(most + 1, "one more")).await.unwrap(), None);
    // Replacing one, and another owner, are not limited.
    assert!(store.saved_views.save("desk", &failed(most + 2, "view 7")).await.unwrap().is_some());
    assert!(store.saved_views.save("shop", &failed(most + 3, "view 7")).await.unwrap().is_some());
    assert!(store.saved_views.remove("desk", ViewId::new(1)).await.unwrap());
    assert!(store.saved_views.save("desk", &failed(most + 4, "one more")).await.unwrap().is_some());
}

async fn only_the_owner_removes_a_view(store: &TestStore) {
    store.saved_views.save("desk", &failed(1, "Mine")).await.unwrap();
    assert!(!store.saved_views.remove("shop", ViewId::new(1)).await.unwrap());
    assert!(!store.saved_views.remove("desk", ViewId::new(2)).await.unwrap());
    assert!(store.saved_views.remove("desk", ViewId::new(1)).await.unwrap());
    assert!(!store.saved_views.remove("desk", ViewId::new(1)).await.unwrap());
}
