//! The requirements for a server that others can reach, and the rules for the path of the notify URL.

use std::{fs, time::Duration};

use receiptd::config::{ConfigError, Settings};
use tempfile::NamedTempFile;

use super::{PLATFORM, from_environment, from_file, refuses};

const LONG: &str = "0123456789abcdef";

/// The ways in which others reach a server, each alone.
const EXPOSED: [(&str, &str); 5] = [
    ("listen = '0.0.0.0:80'", "listen is an address that others can reach, so "),
    ("listen = '[fd00::1]:80'", "listen is an address that others can reach, so "),
    ("public_url = 'https://status.example.com/notify'", "public_url is an address that others can reach, so "),
    (
        "public_url_rewritten = true\npublic_url = 'https://status.example.com/hooks'",
        "public_url is an address that others can reach, so ",
    ),
    ("trusted_proxies = '127.0.0.1'", "trusted_proxies is set, so requests of others arrive through a proxy, so "),
];

#[test]
fn an_exposed_server_requires_tokens_and_notify_authentication() {
    let (tokens, bearer) = (format!("\napi.tokens = 'ops:admin:{LONG}'"), format!("\nnotify.bearer = '{LONG}'"));
    for (exposed, reason) in EXPOSED {
        let (api, notify) = (format!("{reason}api.tokens must"), format!("{reason}one of notify.path_token"));
        refuses(from_file(exposed), &[&api, &notify]);
        refuses(from_file(&format!("{exposed}{tokens}")), &[&notify]);
        refuses(from_file(&format!("{exposed}{bearer}")), &[&api]);
        assert!(from_file(&format!("{exposed}{tokens}{bearer}")).is_ok(), "{exposed}");
        assert!(from_file(&format!("{exposed}\ninsecure = true")).is_ok(), "{exposed}");
    }
    for local in ["", "public_url = 'http://localhost:8080/notify'", "listen = '[::1]:1'", "listen = '127.8.8.8:1'"] {
        assert!(from_file(local).is_ok(), "{local}");
    }
}

/// Settings with an API token and one secret of each method of the notify URL that can be combined.
fn with(exposed: &str, [api, hub, password]: [&str; 3]) -> Result<Settings, ConfigError> {
    from_file(&format!(
        "{exposed}\napi.tokens = 'ops:admin:{api}'\n[notify]\nhub_secrets = ['{LONG}', '{hub}']\n\
         basic = 'a-long-user-name:{password}'"
    ))
}

#[test]
fn a_short_secret_is_refused_on_an_exposed_server() {
    for (exposed, _) in EXPOSED {
        assert!(with(exposed, [LONG; 3]).is_ok(), "{exposed}");
        for short in 0..3 {
            let mut secrets = [LONG; 3];
            secrets[short] = &LONG[1..];
            refuses(with(exposed, secrets), &["has a secret of fewer than 16 bytes"]);
        }
        assert!(with(&format!("{exposed}\ninsecure = true"), ["t0ken"; 3]).is_ok(), "{exposed}");
    }
    for name in ["path_token", "bearer"] {
        let file = format!("listen = '0.0.0.0:1'\napi.tokens = 'ops:admin:{LONG}'\nnotify.{name} = 'short'");
        refuses(from_file(&file), &[&format!("notify.{name} has a secret of fewer than 16 bytes")]);
    }
    let both = format!("listen = '0.0.0.0:1'\napi.tokens = ['a:read:{LONG}', 'b:read:x']\nnotify.bearer = '{LONG}'");
    refuses(from_file(&both), &["api.tokens: number 2 has a secret of fewer than 16 bytes"]);
}

#[test]
fn a_short_secret_on_a_local_server_is_a_warning_and_a_single_letter_is_refused() {
    let settings = with("", ["t0ken"; 3]).unwrap();
    assert_eq!(settings.warnings.len(), 3, "{:?}", settings.warnings);
    for name in ["api.tokens", "notify.hub_secrets", "notify.basic"].map(|name| format!("{name} has a secret of fewer"))
    {
        assert!(settings.warnings.iter().any(|warning| warning.starts_with(&name)), "{:?}", settings.warnings);
    }
    assert!(with("", [LONG; 3]).unwrap().warnings.is_empty());
    for short in 0..3 {
        let mut secrets = [LONG; 3];
        secrets[short] = "x";
        refuses(with("", secrets), &["has a secret of fewer than 4 bytes"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewed_secret_must_not_be_too_short() {
    let path = NamedTempFile::new().unwrap().into_temp_path();
    fs::write(&path, LONG).unwrap();
    let tokens = format!("ops:admin:{LONG}");
    let settings = from_environment(&[
        ("RECEIPTD_LISTEN", "0.0.0.0:80"),
        ("RECEIPTD_API_TOKENS", &tokens),
        ("RECEIPTD_NOTIFY__BEARER_FILE", path.to_str().unwrap()),
    ]);
    let bearer = settings.unwrap().authentication.bearer.unwrap();
    fs::write(&path, "short").unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(bearer.current().position(LONG), Some(0));
}

#[test]
fn a_public_url_that_the_server_does_not_serve_is_refused() {
    let refused = "public_url must end with /notify, or with /notify/ and one of notify.path_token";
    for path in ["", "/", "/other/notify", "/notify?x=1", "/notify#x", "/notify/t0ken/x", "/v1/messages", "/NOTIFY"] {
        let setting = format!("public_url = 'http://127.0.0.1{path}'");
        refuses(from_file(&setting), &[refused]);
        assert!(from_file(&format!("{setting}\npublic_url_rewritten = true")).is_ok(), "{path}");
    }
    refuses(
        from_file("public_url = 'http://127.0.0.1/notify/t0ken'"),
        &["public_url ends with a token, but notify.path_token is not set"],
    );
    let token = "notify.path_token = 't0ken'";
    refuses(
        from_file(&format!("public_url = 'http://127.0.0.1/notify'\n{token}")),
        &["notify.path_token does not contain the token at the end of public_url"],
    );
    for url in ["http://127.0.0.1/notify/t0ken", "http://127.0.0.1/notify/t0ken/"] {
        assert!(from_file(&format!("public_url = '{url}'\n{token}")).is_ok(), "{url}");
    }
    let rewritten = format!("public_url = 'http://127.0.0.1/hooks/webex'\npublic_url_rewritten = true\n{token}");
    assert!(from_file(&rewritten).is_ok());
}

#[test]
fn notify_authentication_by_header_requires_the_platforms_authorization_id() {
    for (name, value) in [("RECEIPTD_NOTIFY__BASIC", "webex:p4ssword"), ("RECEIPTD_NOTIFY__BEARER", "b34rer")] {
        let settings = [&PLATFORM[..], &[(name, value)]].concat();
        refuses(
            from_environment(&settings),
            &["webex.notify_auth_id must be set: notify.basic and notify.bearer require"],
        );
        let named = [&settings[..], &[("RECEIPTD_WEBEX__NOTIFY_AUTH_ID", "TN0EXMPL7A")]].concat();
        assert!(from_environment(&named).is_ok(), "{name}");
        assert!(from_environment(&[(name, value)]).is_ok(), "{name} without sending");
    }
}
