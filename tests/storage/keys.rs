//! The keys with which receiptd encrypts what it hands out.

use receiptd::storage::KEY_BYTES;
use tokio::task::JoinSet;

use crate::store::TestStore;

both!(a_key_is_made_once, instances_that_start_together_have_the_same_key);

async fn a_key_is_made_once(store: &TestStore) {
    assert_eq!(store.keys.key("views", &[1; KEY_BYTES]).await.unwrap(), [1; KEY_BYTES]);
    assert_eq!(store.keys.key("cursors", &[2; KEY_BYTES]).await.unwrap(), [2; KEY_BYTES]);
    assert_eq!(store.reopened().await.keys.key("views", &[3; KEY_BYTES]).await.unwrap(), [1; KEY_BYTES]);
}

async fn instances_that_start_together_have_the_same_key(store: &TestStore) {
    for round in 0..8 {
        let mut starting = JoinSet::new();
        for number in 1..=3 {
            let instance = store.reopened().await;
            starting
                .spawn(async move { instance.keys.key(&format!("key {round}"), &[number; KEY_BYTES]).await.unwrap() });
        }
        let made = starting.join_all().await;
        assert!(made.iter().all(|key| *key == made[0]), "{made:?}");
    }
}
