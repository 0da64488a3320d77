//! Alters the contents of notifications without the store, as somebody could who knows their form
//! (crates/storage/src/rows/block.rs).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::store::{Database, TestStore};

const DICTIONARY: &[u8] = include_bytes!("../../crates/storage/src/rows/payload-1.dict");

/// The content of a notification.
pub(crate) struct Content {
    pub(crate) received_at: i64,
    /// An array.
    pub(crate) parsed: Value,
    pub(crate) body: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// Alters the contents of the notifications of a message.
pub(crate) async fn alter(store: &TestStore, name: &str, change: impl Fn(&mut Content)) {
    rewrite(store, name, |content| {
        change(content);
        true
    })
    .await;
}

/// Removes the notifications of a message, and their contents.
pub(crate) async fn remove(store: &TestStore, name: &str) {
    rewrite(store, name, |_| false).await;
    store.execute(format!("DELETE FROM notifications WHERE correlation_id = '{name}'")).await;
    store
        .execute(
            "UPDATE notification_blocks SET records = (SELECT COUNT(*) FROM notifications n WHERE n.block = id), \
             bodies = (SELECT COUNT(*) FROM notifications n WHERE n.block = id)",
        )
        .await;
}

/// Rewrites the blocks with the notifications of a message. `change` says which of them stay.
async fn rewrite(store: &TestStore, name: &str, change: impl Fn(&mut Content) -> bool) {
    let hex = match store.database {
        Database::Sqlite { .. } => "hex(payload)",
        Database::Postgres { .. } => "encode(payload, 'hex')",
    };
    let blocks =
        format!("SELECT CAST(id AS TEXT) || ' ' || CAST(size AS TEXT) || ' ' || {hex} FROM notification_blocks");
    for block in store.texts(&blocks).await {
        let [id, size, payload] = block.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let slots = "SELECT CAST(position AS TEXT) FROM notifications WHERE block = ";
        let slots = store.texts(&format!("{slots}{id} AND correlation_id = '{name}'")).await;
        let slots: BTreeSet<u16> = slots.iter().map(|position| position.parse().unwrap()).collect();
        if slots.is_empty() {
            continue;
        }
        let records = altered(&records(&hex::decode(payload).unwrap(), size.parse().unwrap()), &slots, &change);
        // The codec 0 stands for bytes that are not compressed.
        let payload = hex::encode([&[0], records.as_slice()].concat());
        let (payload, size) = (store.bytes(&payload), records.len());
        store
            .execute(format!("UPDATE notification_blocks SET payload = {payload}, size = {size} WHERE id = {id}"))
            .await;
    }
}

fn records(payload: &[u8], size: usize) -> Vec<u8> {
    match payload.split_first().unwrap() {
        (0, records) => records.to_vec(),
        (_, compressed) => {
            let mut decompressor = zstd::bulk::Decompressor::with_dictionary(DICTIONARY).unwrap();
            decompressor.decompress(compressed, size).unwrap()
        }
    }
}

fn altered(mut records: &[u8], slots: &BTreeSet<u16>, change: &impl Fn(&mut Content) -> bool) -> Vec<u8> {
    let mut written = Vec::new();
    while let Some((position, rest)) = records.split_first_chunk::<2>() {
        let (salt, rest) = rest.split_first_chunk::<8>().unwrap();
        let (received_at, rest) = rest.split_first_chunk().unwrap();
        let (parsed, rest) = rest.split_first_chunk().unwrap();
        let (body, rest) = rest.split_first_chunk().unwrap();
        let (signature, rest) = rest.split_first_chunk().unwrap();
        let (parsed, rest) = rest.split_at(u32::from_be_bytes(*parsed) as usize);
        let (body, rest) = rest.split_at(u32::from_be_bytes(*body) as usize);
        let (signature, rest) = rest.split_at(u32::from_be_bytes(*signature) as usize);
        records = rest;
        let parsed = serde_json::from_slice(parsed).unwrap();
        let received_at = i64::from_be_bytes(*received_at);
        let mut content = Content { received_at, parsed, body: body.to_vec(), signature: signature.to_vec() };
        if slots.contains(&u16::from_be_bytes(*position)) && !change(&mut content) {
            continue;
        }
        written.extend(position);
        written.extend(salt);
        written.extend(content.received_at.to_be_bytes());
        let parsed = content.parsed.to_string();
        for length in [parsed.len(), content.body.len(), content.signature.len()] {
            written.extend(u32::try_from(length).unwrap().to_be_bytes());
        }
        written.extend(parsed.as_bytes());
        written.extend(content.body);
        written.extend(content.signature);
    }
    written
}
