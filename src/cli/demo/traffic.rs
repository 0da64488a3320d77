//! The messages of the demo. SMS and WhatsApp are sent by receiptd. All other channels belong to other systems, which send
//! to the platform themselves and use our notify URL.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::interval;
use url::Url;

use super::story::{self, Hour};
use crate::simulator::Observer;

/// The maximum number of concurrent requests.
const MAX_CONCURRENT: usize = 48;
/// The pause between two messages after the story.
const PAUSE: Duration = Duration::from_secs(3);
/// One message in this many is sent twice by the system that sends it, with the same correlation id.
const TWICE: u64 = 600;
/// The message of these that is sent twice, which is a mail.
const MAIL: u64 = 412;
/// How often the traffic asks whether everything has arrived.
const GLANCE: Duration = Duration::from_millis(10);

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

    /// Submits the messages of each hour, and counts them in `submitted`.
    pub(super) async fn play(&self, hours: &[Hour], submitted: &AtomicU64, observer: &Observer) -> anyhow::Result<()> {
        let mut twice = 0;
        for hour in hours {
            story::set_clock(hour);
            stream::iter(hour.messages.clone())
                .map(|n| async move {
                    self.submit(n).await?;
                    submitted.fetch_add(1, Ordering::Relaxed);
                    anyhow::Ok(())
                })
                .buffer_unordered(MAX_CONCURRENT)
                .try_collect::<()>()
                .await?;
            if let Some(n) = hour.messages.clone().find(|n| *n % TWICE == MAIL) {
                self.submit(n).await?;
                twice += 1;
            }
            self.oddities(hour).await?;
            until_told(observer, hour.messages.end + twice).await;
        }
        Ok(())
    }

    /// Goes on with a message now and then, until it is stopped.
    pub(super) async fn go_on(&self, first: u64) -> anyhow::Result<()> {
        let mut pause = interval(PAUSE);
        for n in first.. {
            pause.tick().await;
            self.submit(n).await?;
        }
        Ok(())
    }

    /// Now and then a customer writes, and something arrives that cannot be read.
    async fn oddities(&self, hour: &Hour) -> anyhow::Result<()> {
        let n = hour.messages.end;
        if hour.ago % 9 == 2 {
            let inbound = json!({ "event": "MO", "from": number(n), "to": "ACME", "channel": "SMS", "message": "Where is my parcel?" });
            self.post_notification(inbound.to_string()).await?;
        }
        if hour.ago % 30 == 3 {
            let order = id(n);
            let xml = format!("<DeliveryReport><id>{order}</id><status>DELIVRD</status></DeliveryReport>");
            self.post_notification(xml).await?;
        }
        Ok(())
    }

    async fn post_notification(&self, body: String) -> anyhow::Result<()> {
        let request = self.client.post(&self.notify_url).header("content-type", "application/json").body(body);
        let answer = request.send().await.context("a notification could not be posted")?;
        ensure!(answer.status().is_success(), "a notification was rejected: {}", answer.status());
        Ok(())
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

/// Waits until the platform has this number of messages, and has posted everything about them.
async fn until_told(observer: &Observer, messages: u64) {
    let mut glance = interval(GLANCE);
    loop {
        glance.tick().await;
        let report = observer.report();
        if report.accepted >= messages && report.notifications.pending == 0 {
            return;
        }
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

/// A number from a range that is reserved for fiction. Those of successive messages are far apart, so each operator has some.
fn number(n: u64) -> String {
    format!("+447700900{:03}", n * 617 % 1000)
}

fn mail(n: u64) -> String {
    format!("customer-{n}@example.org")
}
