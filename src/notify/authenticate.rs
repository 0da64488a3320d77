//! Whether a request to the notify URL may be believed.

use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::webex::signature;

/// What is asked of a request. Each part that is set is required; none set lets everybody in.
#[derive(Clone, Debug, Default)]
pub struct Authentication {
    /// The last part of the path.
    pub path_token: Option<SecretString>,
    /// One of these must have signed the body.
    pub hub_secrets: Vec<SecretString>,
    /// `user:password` of HTTP Basic.
    pub basic: Option<SecretString>,
    /// A bearer token.
    pub bearer: Option<SecretString>,
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

impl Authentication {
    /// Whether anything is asked at all.
    pub fn is_open(&self) -> bool {
        self.path_token.is_none() && self.hub_secrets.is_empty() && self.basic.is_none() && self.bearer.is_none()
    }

    /// Checks a request. Comparisons take the same time whatever is compared.
    pub fn check(&self, shown: &Credentials<'_>, body: &[u8]) -> Result<(), Denied> {
        if self.path_token.as_ref().is_some_and(|token| !same(token, shown.path_token.unwrap_or_default())) {
            return Err(Denied("token in the path"));
        }
        if let Some(basic) = &self.basic {
            let given = scheme(shown.authorization, "basic").and_then(|text| BASE64_STANDARD.decode(text).ok());
            let given = given.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
            if !same(basic, &given) {
                return Err(Denied("basic authorization"));
            }
        }
        if self
            .bearer
            .as_ref()
            .is_some_and(|token| !same(token, scheme(shown.authorization, "bearer").unwrap_or_default()))
        {
            return Err(Denied("bearer token"));
        }
        let signed = || signature::signer(shown.signature.unwrap_or_default(), body, &self.hub_secrets).is_some();
        if !self.hub_secrets.is_empty() && !signed() {
            return Err(Denied("signature"));
        }
        Ok(())
    }
}

/// Whether a text is the secret, in a time that tells neither where they differ nor how long the secret is.
pub(crate) fn same(secret: &SecretString, text: &str) -> bool {
    Sha256::digest(secret.expose_secret()).ct_eq(&Sha256::digest(text)).into()
}

/// What follows the scheme in an `Authorization` header.
fn scheme<'a>(header: Option<&'a str>, name: &str) -> Option<&'a str> {
    let (scheme, rest) = header?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(asked: &Authentication, shown: Credentials<'_>) -> Option<&'static str> {
        asked.check(&shown, b"{}").err().map(|denied| denied.0)
    }

    #[test]
    fn nothing_set_lets_everybody_in() {
        assert!(Authentication::default().is_open());
        assert_eq!(denied(&Authentication::default(), Credentials::default()), None);
    }

    #[test]
    fn each_part_that_is_set_is_required() {
        let asked = Authentication {
            path_token: Some("t0ken".into()),
            hub_secrets: vec![SecretString::from("old"), SecretString::from("new")],
            basic: None,
            bearer: Some("b3arer".into()),
        };
        let signature = signature::sign(b"{}", &asked.hub_secrets[1]);
        let good = Credentials {
            path_token: Some("t0ken"),
            authorization: Some("Bearer b3arer"),
            signature: Some(&signature),
        };
        assert_eq!(denied(&asked, good), None);
        for path_token in [None, Some(""), Some("t0ke"), Some("t0ken1")] {
            assert_eq!(denied(&asked, Credentials { path_token, ..good }), Some("token in the path"));
        }
        for authorization in [None, Some("Bearer"), Some("Bearer x"), Some("Basic b3arer"), Some("b3arer")] {
            assert_eq!(denied(&asked, Credentials { authorization, ..good }), Some("bearer token"));
        }
        for signature in [None, Some(""), Some("sha256=00")] {
            assert_eq!(denied(&asked, Credentials { signature, ..good }), Some("signature"));
        }
    }

    #[test]
    fn basic_is_user_and_password() {
        let asked = Authentication { basic: Some("webex:s3cret".into()), ..Authentication::default() };
        let shown = |authorization| Credentials { authorization, ..Credentials::default() };
        assert_eq!(denied(&asked, shown(Some("basic d2ViZXg6czNjcmV0"))), None);
        for header in [None, Some("Basic d2ViZXg6"), Some("Basic %"), Some("Basic /w==")] {
            assert_eq!(denied(&asked, shown(header)), Some("basic authorization"));
        }
    }
}
