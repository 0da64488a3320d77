//! The requests: realistic, distinct and signed, all before the clock runs.

use std::thread;

use anyhow::{Context, Result};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// Hex digits of a SHA-256 signature.
const SIGNATURE: usize = 64;
/// The notifications of a message are this many requests apart: never two of them in flight at once, as in life.
const BLOCK: usize = 1_000;

/// What the platform tells about each message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Story {
    /// That it was submitted, delivered and clicked.
    Whole,
    /// That it was delivered.
    Outcome,
}

impl Story {
    fn events(self) -> &'static [(&'static str, &'static str, &'static str, &'static str)] {
        match self {
            Self::Whole => &EVENTS,
            Self::Outcome => &EVENTS[1..2],
        }
    }
}

/// What one message is told about, in this order: its place in the wire format, the event's minute, and the members
/// that differ.
const EVENTS: [(&str, &str, &str, &str); 3] = [
    ("Submitted", "14:15", "7501", ""),
    ("Delivered", "14:16", "7500", r#""messageCount":"1","#),
    ("Clicked", "15:01", "7528", ""),
];

/// Signed notifications, none of which was ever sent before.
pub(crate) struct Pool(Vec<Box<[u8]>>);

impl Pool {
    /// At least `count` of them, on all cores.
    pub(crate) fn generate(count: usize, story: Story, secret: &str) -> Result<Self> {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).context("the hub secret")?;
        let blocks = count.div_ceil(BLOCK * story.events().len());
        let workers = thread::available_parallelism()?.get().min(blocks.max(1));
        let share = blocks.div_ceil(workers);
        let shares = thread::scope(|scope| {
            let spawn = |_| scope.spawn(|| (0..share).flat_map(|_| block(&mac, story)).collect::<Vec<_>>());
            let threads: Vec<_> = (0..workers).map(spawn).collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Result<Vec<_>, _>>()
        });
        let shares = shares.map_err(|_| anyhow::anyhow!("a thread that makes requests died"))?;
        Ok(Self(shares.into_iter().flatten().collect()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Signature and body of one.
    pub(crate) fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        self.0.get(index)?.split_at_checked(SIGNATURE)
    }

    pub(crate) fn mean_length(&self) -> usize {
        self.0.iter().map(|request| request.len() - SIGNATURE).sum::<usize>() / self.len().max(1)
    }
}

/// All notifications of a thousand messages.
fn block(mac: &Hmac<Sha256>, story: Story) -> Vec<Box<[u8]>> {
    let messages: Vec<_> = (0..BLOCK).map(|number| (number, Uuid::new_v4(), Uuid::new_v4())).collect();
    let bodies = story.events().iter().flat_map(|event| messages.iter().map(|message| body(event, message)));
    bodies.map(|body| sign(mac, &body)).collect()
}

fn body(event: &(&str, &str, &str, &str), message: &(usize, Uuid, Uuid)) -> String {
    let ((status, minute, code, extra), (number, correlation, transaction)) = (event, message);
    let (description, agent) = match *status {
        "Clicked" => {
            ("https://www.example.com/track/A-1001|192.0.2.44", "Mozilla/5.0 (Linux; Android 15) ExampleBrowser/1.0")
        }
        other => (other, ""),
    };
    // No country has the code 999. Each message has a recipient and an order of its own, as in a campaign.
    let (high, low) = correlation.as_u64_pair();
    let (to, order) = (9_990_000_000_000 + high % 10_000_000_000, low % 100_000_000);
    let (second, millisecond) = (number % 60, number % 1000);
    format!(
        concat!(
            r#"{{"deliveryInfoNotification":{{"deliveryInfo":{{"timeStamp":"2026-05-20T{}:{:02}.{:03}+01:00","#,
            r#""Description":"{}","code":"{}",{}"deliveryChannel":"SMS","additionalInfo":"{}","destination":"{}","#,
            r#""destinationType":"msisdn","deliveryStatus":"{}"}},"carrier":"USTMO","subtid":"","transid":"{}","#,
            r#""callbackData":"{{\"order\":\"A-{}\",\"tenant\":\"acme\",\"customer\":\"C-{:07}\","#,
            r#"\"campaign\":\"dispatch-notice\",\"sentBy\":\"order-service\"}}","correlationid":"{}"}}}}"#
        ),
        minute,
        second,
        millisecond,
        description,
        code,
        extra,
        agent,
        to,
        status,
        transaction,
        order,
        number,
        correlation
    )
}

/// The text of a member that contains no escapes.
pub(crate) fn member<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let (_, value) = str::from_utf8(body).ok()?.split_once(&format!("\"{name}\":\""))?;
    Some(value.split_once('"')?.0)
}

/// The signature in hex, and the body behind it.
fn sign(mac: &Hmac<Sha256>, body: &str) -> Box<[u8]> {
    let digest = mac.clone().chain_update(body.as_bytes()).finalize().into_bytes();
    let mut request = hex::encode(digest);
    request.push_str(body);
    request.into_bytes().into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn requests_are_json_distinct_and_signed() -> Result<()> {
        let pool = Pool::generate(2 * BLOCK * EVENTS.len(), Story::Whole, "a hub secret")?;
        let mut seen = HashSet::new();
        for index in 0..pool.len() {
            let (signature, body) = pool.get(index).context("there are as many as it says")?;
            let value: serde_json::Value = serde_json::from_slice(body)?;
            let notification = &value["deliveryInfoNotification"];
            assert_eq!(member(body, "correlationid"), notification["correlationid"].as_str());
            assert!(notification["correlationid"].is_string());
            assert!(
                serde_json::from_str::<serde_json::Value>(notification["callbackData"].as_str().unwrap_or("")).is_ok()
            );
            assert_eq!(signature.len(), 64);
            assert!(seen.insert(body.to_vec()));
        }
        assert!((500..=700).contains(&pool.mean_length()), "{}", pool.mean_length());
        Ok(())
    }

    #[test]
    fn signatures_are_those_of_the_platform() -> Result<()> {
        // Computed by `openssl dgst -sha256 -hmac example-hub-secret-0123456789` over an empty body.
        let mac = Hmac::<Sha256>::new_from_slice(b"example-hub-secret-0123456789")?;
        let expected = b"8eb9352007fedcb6ec6f6ecfb0a27a5f9f66fbf6930b8747f922820db266efc1";
        assert_eq!(&*sign(&mac, ""), expected);
        Ok(())
    }
}
