//! Sessions of people in a browser. A session begins with an API token, and a cookie with a random id stands for it. It
//! may do what its token may do at the moment, and ends with the token: when that is removed, or gets another secret.
//!
//! The store contains the hash of the id and, instead of the token's secret, an HMAC of it whose key is the id. So a copy
//! of the store opens no session and reveals no token, and every instance can check both.

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{COOKIE, HeaderValue, ORIGIN},
    middleware::Next,
    web::Data,
};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::{Identity, bearer, counted, recognize, throttle, unauthorized};
use crate::{
    config::ApiToken,
    domain::{Session, SessionKey, Timestamp},
    http::{
        host::{host, is_loopback},
        problem::{Code, Problem},
        state::App,
    },
    storage::StorageError,
};

/// The prefix makes browsers insist on `Secure`, on `Path=/`, and on this very host.
const NAME: &str = "__Host-receiptd";
/// On this machine without TLS, for which browsers differ about `Secure`.
const LOCAL_NAME: &str = "receiptd";

/// The random id of a session, as it is in the cookie.
struct CookieId([u8; 32]);

impl CookieId {
    fn parse(text: &str) -> Option<Self> {
        let mut id = [0; 32];
        hex::decode_to_slice(text, &mut id).ok().map(|()| Self(id))
    }

    fn key(&self) -> SessionKey {
        SessionKey::new(Sha256::digest(self.0).into())
    }

    /// The HMAC of a token's secret. `None` is not possible: HMAC accepts keys of any length.
    fn mac(&self, token: &ApiToken) -> Option<Hmac<Sha256>> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        Some(mac.chain_update(token.secret.expose_secret()))
    }

    fn proves(&self, session: &Session, token: &ApiToken) -> bool {
        token.name == session.token && self.mac(token).is_some_and(|mac| mac.verify_slice(&session.proof).is_ok())
    }
}

/// Returns the text of the session cookie, if the request has one.
fn cookie(request: &HttpRequest) -> Option<String> {
    let pairs = request.headers().get_all(COOKIE).filter_map(|value| value.to_str().ok());
    let pairs: Vec<(&str, &str)> =
        pairs.flat_map(|value| value.split(';')).filter_map(|it| it.split_once('=')).collect();
    let named =
        |name: &str| pairs.iter().find(|(given, _)| given.trim() == name).map(|(_, text)| text.trim().to_owned());
    named(NAME).or_else(|| named(LOCAL_NAME).filter(|_| is_at_loopback(request)))
}

/// The identity behind the session of a request, or why there is none. An extension of the request.
pub(super) struct Resumed(pub(super) Result<Identity, Problem>);

/// Looks up the session of a request that has a cookie and no token, before any extractor needs it.
pub(crate) async fn resume(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let app = request.app_data::<Data<App>>().cloned();
    if let Some((app, cookie)) = app.zip(cookie(request.request()))
        && let Some(tokens) = &app.tokens
        && bearer(request.request()).is_none()
    {
        let resumed = Resumed(identify(request.request(), &app, &tokens.current(), &cookie).await);
        request.extensions_mut().insert(resumed);
    }
    next.call(request).await
}

async fn identify(request: &HttpRequest, app: &App, tokens: &[ApiToken], cookie: &str) -> Result<Identity, Problem> {
    throttle::check(request, cookie)?;
    let Some(at) = position(app, tokens, cookie).await? else {
        throttle::record_failure(request, cookie);
        return Err(unauthorized(app, "the session has ended; log in again"));
    };
    throttle::record_success(request, cookie);
    Ok(Identity { has_session: true, ..Identity::of(counted(app, tokens, at)) })
}

/// Returns the position of the session's token. `None` if there is no such session, or it has ended.
async fn position(app: &App, tokens: &[ApiToken], cookie: &str) -> Result<Option<usize>, StorageError> {
    let Some(id) = CookieId::parse(cookie) else { return Ok(None) };
    let Some(session) = app.store.sessions.find(&id.key()).await? else { return Ok(None) };
    let now = app.clock.now();
    if session.ends_at(app.session_limits) <= now {
        return Ok(None);
    }
    let matching: Vec<bool> = tokens.iter().map(|token| id.proves(&session, token)).collect();
    let found = matching.iter().position(|matches| *matches);
    if found.is_some()
        && session.is_to_be_noted(now)
        && let Err(error) = app.store.sessions.note_use(&session.key, now).await
    {
        // The request can be answered all the same. The session ends earlier than it should.
        tracing::warn!(error = crate::observe::causes(&error), "the use of a session could not be stored");
    }
    Ok(found)
}

/// A session that has begun.
pub(crate) struct Begun {
    pub(crate) identity: Identity,
    /// The latest end, even if the session is used. `None` if the API requires no token, so there is no session.
    pub(crate) ends_at: Option<Timestamp>,
    /// The header `Set-Cookie`.
    pub(crate) cookie: Option<HeaderValue>,
}

/// Begins a session with this token.
pub(crate) async fn begin(request: &HttpRequest, app: &Data<App>, shown: &str) -> Result<Begun, Problem> {
    let Some(tokens) = &app.tokens else {
        return Ok(Begun { identity: Identity::anyone(), ends_at: None, cookie: None });
    };
    if is_in_the_clear(request) {
        let detail = "the browser would not keep the session without TLS; open this address with https://";
        return Err(Problem::new(Code::InvalidRequest, detail));
    }
    let tokens = tokens.current();
    throttle::check(request, shown)?;
    let token = recognize(request, app, &tokens, shown)?;
    let (id, now, limits) = (CookieId(rand::random()), app.clock.now(), app.session_limits);
    let proof = id.mac(token).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default();
    let session = Session { key: id.key(), token: token.name.clone(), proof, opened_at: now, used_at: now };
    app.store.sessions.open(&session, now.minus(limits.longest), now.minus(limits.idle)).await?;
    tracing::info!(token = token.name, "a session began");
    let cookie = header(request, app, &hex::encode(id.0), limits.longest.as_secs());
    let ends_at = Some(now.plus(limits.longest));
    Ok(Begun { identity: Identity { has_session: true, ..Identity::of(token) }, ends_at, cookie })
}

/// Ends the session of the request, if it has one. Returns the header `Set-Cookie` that removes the cookie.
pub(crate) async fn end(request: &HttpRequest, app: &Data<App>) -> Result<Option<HeaderValue>, Problem> {
    if let Some(id) = cookie(request).and_then(|text| CookieId::parse(&text)) {
        app.store.sessions.close(&id.key()).await?;
    }
    Ok(header(request, app, "", 0))
}

fn header(request: &HttpRequest, app: &App, value: &str, seconds: u64) -> Option<HeaderValue> {
    let is_local = app.certificate.is_none() && is_at_loopback(request) && !has_origin(request, "https://");
    let (name, secure) = if is_local { (LOCAL_NAME, "") } else { (NAME, "; Secure") };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).ok()
}

fn is_at_loopback(request: &HttpRequest) -> bool {
    host(request.head()).is_some_and(|host| is_loopback(&host))
}

/// Returns whether the browser shows the page without TLS, and not on this machine.
fn is_in_the_clear(request: &HttpRequest) -> bool {
    has_origin(request, "http://") && !is_at_loopback(request)
}

fn has_origin(request: &HttpRequest, scheme: &str) -> bool {
    let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.is_some_and(|origin| origin.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn token(name: &str, secret: &str) -> ApiToken {
        ApiToken { name: name.to_owned(), scopes: Vec::new(), secret: secret.into() }
    }

    #[test]
    fn a_session_belongs_to_one_token_and_to_its_secret() {
        let id = CookieId([7; 32]);
        let proof = id.mac(&token("desk", "s3cret")).unwrap().finalize().into_bytes().to_vec();
        let at = Timestamp::from_micros(0);
        let session = Session { key: id.key(), token: "desk".to_owned(), proof, opened_at: at, used_at: at };
        assert!(id.proves(&session, &token("desk", "s3cret")));
        assert!(!id.proves(&session, &token("desk", "another")));
        assert!(!id.proves(&session, &token("shop", "s3cret")));
        assert!(!CookieId([8; 32]).proves(&session, &token("desk", "s3cret")));
    }

    #[test]
    fn the_cookie_is_found_among_others_and_its_local_name_counts_only_at_loopback() {
        let found = |host: &str, text: &str| {
            cookie(
                &TestRequest::default().insert_header(("host", host)).insert_header(("cookie", text)).to_http_request(),
            )
        };
        assert_eq!(found("status.example.com", "a=b; __Host-receiptd=01ab;c=d").as_deref(), Some("01ab"));
        assert_eq!(found("127.0.0.1:8080", "receiptd=01ab").as_deref(), Some("01ab"));
        assert_eq!(found("status.example.com", "receiptd=01ab"), None);
        assert_eq!(found("127.0.0.1", "x__Host-receiptd=01ab; =; receiptd"), None);
    }

    #[test]
    fn an_id_is_64_digits() {
        assert!(CookieId::parse(&"0f".repeat(32)).is_some());
        for bad in ["", "0", &"0f".repeat(31), &"0f".repeat(33), &"0g".repeat(32)] {
            assert!(CookieId::parse(bad).is_none(), "{bad}");
        }
    }
}
