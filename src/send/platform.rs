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

/// A receiver of send requests.
#[async_trait]
pub trait Platform: Send + Sync {
    /// Makes one attempt, and returns how it ended.
    async fn post(&self, request: &Request) -> Attempt;

    /// Waits until the next request would use other credentials than the last one did; forever if they do not change.
    async fn renewed(&self) {
        std::future::pending::<()>().await;
    }
}

/// Webex Connect, over HTTPS.
#[derive(Debug)]
pub struct WebexConnect {
    client: Client,
    base: Url,
    credentials: Credentials,
    clock: Clock,
}

/// The reason why the client of the platform could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// An error of the HTTP library.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// Larger than any documented answer. The rest of a larger one is not read.
const MOST_BYTES: usize = 64 * 1024;

/// Idle connections are closed earlier than servers usually close them (60 s): if the server closes one just as a
/// message is sent on it, the message becomes unconfirmed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

impl WebexConnect {
    /// Creates a client for the platform at `base`, which waits for an answer for `patience`.
    pub fn new(base: Url, credentials: Credentials, patience: Duration, clock: Clock) -> Result<Self, PlatformError> {
        // The HTTP library panics without a TLS provider. A program that has installed its own keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            // Shorter than the whole timeout, so that a failed connection can be distinguished from a missing answer.
            .connect_timeout((patience / 2).min(Duration::from_secs(5)))
            .timeout(patience)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()
            .map_err(PlatformError::Client)?;
        Ok(Self { client, base, credentials, clock })
    }

    /// Returns the header with our credentials, or the reason why there is none.
    fn auth_header(&self, key_in: KeyIn) -> Result<(HeaderName, HeaderValue), String> {
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
        let (name, value) = match self.auth_header(request.key_in()) {
            Ok(header) => header,
            Err(why) => return Attempt::NotSent(why),
        };
        match self.client.post(url).header(name, value).json(&request.body).send().await {
            Ok(answer) => self.read(answer).await,
            // Without a connection, no request was sent. After any other error, it may have reached the platform.
            Err(error) if error.is_connect() || error.is_builder() => Attempt::NotSent(describe(&error)),
            Err(error) => Attempt::NoAnswer(describe(&error)),
        }
    }

    async fn renewed(&self) {
        self.credentials.renewed().await;
    }
}

/// Returns the text of the innermost error, which is that of the operating system or of TLS.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Describes an error without the URL and the body.
fn describe(error: &reqwest::Error) -> String {
    if error.is_connect() {
        format!("no connection to the platform ({})", root_cause(error))
    } else if error.is_timeout() {
        "timed out".to_owned()
    } else {
        "the connection was closed".to_owned()
    }
}

#[cfg(test)]
#[path = "platform_tests.rs"]
mod tests;
