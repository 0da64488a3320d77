//! The bodies to post: the documented bodies of all channels and formats, about messages of the test, and some
//! unreadable ones.

use std::collections::{BTreeMap, BTreeSet};

use harness::fixtures;
use rand::{
    RngExt,
    rngs::StdRng,
    seq::{IndexedRandom, SliceRandom},
};
use receiptd::{
    domain::Fingerprint,
    webex::{Posted, TimeZone},
};
use serde_json::Value;

const CORRELATION_IDS: [&str; 3] = ["correlationid", "correlationId", "correlation_id"];
const TRANSACTION_IDS: [&str; 4] = ["transid", "messageId", "tid", "transaction_id"];

/// A documented body whose ids can be replaced.
struct Shape {
    text: String,
    correlation_ids: BTreeSet<String>,
    transaction_ids: BTreeSet<String>,
}

impl Shape {
    fn of(body: Vec<u8>) -> Self {
        let text = String::from_utf8(body).unwrap();
        let value = serde_json::from_str(&text).unwrap();
        let found = |names: &[&str]| {
            let mut found = BTreeSet::new();
            collect(&value, names, &mut found);
            found
        };
        Self { correlation_ids: found(&CORRELATION_IDS), transaction_ids: found(&TRANSACTION_IDS), text }
    }

    fn about(&self, message: &str, transaction: &str) -> Vec<u8> {
        let exchange =
            |text: String, ids: &BTreeSet<String>, id| ids.iter().fold(text, |text, old| text.replace(old, id));
        let text = exchange(self.text.clone(), &self.correlation_ids, message);
        exchange(text, &self.transaction_ids, transaction).into_bytes()
    }
}

/// The texts of these members, at any depth.
fn collect(value: &Value, names: &[&str], found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, names, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| match value.as_str() {
            Some(text) if names.contains(&name.as_str()) && !text.is_empty() => drop(found.insert(text.to_owned())),
            _ => collect(value, names, found),
        }),
        _ => {}
    }
}

/// All bodies, grouped by channel. Customers' messages are another group.
pub(crate) struct Bodies(Vec<Vec<Shape>>);

impl Bodies {
    pub(crate) fn read() -> Self {
        let mut families = BTreeMap::<String, Vec<Shape>>::new();
        for (name, body) in fixtures("notify") {
            // Delivery reports of another API are rejected, and an array is stored as one row per element.
            if !name.starts_with("foreign") && body.first() != Some(&b'[') {
                let channel = name.split('-').next().unwrap();
                families.entry(channel.to_owned()).or_default().push(Shape::of(body));
            }
        }
        families
            .insert("customers".to_owned(), fixtures("inbound").into_iter().map(|(_, body)| Shape::of(body)).collect());
        let shapes = families.values().flatten();
        assert!(shapes.clone().count() > 90 && shapes.clone().all(|shape| !shape.transaction_ids.is_empty()));
        Self(families.into_values().collect())
    }

    /// Some bodies of one channel about the message `id`, in any order. Each must be stored as one row.
    pub(crate) fn about(&self, id: &str, chance: &mut StdRng) -> Vec<Vec<u8>> {
        if chance.random_ratio(1, 20) {
            return vec![format!("{{\"of\": {id}").into_bytes(), [b"\xff\xfe", id.as_bytes()].concat()];
        }
        let shapes = self.0.choose(chance).unwrap();
        let mut rows = BTreeSet::new();
        let much = chance.random_range(1..=5);
        let body = |(n, shape): (usize, &Shape)| {
            let body = shape.about(id, id);
            // Some samples report the same event: a Data Streams copy and its original. They would be stored as one
            // row.
            if rows.insert(row(&body)) { body } else { shape.about(id, &format!("{id}/{n}")) }
        };
        let mut bodies: Vec<_> = shapes.sample(chance, much).enumerate().map(body).collect();
        bodies.shuffle(chance);
        bodies
    }
}

/// The fingerprint under which a body is stored.
fn row(body: &[u8]) -> Fingerprint {
    match Posted::read(body, TimeZone::UTC) {
        Posted::Notification(_, fingerprint) => fingerprint,
        _ => Fingerprint::of_body(body),
    }
}
