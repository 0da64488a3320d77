//! Authenticates requests to the notify URL.

use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::SecretString;

use super::active_secrets::{ActiveSecrets, Keys};
use crate::{observe::NotifyMethod, webex::signature};

/// What a request must prove. Each part that is set is required; if none is set, every request is accepted.
#[derive(Clone, Debug, Default)]
pub struct Authentication {
    /// The last part of the path.
    pub path_token: Option<Keys>,
    /// One of these must have signed the body.
    pub hub_secrets: Option<Keys>,
    /// `user:password` of HTTP Basic.
    pub basic: Option<Keys>,
    /// A bearer token.
    pub bearer: Option<Keys>,
}

/// The credentials of a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials<'a> {
    /// The part of the path after `/notify/`.
    pub path_token: Option<&'a str>,
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The header `x-hub-signature`.
    pub signature: Option<&'a str>,
}

/// A secret was missing or wrong. The text does not say which one, since the answer goes to an unauthenticated client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credentials are missing or wrong")]
pub struct Denied(pub NotifyMethod);

/// The active secrets that a request proved, by their position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched([(NotifyMethod, Option<usize>); 4]);

impl Matched {
    /// Each method that was required, with the position of its secret.
    pub fn methods(self) -> impl Iterator<Item = (NotifyMethod, usize)> {
        self.0.into_iter().filter_map(|(method, position)| Some((method, position?)))
    }
}

impl Authentication {
    /// Returns whether nothing is required.
    pub fn is_open(&self) -> bool {
        [&self.path_token, &self.hub_secrets, &self.basic, &self.bearer].into_iter().all(Option::is_none)
    }

    /// The secrets with which the platform may sign bodies.
    pub fn hub_secrets(&self) -> Vec<SecretString> {
        self.hub_secrets.as_ref().map(|keys| keys.current().secrets().to_vec()).unwrap_or_default()
    }

    /// Reads again the files that the secrets come from.
    pub fn reread(&self) {
        [&self.path_token, &self.hub_secrets, &self.basic, &self.bearer].into_iter().flatten().for_each(Keys::reread);
    }

    /// Checks only the token in the path, for the platform's check when a URL is saved.
    pub fn check_path(&self, path_token: Option<&str>) -> Result<Option<usize>, Denied> {
        matched(self.path_token.as_ref(), NotifyMethod::PathToken, |keys| keys.position(path_token.unwrap_or_default()))
    }

    /// Checks everything but the signature, which needs the body. A request that fails here is refused before its body
    /// is read. Comparisons take the same time for any text.
    pub fn check_head(&self, shown: &Credentials<'_>) -> Result<Matched, Denied> {
        let basic = |keys: &ActiveSecrets| {
            let given = scheme(shown.authorization, "basic").and_then(|text| BASE64_STANDARD.decode(text).ok());
            keys.position(&given.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default())
        };
        let bearer = |keys: &ActiveSecrets| keys.position(scheme(shown.authorization, "bearer").unwrap_or_default());
        Ok(Matched([
            (NotifyMethod::PathToken, self.check_path(shown.path_token)?),
            (NotifyMethod::Basic, matched(self.basic.as_ref(), NotifyMethod::Basic, basic)?),
            (NotifyMethod::Bearer, matched(self.bearer.as_ref(), NotifyMethod::Bearer, bearer)?),
            (NotifyMethod::Signature, None),
        ]))
    }

    /// Checks a request completely.
    pub fn check(&self, shown: &Credentials<'_>, body: &[u8]) -> Result<Matched, Denied> {
        let Matched([path_token, basic, bearer, _]) = self.check_head(shown)?;
        let signer =
            |keys: &ActiveSecrets| signature::signer(shown.signature.unwrap_or_default(), body, keys.secrets());
        let signer = matched(self.hub_secrets.as_ref(), NotifyMethod::Signature, signer)?;
        Ok(Matched([path_token, basic, bearer, (NotifyMethod::Signature, signer)]))
    }
}

/// Returns the position among `keys` that `find` returns; `None` if the method is not required.
fn matched(
    keys: Option<&Keys>,
    method: NotifyMethod,
    find: impl FnOnce(&ActiveSecrets) -> Option<usize>,
) -> Result<Option<usize>, Denied> {
    keys.map(|keys| find(&keys.current()).ok_or(Denied(method))).transpose()
}

/// Returns what follows the scheme in an `Authorization` header.
fn scheme<'a>(header: Option<&'a str>, name: &str) -> Option<&'a str> {
    let (scheme, rest) = header?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
}

#[cfg(test)]
#[path = "authenticate_tests.rs"]
mod tests;
