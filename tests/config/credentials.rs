//! The credentials for the platform.

use std::{fs, time::Duration};

use receiptd::{domain::Timestamp, send::Credentials, webex::request::KeyIn};
use secrecy::ExposeSecret;
use tempfile::NamedTempFile;

use super::{PLATFORM, from_environment, refuses};

/// The settings of a JWT instead of a key.
pub(crate) const SERVICE: [(&str, &str); 2] =
    [("RECEIPTD_WEBEX__SERVICE_ID", "service-0"), ("RECEIPTD_WEBEX__SERVICE_SECRET", "czNjcmV0")];

/// The header with the credentials.
pub(crate) fn shown(credentials: &Credentials) -> String {
    let (name, value) = credentials.header(KeyIn::KeyHeader, Timestamp::default()).unwrap();
    format!("{name}: {}", value.expose_secret())
}

/// A platform to send to, with these settings.
fn with<'a>(settings: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[PLATFORM[0], PLATFORM[2]], settings].concat()
}

fn credentials(settings: &[(&str, &str)]) -> Credentials {
    from_environment(&with(settings)).unwrap().send.unwrap().credentials
}

#[test]
fn a_key_or_a_token_is_sent() {
    assert_eq!(shown(&credentials(&[PLATFORM[1]])), "key: k3y-s3cret");
    assert!(shown(&credentials(&SERVICE)).starts_with("authorization: Bearer ey"));
}

#[test]
fn contradictory_or_invalid_credentials_are_refused() {
    let ([id, secret], key) = (SERVICE, PLATFORM[1]);
    let both = "webex.service_key excludes webex.service_id and webex.service_secret: with both, the platform ignores";
    let together = "webex.service_id and webex.service_secret go together: a JWT needs both";
    for (settings, words) in [
        (&[][..], "webex.service_key must be set if"),
        (&[key, id, secret], both),
        (&[key, id], both),
        (&[id], together),
        (&[secret], together),
        (&[id, (secret.0, "pl4nted!")], "webex: the service secret is not base64"),
        (&[(id.0, " "), secret], "webex: the service id is blank"),
        (&[(key.0, "pl4nted key")], "webex: the service key contains characters that a header cannot contain"),
    ] {
        let result = from_environment(&with(settings));
        assert!(!format!("{result:?}").contains("pl4nted"));
        refuses(result, &[words]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_file_is_read_again_without_a_restart() {
    for (variable, others, values) in [
        ("RECEIPTD_WEBEX__SERVICE_KEY_FILE", &[][..], ["first\n", "second\n"]),
        ("RECEIPTD_WEBEX__SERVICE_ID_FILE", &SERVICE[1..], ["first\n", "second\n"]),
        ("RECEIPTD_WEBEX__SERVICE_SECRET_FILE", &SERVICE[..1], ["b2xk\n", "bmV3\n"]),
    ] {
        let path = NamedTempFile::new().unwrap().into_temp_path();
        fs::write(&path, values[0]).unwrap();
        let credentials = credentials(&[others, &[(variable, path.to_str().unwrap())]].concat());
        let before = shown(&credentials);
        fs::write(&path, values[1]).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_ne!(shown(&credentials), before, "{variable}");
    }
}
