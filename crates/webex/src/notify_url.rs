//! The notify URLs that the platform accepts.

use std::fmt;

use url::{Host, Url};

/// The URL to which the platform posts notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyUrl(String);

/// Why the platform would not post to a URL.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotifyUrlError {
    /// A blank makes the URL invalid and ends the platform's retries.
    #[error("has a blank before or after it, which the platform rejects; remove it")]
    Blank,
    #[error("is not a well-formed URL")]
    Malformed,
    /// A parser that follows the rules of browsers would read the first part of the path as the host.
    #[error("has no host; write it as in https://status.example.com/notify")]
    NoHost,
    /// developers.webexconnect.io/reference/send-message-v2 and help.webexconnect.io/docs/outbound-webhooks require
    /// HTTPS.
    #[error("must begin with https:// (http:// is allowed on a loopback address, for tests)")]
    NotHttps,
}

impl NotifyUrl {
    /// Makes the checks of the platform.
    pub fn new(text: &str) -> Result<Self, NotifyUrlError> {
        if text.trim() != text {
            return Err(NotifyUrlError::Blank);
        }
        let url = Url::parse(text).map_err(|_| NotifyUrlError::Malformed)?;
        if !authority_follows_scheme(text) {
            return Err(NotifyUrlError::NoHost);
        }
        match (url.scheme(), url.host()) {
            ("https", Some(_)) => Ok(Self(text.to_owned())),
            ("http", Some(_)) if is_loopback(&url) => Ok(Self(text.to_owned())),
            (_, None) => Err(NotifyUrlError::Malformed),
            _ => Err(NotifyUrlError::NotHttps),
        }
    }

    /// Whether only programs on the same machine can reach it.
    pub fn is_loopback(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| is_loopback(&url))
    }

    /// The text, exactly as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether an authority follows directly after the `://` in the text of a URL. `Url::has_host` does not tell: the
/// parser accepts `http:///x`, with `x` as the host.
pub fn authority_follows_scheme(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !rest.starts_with(['/', '\\', '?', '#', ':', '@'])
    })
}

/// Whether only programs on the same machine can reach this URL.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Display for NotifyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_that_the_platform_accepts_are_accepted() {
        for good in ["https://status.example.com/notify/t0ken", "http://127.0.0.1:8080/notify", "http://[::1]/n"] {
            assert_eq!(NotifyUrl::new(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            (" https://status.example.com", NotifyUrlError::Blank),
            ("https://status.example.com\n", NotifyUrlError::Blank),
            ("status.example.com", NotifyUrlError::Malformed),
            ("https://", NotifyUrlError::Malformed),
            ("https:///notify", NotifyUrlError::NoHost),
            ("https:////status.example.com/notify", NotifyUrlError::NoHost),
            ("https:/status.example.com/notify", NotifyUrlError::NoHost),
            ("https:status.example.com/notify", NotifyUrlError::NoHost),
            (r"https:\\status.example.com\notify", NotifyUrlError::NoHost),
            (r"https://\status.example.com/notify", NotifyUrlError::NoHost),
            ("https://@/notify", NotifyUrlError::Malformed),
            ("https://:443/notify", NotifyUrlError::Malformed),
            ("http://status.example.com", NotifyUrlError::NotHttps),
            ("ftp://status.example.com", NotifyUrlError::NotHttps),
        ] {
            assert_eq!(NotifyUrl::new(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn loopback_addresses_are_recognized() {
        for url in ["http://localhost/notify", "https://127.9.9.9/notify", "http://[::1]/notify"] {
            assert!(NotifyUrl::new(url).unwrap().is_loopback(), "{url}");
        }
        for url in ["https://localhost.example.com/notify", "https://10.0.0.1/notify", "https://[fd00::1]/notify"] {
            assert!(!NotifyUrl::new(url).unwrap().is_loopback(), "{url}");
        }
    }
}
