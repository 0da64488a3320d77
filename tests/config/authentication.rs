//! The authentication of the notify URL: one or two active secrets for each method, reloaded from files.

use std::{fs, time::Duration};

use receiptd::{config::Settings, notify::Keys};
use secrecy::ExposeSecret;
use tempfile::NamedTempFile;

use super::{from_environment, from_file, refuses};

/// The secrets of a method in the settings.
type Place = fn(&Settings) -> &Option<Keys>;

/// The setting, an example of a secret, and its place in the settings.
const METHODS: [(&str, &str, Place); 4] = [
    ("path_token", "t0ken-", |settings| &settings.authentication.path_token),
    ("hub_secrets", "hub-", |settings| &settings.authentication.hub_secrets),
    ("basic", "webex:basic-", |settings| &settings.authentication.basic),
    ("bearer", "bearer-", |settings| &settings.authentication.bearer),
];

fn texts(keys: Option<&Keys>) -> Vec<String> {
    let keys = keys.map(Keys::current);
    let secrets = keys.iter().flat_map(|keys| keys.secrets());
    secrets.map(|secret| secret.expose_secret().to_owned()).collect()
}

#[test]
fn a_method_has_one_secret_or_a_list_of_two() {
    for (name, like, of) in METHODS {
        let (old, new) = (format!("{like}old"), format!("{like}new"));
        let variable = format!("RECEIPTD_NOTIFY__{}", name.to_uppercase());
        let read = |settings: Result<Settings, _>| texts(of(&settings.unwrap()).as_ref());
        assert_eq!(read(from_file(&format!("notify.{name} = ''"))), Vec::<String>::new());
        assert_eq!(read(from_file(&format!("notify.{name} = '{old}'"))), [old.as_str()]);
        assert_eq!(read(from_file(&format!("notify.{name} = ['{old}', '{new}']"))), [old.as_str(), &new]);
        for text in [format!("{old},{new}"), format!("{old}\n{new}\n"), format!(" {old}\r\n{new} ,")] {
            assert_eq!(read(from_environment(&[(&variable, &text)])), [old.as_str(), &new], "{text:?}");
        }
        refuses(
            from_environment(&[(&variable, &[&*old, &new, &new].join(","))]),
            &[&format!("{name} must be at most two secrets")],
        );
    }
    // In a list, a comma belongs to the secret.
    let settings = from_file("notify.basic = ['webex:aa,bb']").unwrap();
    assert_eq!(texts(settings.authentication.basic.as_ref()), ["webex:aa,bb"]);
}

#[test]
fn invalid_values_are_refused() {
    for (settings, words) in [
        ("notify.hub_secrets = ['aaaa', 'bbbb', 'cccc']", "notify.hub_secrets must be at most two secrets"),
        ("notify.hub_secrets = ['aaaa', '  ']", "notify.hub_secrets must not contain a blank secret"),
        ("notify.path_token = ['aaaa', 'aaaa/b']", "notify.path_token must contain only letters, digits and -._~"),
        ("notify.basic = ['a:bbbb', 'cccc']", "notify.basic must be user:password"),
        ("notify.basic = 'a:bbbb'\nnotify.bearer = 'cccc'", "notify.basic and notify.bearer exclude each other"),
        (
            "public_url = 'http://[::1]/notify/t0kem'\nnotify.path_token = ['t0ken', 'n3w0']",
            "notify.path_token does not contain the token at the end of public_url: it must end with /notify/",
        ),
    ] {
        refuses(from_file(settings), &[words]);
    }
    for token in ["t0ken", "n3w0"] {
        let url = format!("public_url = 'http://[::1]/notify/{token}'\nnotify.path_token = ['t0ken', 'n3w0']");
        assert!(from_file(&url).is_ok(), "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_file_is_read_again_without_a_restart() {
    for (name, like, of) in METHODS {
        let path = NamedTempFile::new().unwrap().into_temp_path();
        let variable = format!("RECEIPTD_NOTIFY__{}_FILE", name.to_uppercase());
        let (old, new) = (format!("{like}old"), format!("{like}new"));
        fs::write(&path, &old).unwrap();
        let settings = from_environment(&[(&variable, path.to_str().unwrap())]).unwrap();
        let after = async |text: &str| {
            fs::write(&path, text).unwrap();
            tokio::time::advance(Duration::from_secs(1)).await;
            texts(of(&settings).as_ref())
        };
        assert_eq!(after(&format!("{old}\n{new}\n")).await, [old.as_str(), &new], "{name}");
        // Invalid contents change nothing.
        for text in ["", " \n", "a\nb\nc"] {
            assert_eq!(after(text).await, [old.as_str(), &new], "{name}: {text:?}");
        }
        assert_eq!(after(&new).await, [new.as_str()], "{name}");
    }
}

/// A secret file means that authentication is wanted, so an empty file must not disable it.
#[test]
fn an_empty_secret_file_is_refused() {
    let path = NamedTempFile::new().unwrap().into_temp_path();
    for name in ["RECEIPTD_NOTIFY__BEARER_FILE", "RECEIPTD_NOTIFY__HUB_SECRETS_FILE", "RECEIPTD_API_TOKENS_FILE"] {
        refuses(from_environment(&[(name, path.to_str().unwrap())]), &["is blank"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_must_keep_the_token_of_public_url() {
    let path = NamedTempFile::new().unwrap().into_temp_path();
    fs::write(&path, "t0ken").unwrap();
    let settings = from_environment(&[
        ("RECEIPTD_NOTIFY__PATH_TOKEN_FILE", path.to_str().unwrap()),
        ("RECEIPTD_PUBLIC_URL", "http://127.0.0.1/notify/t0ken"),
    ]);
    let settings = settings.unwrap();
    for (text, expected) in
        [("t0ken\nn3w0", &["t0ken", "n3w0"][..]), ("n3w0", &["t0ken", "n3w0"]), ("t0ken", &["t0ken"])]
    {
        fs::write(&path, text).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(texts(settings.authentication.path_token.as_ref()), expected, "{text:?}");
    }
}
