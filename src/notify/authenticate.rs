//! Whether a request to the notify URL may be believed.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::active_secrets::{ActiveSecrets, Keys};
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

/// A secret was missing or wrong. The text does not say which: it is an answer to strangers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credentials are missing or wrong")]
pub struct Denied(pub NotifyMethod);

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

    /// Checks the token in the path alone, as for the platform's check when a URL is saved.
    pub fn check_path(&self, path_token: Option<&str>) -> Result<Option<usize>, Denied> {
        matched(self.path_token.as_ref(), NotifyMethod::PathToken, |keys| keys.position(path_token.unwrap_or_default()))
    }

    /// Checks all but the signature, which needs the body: what fails here is refused before the body is read.
    /// Comparisons take the same time whatever is compared.
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

    /// Checks a request as a whole.
    pub fn check(&self, shown: &Credentials<'_>, body: &[u8]) -> Result<Matched, Denied> {
        let Matched([path_token, basic, bearer, _]) = self.check_head(shown)?;
        let signer =
            |keys: &ActiveSecrets| signature::signer(shown.signature.unwrap_or_default(), body, keys.secrets());
        let signer = matched(self.hub_secrets.as_ref(), NotifyMethod::Signature, signer)?;
        Ok(Matched([path_token, basic, bearer, (NotifyMethod::Signature, signer)]))
    }
}

/// The position among `keys` that `find` tells; `None` if nothing is asked.
fn matched(
    keys: Option<&Keys>,
    method: NotifyMethod,
    find: impl FnOnce(&ActiveSecrets) -> Option<usize>,
) -> Result<Option<usize>, Denied> {
    keys.map(|keys| find(&keys.current()).ok_or(Denied(method))).transpose()
}

/// What follows the scheme in an `Authorization` header.
fn scheme<'a>(header: Option<&'a str>, name: &str) -> Option<&'a str> {
    let (scheme, rest) = header?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
}

#[cfg(test)]
#[path = "authenticate_tests.rs"]
mod tests;
