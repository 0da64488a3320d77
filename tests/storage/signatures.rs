//! Signed links: someone who can write to the database, but has no key, cannot write links.

use std::sync::Arc;

use receiptd::{
    audit::{Expected, Finding, Proof, PublicKey, SigningKey, Verdict},
    storage::Store,
};

use crate::{
    make::about,
    order::append,
    store::{Database, TestStore},
};

both!(
    every_link_of_an_instance_with_a_key_is_signed,
    links_from_before_the_key_need_no_signature_and_later_ones_do,
    a_link_of_someone_without_the_key_is_named,
    another_key_is_not_accepted,
);

fn key() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_pem(&SigningKey::create().unwrap()).unwrap())
}

/// Another instance, which signs with this key.
async fn signing(store: &TestStore, key: &Arc<SigningKey>) -> Store {
    let other = store.reopened().await;
    other.hash_chain.sign_with(key.clone());
    other
}

async fn verify(store: &Store, keys: &[PublicKey]) -> Verdict {
    Proof::new(store).verify(&Expected { keys: keys.to_vec(), ..Expected::default() }).await.unwrap()
}

async fn finding(store: &Store, key: &Arc<SigningKey>) -> Finding {
    let finding = verify(store, &[key.public_key()]).await.finding.unwrap();
    assert_eq!((finding.what.as_str(), finding.table.as_str()), ("altered", "links"), "{finding}");
    finding
}

async fn every_link_of_an_instance_with_a_key_is_signed(store: &TestStore) {
    let key = key();
    let signing = signing(store, &key).await;
    for name in ["order-1", "order-2"] {
        append(&signing, &[about(name).recorded()]).await;
    }
    let verdict = verify(&signing, &[key.public_key()]).await;
    assert_eq!(verdict.finding, None);
    assert_eq!(verdict.signed.unwrap().links, verdict.links);
    assert_eq!(verify(store, &[]).await.signed, None, "without a key nothing is said of signatures");
    for change in ["signature = NULL", "signature = hash", &format!("signature = {}", store.bytes(&"5a".repeat(64)))] {
        store.execute("DROP TABLE IF EXISTS spare; CREATE TABLE spare AS SELECT * FROM links").await;
        store.execute(format!("UPDATE links SET {change} WHERE sequence = 2")).await;
        let found = finding(&signing, &key).await;
        assert!(found.key.ends_with(" 2"), "{change}: {found}");
        store.execute("DELETE FROM links; INSERT INTO links SELECT * FROM spare").await;
    }
}

async fn links_from_before_the_key_need_no_signature_and_later_ones_do(store: &TestStore) {
    let key = key();
    store.hear([about("order-1")]).await;
    append(&store.reopened().await, &[about("order-2").recorded()]).await;
    assert!(finding(store, &key).await.detail.contains("not signed"), "there is no link with the key yet");
    let signing = signing(store, &key).await;
    append(&signing, &[about("order-3").recorded()]).await;
    let verdict = verify(&signing, &[key.public_key()]).await;
    assert_eq!(verdict.finding, None);
    let signed = verdict.signed.unwrap();
    assert!(signed.links < verdict.links && signed.since.unwrap().ends_with(" 1"));
    // The first instance still has no key.
    store.hear([about("order-4")]).await;
    assert!(finding(&signing, &key).await.detail.contains("not signed"));
}

/// Someone who removes a row and writes a link that says so makes everything match.
async fn a_link_of_someone_without_the_key_is_named(store: &TestStore) {
    let key = key();
    let signing = signing(store, &key).await;
    append(&signing, &[about("order-1").recorded()]).await;
    assert_eq!(verify(&signing, &[key.public_key()]).await.finding, None);
    // By the same means as receiptd, but without the key.
    let forger = store.reopened().await;
    append(&forger, &[about("order-2").recorded()]).await;
    assert_eq!(verify(&signing, &[]).await.finding, None);
    let found = finding(&signing, &key).await;
    let last = match store.database {
        Database::Sqlite { .. } => {
            store.texts("SELECT LOWER(HEX(writer)) FROM links ORDER BY writer DESC LIMIT 1").await
        }
        Database::Postgres { .. } => {
            store.texts("SELECT ENCODE(writer, 'hex') FROM links ORDER BY writer DESC LIMIT 1").await
        }
    };
    assert_eq!(found.key, format!("{} 1", last[0]));
}

async fn another_key_is_not_accepted(store: &TestStore) {
    let (key, other) = (key(), key());
    let signing = signing(store, &key).await;
    append(&signing, &[about("order-1").recorded()]).await;
    assert!(finding(&signing, &other).await.detail.contains("another key"));
    let both = [other.public_key(), key.public_key()];
    assert_eq!(verify(&signing, &both).await.finding, None, "keys may be changed");
}
