//! The call to the platform.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{
    Client, Response,
    header::{DATE, HeaderName, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use secrecy::ExposeSecret;
use url::Url;

use super::{classify::Attempt, credentials::Credentials, retry};
use crate::{
    clock::Clock,
    webex::request::{KeyIn, Request},
};

/// Something that takes send requests.
#[async_trait]
pub trait Platform: Send + Sync {
    /// Makes one attempt, and tells how it ended.
    async fn post(&self, request: &Request) -> Attempt;

    /// Waits until the next request would show other credentials than the last one did. Forever, where they stay.
    async fn renewed(&self) {
        std::future::pending::<()>().await;
    }
}

/// Webex Connect, by HTTPS.
#[derive(Debug)]
pub struct WebexConnect {
    client: Client,
    base: Url,
    credentials: Credentials,
    clock: Clock,
}

/// Why the platform could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// Of the HTTP library.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// More than any documented answer; what is beyond is not read.
const MOST_BYTES: usize = 64 * 1024;

/// A connection rests for less than servers usually allow (60 s): if one is closed just when a message goes out on it,
/// the message is unconfirmed.
const REST: Duration = Duration::from_secs(30);

impl WebexConnect {
    /// At `base`; an answer is awaited for `patience`.
    pub fn new(base: Url, credentials: Credentials, patience: Duration, clock: Clock) -> Result<Self, PlatformError> {
        // The HTTP library needs one, and panics without. A program that chose its own keeps that.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            // Less than the whole, so that a connection that does not come about is told from an answer that does not.
            .connect_timeout((patience / 2).min(Duration::from_secs(5)))
            .timeout(patience)
            .pool_idle_timeout(REST)
            .build()
            .map_err(PlatformError::Client)?;
        Ok(Self { client, base, credentials, clock })
    }

    /// The header that says who we are, or why there is none.
    fn authority(&self, key_in: KeyIn) -> Result<(HeaderName, HeaderValue), String> {
        let (name, value) = self.credentials.header(key_in, self.clock.now()).map_err(|error| error.to_string())?;
        let value = HeaderValue::from_str(value.expose_secret());
        let mut value =
            value.map_err(|_| "the credentials contain characters that a header cannot contain".to_owned())?;
        value.set_sensitive(true);
        Ok((HeaderName::from_static(name), value))
    }

    async fn read(&self, mut answer: Response) -> Attempt {
        let status = answer.status().as_u16();
        let header = |name: HeaderName| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after = header(RETRY_AFTER).and_then(|text| retry::asked_for(text, header(DATE), self.clock.now()));
        let mut body = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= MOST_BYTES => body.extend_from_slice(&chunk),
                Ok(_) => return Attempt::Answered { status, body, retry_after },
                Err(_) => return Attempt::BrokeOff { status },
            }
        }
    }
}

#[async_trait]
impl Platform for WebexConnect {
    async fn post(&self, request: &Request) -> Attempt {
        let Ok(url) = self.base.join(request.api.path()) else {
            return Attempt::NotSent("the base URL cannot be extended".to_owned());
        };
        let (name, value) = match self.authority(request.key_in()) {
            Ok(header) => header,
            Err(why) => return Attempt::NotSent(why),
        };
        match self.client.post(url).header(name, value).json(&request.body).send().await {
            Ok(answer) => self.read(answer).await,
            // No connection, so no request. Anything later may have reached the platform.
            Err(error) if error.is_connect() || error.is_builder() => Attempt::NotSent(describe(&error)),
            Err(error) => Attempt::NoAnswer(describe(&error)),
        }
    }

    async fn renewed(&self) {
        self.credentials.renewed().await;
    }
}

/// What lies at the bottom of an error: the operating system's or TLS's own words.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// In words that hold neither the URL nor the body.
fn describe(error: &reqwest::Error) -> String {
    if error.is_connect() {
        format!("no connection to the platform ({})", cause(error))
    } else if error.is_timeout() {
        "timed out".to_owned()
    } else {
        "the connection was closed".to_owned()
    }
}

#[cfg(test)]
#[path = "platform_tests.rs"]
mod tests;
