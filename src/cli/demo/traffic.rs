//! The messages of the demo. SMS and WhatsApp are sent by receiptd. All other channels belong to other systems, which send
//! to the platform themselves and use our notify URL.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Client;
use serde_json::{Value, json};
use url::Url;

/// The maximum number of concurrent requests.
const MAX_CONCURRENT: usize = 48;

pub(super) struct Traffic {
    client: Client,
    server: Url,
    platform: Url,
    notify_url: String,
    key: String,
}

impl Traffic {
    pub(super) fn new(server: &Url, platform: &str, token: &str, key: &str) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::builder().build()?,
            server: server.clone(),
            platform: Url::parse(platform)?,
            notify_url: format!("{server}notify/{token}"),
            key: key.to_owned(),
        })
    }

    /// Submits `messages` messages, and counts them in `submitted`.
    pub(super) async fn play(&self, messages: u64, submitted: &AtomicU64) -> anyhow::Result<()> {
        stream::iter(0..messages)
            .map(|n| async move {
                self.submit(n).await?;
                submitted.fetch_add(1, Ordering::Relaxed);
                anyhow::Ok(())
            })
            .buffer_unordered(MAX_CONCURRENT)
            .try_collect()
            .await
    }

    async fn submit(&self, n: u64) -> anyhow::Result<()> {
        let request = match self.foreign(n) {
            Some((path, body)) => self.client.post(self.platform.join(path)?).header("key", &self.key).json(&body),
            None => self.client.post(self.server.join("v1/messages")?).json(&ours(n)),
        };
        let answer = request.send().await.context("a message could not be submitted")?;
        ensure!(answer.status().is_success(), "message {n} was rejected: {}", answer.text().await.unwrap_or_default());
        Ok(())
    }

    /// The n-th message, if another system sends it; `None` if receiptd sends it.
    fn foreign(&self, n: u64) -> Option<(&'static str, Value)> {
        let (v1, v2) = ("resources/v1/messaging", "v2/messages");
        let number = number(n);
        let (path, mut body) = match n % 20 {
            0..=11 => return None,
            12 | 13 => (
                v2,
                json!({ "channel": "email", "from": "orders@example.com", "to": [{ "email": [mail(n)] }],
                "content": { "type": "text", "subject": "Your order", "text": "It is on its way." } }),
            ),
            14 => (
                v2,
                json!({ "channel": "rcs", "from": "a_100000000000000004", "to": [{ "msisdn": [number] }],
                "content": { "type": "text", "text": "Your parcel is here." } }),
            ),
            15 => (
                v2,
                json!({ "channel": "mms", "from": "12025550100", "to": [{ "msisdn": [number] }],
                "content": { "subject": "Your parcel",
                    "attachments": [{ "type": "image", "mediaUrl": "https://media.example.com/1.jpg" }] } }),
            ),
            16 => (
                v2,
                json!({ "channel": "voice", "from": "442079460000", "to": [{ "msisdn": [number] }],
                "content": { "type": "media", "mediaId": "12345" } }),
            ),
            17 => (
                v1,
                json!({ "deliverychannel": "push", "appid": "AP01000001",
                "destination": [{ "userid": [format!("user-{n}")] }],
                "channels": { "push": { "android": { "title": "Your parcel", "text": "It is here." } } } }),
            ),
            18 => (
                v1,
                json!({ "deliverychannel": "AppleBusinessChat", "appid": "a_100000000000000002",
                "destination": [{ "abcUserId": [format!("urn:mbid:AQAA{n:012}=")] }],
                "channels": { "AppleBusinessChat": { "type": "text", "text": "Your parcel is here." } } }),
            ),
            _ => (
                v1,
                json!({ "deliverychannel": "fb", "appid": "a_100000000000000003",
                "destination": [{ "psid": [format!("{:016}", 1_000_000 + n)] }],
                "channels": { "OTT-Messaging": { "fb": { "text": "Your parcel is here." } } } }),
            ),
        };
        body["callbackData"] = json!(order(n));
        // Each API has its own spelling of the tracking fields.
        if path == v1 {
            body["correlationid"] = json!(id(n));
            body["notifyurl"] = json!(self.notify_url);
        } else {
            body["to"][0]["correlationId"] = json!(id(n));
            body["notifyUrl"] = json!(self.notify_url);
        }
        Some((path, body))
    }
}

/// A message for receiptd to send.
fn ours(n: u64) -> Value {
    let (channel, from) = if n % 20 < 7 { ("sms", "ACME") } else { ("whatsapp", "a_100000000000000001") };
    json!({ "channel": channel, "from": from, "to": number(n), "text": "Your parcel is here.",
        "correlationId": id(n), "callbackData": order(n) })
}

fn id(n: u64) -> String {
    format!("order-{n}")
}

fn order(n: u64) -> String {
    json!({ "order": n }).to_string()
}

/// A number from a range that is reserved for fiction.
fn number(n: u64) -> String {
    format!("+447700900{:03}", n % 1000)
}

fn mail(n: u64) -> String {
    format!("customer-{n}@example.org")
}
