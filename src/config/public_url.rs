//! The URL to which the platform posts, and whether it leads to this server.

use super::{errors::ConfigErrors, purpose::Purpose};
use crate::webex::NotifyUrl;

/// The URL to which the platform posts.
pub(super) struct PublicUrl {
    url: NotifyUrl,
    /// The path token that the platform will send, as far as it is known.
    path: Path,
}

/// The path token at the end of the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// `/notify`
    WithoutToken,
    /// `/notify/TOKEN`
    WithToken(String),
    /// The path of the requests that arrive here is not known: a proxy rewrites it, or another server receives them.
    Rewritten,
}

impl PublicUrl {
    /// Reads the setting; `None` if it is not set, or not valid.
    pub(super) fn read(text: &str, purpose: Purpose, is_rewritten: bool, errors: &mut ConfigErrors) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let url = NotifyUrl::new(text).map_err(|error| errors.check(false, &format!("public_url {error}"))).ok()?;
        // A command that only sends does not receive the notifications. A server on another machine may do so.
        let path = if is_rewritten || purpose != Purpose::Serve { Some(Path::Rewritten) } else { served(url.as_str()) };
        let message = "public_url must end with /notify, or with /notify/ and one of notify.path_token: every other path is \
                    answered with 404, after which the platform does not retry. If a proxy rewrites the \
                    path, set public_url_rewritten to true";
        errors.check(path.is_some(), message);
        Some(Self { url, path: path? })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether only programs on this machine can reach the URL.
    pub(super) fn is_loopback(&self) -> bool {
        self.url.is_loopback()
    }

    pub(super) fn into_url(self) -> NotifyUrl {
        self.url
    }
}

/// Returns the path of a URL, or `None` if this server does not accept notifications there.
fn served(url: &str) -> Option<Path> {
    let (_, rest) = url.split_once("://")?;
    let path = rest.find(['/', '?', '#', '\\']).map(|end| &rest[end..])?;
    match path.strip_prefix("/notify")?.trim_end_matches('/') {
        "" => Some(Path::WithoutToken),
        token => {
            let token = token.strip_prefix('/')?;
            let is_whole = !token.is_empty() && !token.contains(['/', '?', '#', '\\']);
            is_whole.then(|| Path::WithToken(token.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_this_server_serves_are_accepted() {
        for url in ["https://a.example.com/notify", "https://a.example.com:8443/notify/", "http://[::1]:80/notify"] {
            assert_eq!(served(url), Some(Path::WithoutToken), "{url}");
        }
        for url in ["https://a.example.com/notify/t0ken", "https://a.example.com/notify/t0ken/"] {
            assert_eq!(served(url), Some(Path::WithToken("t0ken".to_owned())), "{url}");
        }
        for url in [
            "https://a.example.com",
            "https://a.example.com/",
            "https://a.example.com/other/notify",
            "https://a.example.com/notify?x=1",
            "https://a.example.com/notify#x",
            "https://a.example.com/notify/t0ken?x=/notify",
            "https://a.example.com/notify/a/b",
            "https://a.example.com/notify//t0ken",
            "https://a.example.com//notify",
            "https://a.example.com/Notify",
            "https://a.example.com/notify-check",
            "https://a.example.com/a/../notify",
            "https://a.example.com?/notify",
        ] {
            assert_eq!(served(url), None, "{url}");
        }
    }
}
