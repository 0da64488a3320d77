//! One attempt to post one notification.

use std::io;
use std::time::Duration;

use actix_web::web::Bytes;
use receiptd_webex::signature;
use reqwest::{Client, Url, redirect};
use secrecy::SecretString;

use super::settings::Settings;

/// Maximum time for the answer of a receiver.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// Number of characters of a receiver's answer in the export of failed notifications.
const RESPONSE_CHARACTERS: usize = 200;

/// The statuses after which the platform does not retry, according to its list.
const NO_RETRY: [u16; 32] = [
    202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 306, 307, 308, 400, 402, 404, 405, 406, 407,
    408, 409, 410, 411, 414, 415, 416, 418, 505,
];

/// One notification to post.
#[derive(Clone)]
pub(super) struct PendingPost {
    pub(super) url: Url,
    pub(super) transaction_id: String,
    /// `x-wx-gtrid`.
    pub(super) trace_id: String,
    pub(super) body: Bytes,
}

/// The result of an attempt.
pub(super) enum Outcome {
    /// Answered with 200.
    Taken,
    /// Any other result.
    Failed {
        /// `None` if there was no answer.
        status: Option<u16>,
        /// The beginning of the answer, or the error.
        response: String,
    },
}

/// Posts to receivers.
pub(super) struct Post {
    client: Client,
    hub_secret: Option<SecretString>,
}

impl Post {
    pub(super) fn new(settings: &Settings) -> io::Result<Self> {
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            // A proxy of the environment must not be used for a receiver on this machine.
            .no_proxy()
            .pool_max_idle_per_host(settings.notify_concurrency)
            .build()
            .map_err(io::Error::other)?;
        Ok(Self { client, hub_secret: settings.hub_secret.clone().map(SecretString::from) })
    }

    pub(super) async fn attempt(&self, post: &PendingPost) -> Outcome {
        let mut request = self
            .client
            .post(post.url.clone())
            .header("content-type", "application/json")
            .header("x-wx-gtrid", &post.trace_id)
            .body(post.body.clone());
        if let Some(secret) = &self.hub_secret {
            request = request.header(signature::HEADER, signature::sign(&post.body, secret));
        }
        match request.send().await {
            // The body is read so that the connection can be used again.
            Ok(response) => match (response.status().as_u16(), response.text().await) {
                (200, Ok(_)) => Outcome::Taken,
                (status, text) => {
                    let text = text.unwrap_or_else(|error| error.to_string());
                    Outcome::Failed { status: Some(status), response: text.chars().take(RESPONSE_CHARACTERS).collect() }
                }
            },
            Err(error) => Outcome::Failed { status: None, response: error.without_url().to_string() },
        }
    }
}

/// Whether the platform retries after this status.
pub(super) fn may_retry(status: u16) -> bool {
    !NO_RETRY.contains(&status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_statuses_are_not_retried() {
        for status in [202, 204, 301, 400, 404, 408, 505] {
            assert!(!may_retry(status), "{status}");
        }
        for status in [201, 401, 403, 413, 429, 500, 503, 504] {
            assert!(may_retry(status), "{status}");
        }
    }
}
