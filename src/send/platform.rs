//! The call to the platform.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{
    Client, StatusCode,
    header::{HeaderMap, HeaderValue},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::outcome::Attempt;
use crate::webex::request::Request;

/// Something that takes send requests.
#[async_trait]
pub trait Platform: Send + Sync {
    /// Makes one attempt, and tells how it ended.
    async fn post(&self, request: &Request) -> Attempt;
}

/// Webex Connect, by HTTPS.
#[derive(Debug)]
pub struct WebexConnect {
    client: Client,
    base: Url,
}

/// Why the platform could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// A header can hold visible ASCII only.
    #[error("the service key holds characters that a header cannot hold")]
    Key,
    /// Of the HTTP library.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// More than any documented answer; what is beyond is not read.
const MOST_BYTES: usize = 64 * 1024;

impl WebexConnect {
    /// At `base`, with the service key `key`; an answer is awaited for `patience`.
    pub fn new(base: Url, key: &SecretString, patience: Duration) -> Result<Self, PlatformError> {
        let mut key = HeaderValue::from_str(key.expose_secret()).map_err(|_| PlatformError::Key)?;
        key.set_sensitive(true);
        let client = Client::builder()
            .default_headers(HeaderMap::from_iter([("key".parse().map_err(|_| PlatformError::Key)?, key)]))
            .redirect(Policy::none())
            .connect_timeout(patience.min(Duration::from_secs(5)))
            .timeout(patience)
            .build()
            .map_err(PlatformError::Client)?;
        Ok(Self { client, base })
    }
}

#[async_trait]
impl Platform for WebexConnect {
    async fn post(&self, request: &Request) -> Attempt {
        let Ok(url) = self.base.join(request.api.path()) else {
            return Attempt::NotSent("the base URL cannot be extended".to_owned());
        };
        match self.client.post(url).json(&request.body).send().await {
            Ok(answer) => read(answer).await,
            // No connection, so no request. Anything later may have reached the platform.
            Err(error) if error.is_connect() || error.is_builder() => Attempt::NotSent(describe(&error)),
            Err(error) => Attempt::NoAnswer(describe(&error)),
        }
    }
}

async fn read(mut answer: reqwest::Response) -> Attempt {
    let status = answer.status();
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MOST_BYTES => body.extend_from_slice(&chunk),
            Ok(_) => return Attempt::Answered { status: status.as_u16(), body },
            // A status that needs no body says enough.
            Err(_) if status == StatusCode::UNAUTHORIZED => return Attempt::Answered { status: 401, body: Vec::new() },
            Err(error) => return Attempt::NoAnswer(describe(&error)),
        }
    }
}

/// In words that hold neither the URL nor the body.
fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "timed out".to_owned()
    } else if error.is_connect() {
        "the platform could not be connected to".to_owned()
    } else {
        "the connection broke off".to_owned()
    }
}
