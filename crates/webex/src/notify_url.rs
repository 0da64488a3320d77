//! Which URLs the platform would notify.

use std::fmt;

use url::{Host, Url};

/// Where the platform is to post notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyUrl(String);

/// Why the platform would not notify a URL.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotifyUrlError {
    /// It makes the URL invalid, and takes the request out of the platform's retries.
    #[error("has a blank before or after it; the platform takes such a URL for invalid")]
    Blank,
    /// Not a URL.
    #[error("is not a well-formed URL")]
    Malformed,
    /// A parser that reads what browsers read would take the first part of the path for the host.
    #[error("names no host; write it as in https://status.example.com/notify")]
    NoHost,
    /// `send-message-v2` and `outbound-webhooks` ask for HTTPS.
    #[error("must begin with https:// (http:// will do on a loopback address, for tests)")]
    NotHttps,
}

impl NotifyUrl {
    /// Checks what the platform checks.
    pub fn new(text: &str) -> Result<Self, NotifyUrlError> {
        if text.trim() != text {
            return Err(NotifyUrlError::Blank);
        }
        let url = Url::parse(text).map_err(|_| NotifyUrlError::Malformed)?;
        if !has_host(text) {
            return Err(NotifyUrlError::NoHost);
        }
        match (url.scheme(), url.host()) {
            ("https", Some(_)) => Ok(Self(text.to_owned())),
            ("http", Some(_)) if is_loopback(&url) => Ok(Self(text.to_owned())),
            (_, None) => Err(NotifyUrlError::Malformed),
            _ => Err(NotifyUrlError::NotHttps),
        }
    }

    /// Whether it is an address that only programs of the same machine reach.
    pub fn is_loopback(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| is_loopback(&url))
    }

    /// The text, exactly as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a host follows immediately after the `//` of a URL. Without it, or where a slash is there in its place, browsers
/// look for one in the path.
pub fn has_host(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !rest.starts_with(['/', '\\', '?', '#', ':', '@'])
    })
}

/// Whether only programs of the same machine reach this URL.
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
    fn only_what_the_platform_would_notify_is_taken() {
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
    fn loopback_is_told_from_what_others_reach() {
        for url in ["http://localhost/notify", "https://127.9.9.9/notify", "http://[::1]/notify"] {
            assert!(NotifyUrl::new(url).unwrap().is_loopback(), "{url}");
        }
        for url in ["https://localhost.example.com/notify", "https://10.0.0.1/notify", "https://[fd00::1]/notify"] {
            assert!(!NotifyUrl::new(url).unwrap().is_loopback(), "{url}");
        }
    }
}
