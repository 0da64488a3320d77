//! Whether a request to the notify URL may be believed.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::active::{Active, Keys};
use crate::{observe::NotifyMethod, webex::signature};

/// What is asked of a request. Each part that is set is required; none set lets everybody in.
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

/// What a request shows of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials<'a> {
    /// The part of the path behind `/notify/`.
    pub path_token: Option<&'a str>,
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The header `x-hub-signature`.
    pub signature: Option<&'a str>,
}

/// What was missing or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {0} is missing or wrong")]
pub struct Denied(pub &'static str);

/// Which of the active secrets a request showed, by their position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched([(NotifyMethod, Option<usize>); 4]);

impl Matched {
    /// Each method that was asked for.
    pub fn methods(self) -> impl Iterator<Item = (NotifyMethod, usize)> {
        self.0.into_iter().filter_map(|(method, position)| Some((method, position?)))
    }
}

impl Authentication {
    /// Whether anything is asked at all.
    pub fn is_open(&self) -> bool {
        [&self.path_token, &self.hub_secrets, &self.basic, &self.bearer].into_iter().all(Option::is_none)
    }

    /// Reads the files that the secrets come from again.
    pub fn reread(&self) {
        [&self.path_token, &self.hub_secrets, &self.basic, &self.bearer].into_iter().flatten().for_each(Keys::reread);
    }

    /// Checks a request. Comparisons take the same time whatever is compared.
    pub fn check(&self, shown: &Credentials<'_>, body: &[u8]) -> Result<Matched, Denied> {
        let path_token = |keys: &Active| keys.position(shown.path_token.unwrap_or_default());
        let basic = |keys: &Active| {
            let given = scheme(shown.authorization, "basic").and_then(|text| BASE64_STANDARD.decode(text).ok());
            keys.position(&given.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default())
        };
        let bearer = |keys: &Active| keys.position(scheme(shown.authorization, "bearer").unwrap_or_default());
        let signer = |keys: &Active| signature::signer(shown.signature.unwrap_or_default(), body, keys.secrets());
        Ok(Matched([
            (NotifyMethod::PathToken, matched(self.path_token.as_ref(), path_token, "token in the path")?),
            (NotifyMethod::Basic, matched(self.basic.as_ref(), basic, "basic authorization")?),
            (NotifyMethod::Bearer, matched(self.bearer.as_ref(), bearer, "bearer token")?),
            (NotifyMethod::Signature, matched(self.hub_secrets.as_ref(), signer, "signature")?),
        ]))
    }
}

/// The position among `keys` that `find` tells; `None` if nothing is asked.
fn matched(
    keys: Option<&Keys>,
    find: impl FnOnce(&Active) -> Option<usize>,
    what: &'static str,
) -> Result<Option<usize>, Denied> {
    keys.map(|keys| find(&keys.current()).ok_or(Denied(what))).transpose()
}

/// What follows the scheme in an `Authorization` header.
fn scheme<'a>(header: Option<&'a str>, name: &str) -> Option<&'a str> {
    let (scheme, rest) = header?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
}

#[cfg(test)]
#[path = "authenticate_tests.rs"]
mod tests;
