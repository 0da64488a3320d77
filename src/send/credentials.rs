//! The credentials that we present to the platform: the key of a service, or a token that is signed with its secret.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_URL_SAFE_NO_PAD,
};
use hmac::{Hmac, KeyInit, Mac, digest::InvalidLength};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::json;
use sha2::Sha256;

use crate::{
    domain::Timestamp,
    secret::{InvalidSecret, ReloadableSecret, SecretSource},
    webex::request::KeyIn,
};

/// The credentials of a service (the pages `api-authentication` and `using-jwt-for-api-authentication` of
/// developers.webexconnect.io).
#[derive(Clone)]
pub struct Credentials(Kind);

#[derive(Clone)]
enum Kind {
    Key(ReloadableSecret),
    Jwt { id: ReloadableSecret, secret: ReloadableSecret, token: Arc<Mutex<Option<Token>>> },
}

/// The reason why credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The service key is blank, or contains something other than visible ASCII.
    #[error("the service key {0}")]
    Key(InvalidSecret),
    /// The service id is blank.
    #[error("the service id {0}")]
    Id(InvalidSecret),
    /// The service secret is blank, or is not base64.
    #[error("the service secret {0}")]
    Secret(InvalidSecret),
    /// HMAC accepts a key of any length, so this does not happen.
    #[error("a token cannot be signed")]
    Token(#[source] InvalidLength),
}

/// A token, and what it was made from.
struct Token {
    value: String,
    made_at: Timestamp,
    id: Arc<SecretString>,
    secret: Arc<SecretString>,
}

/// A token is valid for 60 minutes. The difference allows for clocks that differ, and for a request that waits.
const RENEWED_AFTER: Duration = Duration::from_mins(50);

/// The standard alphabet. The platform's documentation does not say whether it pads.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Credentials {
    /// Uses the service key, which is shown in the API tab of the service.
    pub fn key(key: SecretSource) -> Result<Self, CredentialsError> {
        Ok(Self(Kind::Key(ReloadableSecret::new(key, visible).map_err(CredentialsError::Key)?)))
    }

    /// Uses tokens that are signed with the service secret, which is base64.
    pub fn jwt(id: SecretSource, secret: SecretSource) -> Result<Self, CredentialsError> {
        let id = ReloadableSecret::new(id, |text| Ok(text.into())).map_err(CredentialsError::Id)?;
        let secret = ReloadableSecret::new(secret, |text| decoded(text).map(|_| text.into()))
            .map_err(CredentialsError::Secret)?;
        Ok(Self(Kind::Jwt { id, secret, token: Arc::default() }))
    }

    /// Returns the name and the value of the header for a request at `now`.
    pub fn header(&self, key_in: KeyIn, now: Timestamp) -> Result<(&'static str, SecretString), CredentialsError> {
        match &self.0 {
            Kind::Key(key) => {
                let name = match key_in {
                    KeyIn::KeyHeader => "key",
                    KeyIn::Authorization => "authorization",
                };
                Ok((name, SecretString::clone(&key.current())))
            }
            Kind::Jwt { id, secret, token } => {
                let (id, secret) = (id.current(), secret.current());
                let mut token = token.lock().unwrap_or_else(PoisonError::into_inner);
                let value = match token.take().filter(|token| token.is_good(&id, &secret, now)) {
                    Some(good) => token.insert(good),
                    None => token.insert(Token::make(id, secret, now)?),
                };
                Ok(("authorization", format!("Bearer {}", value.value).into()))
            }
        }
    }

    /// Reads again the files that the credentials come from.
    pub fn reread(&self) {
        match &self.0 {
            Kind::Key(key) => key.reread(),
            Kind::Jwt { id, secret, .. } => {
                id.reread();
                secret.reread();
            }
        }
    }

    /// Waits until the credentials differ from those that were used last; forever if they never change.
    pub(super) async fn renewed(&self) {
        match &self.0 {
            Kind::Key(key) => key.renewed().await,
            Kind::Jwt { id, secret, .. } => tokio::select! {
                () = id.renewed() => {}
                () = secret.renewed() => {}
            },
        }
    }
}

impl Token {
    fn make(id: Arc<SecretString>, secret: Arc<SecretString>, now: Timestamp) -> Result<Self, CredentialsError> {
        let key = SecretSlice::from(decoded(secret.expose_secret()).map_err(CredentialsError::Secret)?);
        let claims = json!({ "iss": id.expose_secret(), "iat": now.as_micros().div_euclid(1_000_000) });
        let value = signed(r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string(), key.expose_secret())
            .map_err(CredentialsError::Token)?;
        Ok(Self { value, made_at: now, id, secret })
    }

    /// Returns whether the token can still be used. If the clock was set back, a new one is made, since the platform
    /// may reject a token from the future.
    fn is_good(&self, id: &Arc<SecretString>, secret: &Arc<SecretString>, now: Timestamp) -> bool {
        let is_same = Arc::ptr_eq(&self.id, id) && Arc::ptr_eq(&self.secret, secret);
        is_same && self.made_at <= now && now.since(self.made_at) < RENEWED_AFTER
    }
}

/// A JSON Web Token with HS256 (RFC 7515): header and claims, and the HMAC over both.
fn signed(header: &str, claims: &str, key: &[u8]) -> Result<String, InvalidLength> {
    let mut token = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(claims));
    let signature = Hmac::<Sha256>::new_from_slice(key)?.chain_update(&token).finalize().into_bytes();
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

fn visible(text: &str) -> Result<SecretString, InvalidSecret> {
    let fits = text.chars().all(|c| c.is_ascii_graphic());
    if fits { Ok(text.into()) } else { Err(InvalidSecret("contains characters that a header cannot contain")) }
}

fn decoded(text: &str) -> Result<Vec<u8>, InvalidSecret> {
    BASE64.decode(text).map_err(|_| InvalidSecret("is not base64; copy it as the platform shows it"))
}

/// Shows only the kind, and no secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Key(_) => "Credentials::Key",
            Kind::Jwt { .. } => "Credentials::Jwt",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;
    use tokio::time::{advance, timeout};

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_779_282_901_708_123);

    fn source(text: &str) -> SecretSource {
        SecretString::from(text).into()
    }

    fn jwt() -> Credentials {
        // "the signing key" in base64
        Credentials::jwt(source("service-1"), source("dGhlIHNpZ25pbmcga2V5")).unwrap()
    }

    fn shown(credentials: &Credentials, key_in: KeyIn, now: Timestamp) -> (&'static str, String) {
        let (name, value) = credentials.header(key_in, now).unwrap();
        (name, value.expose_secret().to_owned())
    }

    fn token(credentials: &Credentials, now: Timestamp) -> String {
        let (name, value) = shown(credentials, KeyIn::KeyHeader, now);
        assert_eq!(name, "authorization");
        value.strip_prefix("Bearer ").unwrap().to_owned()
    }

    #[test]
    fn the_key_goes_where_the_api_wants_it() {
        let key = Credentials::key(source("k3y")).unwrap();
        assert_eq!(shown(&key, KeyIn::KeyHeader, NOW), ("key", "k3y".to_owned()));
        assert_eq!(shown(&key, KeyIn::Authorization, NOW), ("authorization", "k3y".to_owned()));
        assert_eq!(shown(&jwt(), KeyIn::Authorization, NOW), shown(&jwt(), KeyIn::KeyHeader, NOW));
    }

    /// The example of RFC 7515, appendix A.1.
    #[test]
    fn a_signature_is_that_of_the_standard() {
        let key = BASE64_URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let claims = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
        assert_eq!(
            signed("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}", claims, &key).unwrap(),
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9\
             .eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ\
             .dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        );
    }

    #[test]
    fn a_token_is_what_the_platform_documents() {
        let token = token(&jwt(), NOW);
        let parts: Vec<&str> = token.split('.').collect();
        let part = |n: usize| BASE64_URL_SAFE_NO_PAD.decode(parts[n]).unwrap();
        let json = |n: usize| serde_json::from_slice::<Value>(&part(n)).unwrap();
        assert_eq!((parts.len(), json(0)), (3, json!({ "alg": "HS256", "typ": "JWT" })));
        assert_eq!(json(1), json!({ "iss": "service-1", "iat": 1_779_282_901 }));
        let mut mac = Hmac::<Sha256>::new_from_slice(b"the signing key").unwrap();
        mac.update(format!("{}.{}", parts[0], parts[1]).as_bytes());
        mac.verify_slice(&part(2)).unwrap();
    }

    #[test]
    fn a_token_is_kept_until_shortly_before_its_hour_is_over() {
        let credentials = jwt();
        let first = token(&credentials, NOW);
        assert_eq!(token(&credentials, NOW.plus(Duration::from_secs(50 * 60 - 1))), first);
        let later = NOW.plus(Duration::from_mins(50));
        let second = token(&credentials, later);
        assert_ne!(second, first);
        assert_eq!(token(&credentials.clone(), later.plus(Duration::from_mins(1))), second, "clones share it");
        assert_eq!(token(&credentials, NOW), first, "the clock was set back");
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewed_secret_makes_a_token_at_once() {
        let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        fs::write(&file, "b2xk").unwrap();
        let secret = SecretSource { value: "b2xk".into(), file: Some(file.to_path_buf()) };
        let credentials = Credentials::jwt(source("service-1"), secret).unwrap();
        let old = token(&credentials, NOW);
        fs::write(&file, "not base64!").unwrap();
        advance(Duration::from_secs(1)).await;
        assert_eq!(token(&credentials, NOW), old);
        assert!(timeout(Duration::from_secs(5), credentials.renewed()).await.is_err());
        fs::write(&file, "bmV3").unwrap();
        credentials.renewed().await;
        assert_ne!(token(&credentials, NOW), old);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_the_reason() {
        for (credentials, words) in [
            (Credentials::key(source("k\ney")), "the service key contains characters"),
            (Credentials::key(source("")), "the service key is blank"),
            (Credentials::jwt(source(""), source("b2xk")), "the service id is blank"),
            (Credentials::jwt(source("id"), source("s3cret?")), "the service secret is not base64"),
        ] {
            let error = credentials.unwrap_err().to_string();
            assert!(error.starts_with(words) && !error.contains("s3cret"), "{error}");
        }
        for padded in ["b2xkeQ==", "b2xkeQ"] {
            assert!(Credentials::jwt(source("id"), source(padded)).is_ok(), "{padded}");
        }
        assert_eq!(format!("{:?}", jwt()), "Credentials::Jwt");
    }
}
