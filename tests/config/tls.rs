//! The certificate of the server: its sources, the errors in it, and its renewal.

use std::{fs, path::Path, sync::LazyLock, time::Duration};

use harness::certificates::{Authority, Files, Pair};
use receiptd::tls::Certificate;
use tempfile::TempDir;

use super::{from_environment, refuses};

const CERTIFICATE: &str = "RECEIPTD_TLS__CERTIFICATE";
const KEY: &str = "RECEIPTD_TLS__KEY";

/// The settings of a certificate, for tests that need any.
pub(crate) static SAMPLE: LazyLock<[(&str, &str); 2]> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let files = Box::leak(Box::new(Files::of(&Authority::new().issues(2090), folder)));
    let (certificate, key) = files.names();
    [(CERTIFICATE, certificate), (KEY, key)]
});

fn certificate(settings: &[(&str, &str)]) -> Certificate {
    from_environment(settings).unwrap().certificate.unwrap()
}

fn is_good_until(certificate: &Certificate, year: &str) {
    assert_eq!(certificate.good_until().to_string(), format!("{year}-01-01T00:00:00.000Z"));
}

#[test]
fn a_certificate_is_given_by_path_secret_file_or_content() {
    let (folder, pair) = (TempDir::new().unwrap(), Authority::new().issues(2091));
    let files = Files::of(&pair, folder.path());
    let marked = folder.path().join("marked.pem");
    // Two concatenated files, each with a byte order mark.
    fs::write(&marked, format!("\u{FEFF}{}\u{FEFF}{}", pair.key, pair.certificate)).unwrap();
    let marked = marked.to_str().unwrap();
    let both = folder.path().join("both.pem");
    fs::write(&both, format!("a comment\n{}{}", pair.key, pair.certificate)).unwrap();
    let ((path, key_path), both) = (files.names(), both.to_str().unwrap());
    for settings in [
        [(CERTIFICATE, path), (KEY, key_path)],
        [("RECEIPTD_TLS__CERTIFICATE_FILE", path), ("RECEIPTD_TLS__KEY_FILE", key_path)],
        [(CERTIFICATE, &pair.certificate), (KEY, &pair.key)],
        [(CERTIFICATE, both), ("RECEIPTD_TLS__KEY_FILE", both)],
        [(CERTIFICATE, marked), ("RECEIPTD_TLS__KEY_FILE", marked)],
    ] {
        is_good_until(&certificate(&settings), "2091");
    }
}

#[test]
fn an_invalid_certificate_is_refused_without_revealing_the_key() {
    let authority = Authority::new();
    let (Pair { certificate, key }, other) = (authority.issues(2091), authority.issues(2091));
    let damaged = |pem: &str| pem.replacen("\nM", "\n!pl4nted", 1);
    let (not_pem, not_key) = (damaged(&certificate), damaged(&key));
    let not_x509 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let not_asymmetric = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (certificate, key, words) in [
        (certificate.as_str(), "", "tls.certificate and tls.key go together"),
        ("", key.as_str(), "tls.certificate and tls.key go together"),
        ("/nowhere/pl4nted.pem", &key, "tls.certificate: the file cannot be read: No such file"),
        (&certificate, "pl4nted", "tls.key: the file cannot be read: No such file"),
        (&certificate, "/dev/null", "tls.key is blank"),
        (&key, &key, "tls.certificate contains no certificate in PEM"),
        (&not_pem, &key, "tls.certificate is not well-formed PEM"),
        (not_x509, &key, "tls.certificate contains no X.509 certificate"),
        (&certificate, &certificate, "tls.key contains no private key in PEM, or one that is encrypted"),
        (&certificate, &not_key, "tls.key contains no private key in PEM"),
        (&certificate, not_asymmetric, "tls.key is not an RSA, ECDSA or Ed25519 key"),
        (&certificate, &other.key, "tls.key is not the key of the first certificate in tls.certificate"),
        (&(authority.pem() + &certificate), &key, "tls.key is not the key of the first certificate in tls.certificate"),
    ] {
        let result = from_environment(&[(CERTIFICATE, certificate), (KEY, key)]);
        let shown = format!("{result:?}");
        let of_key = key.lines().nth(1).filter(|line| line.len() > 4);
        assert!(!shown.contains("pl4nted") && of_key.is_none_or(|line| !shown.contains(line)), "{shown}");
        refuses(result, &[words]);
    }
}

/// The keys were made for this test with OpenSSL, and are not used anywhere.
#[test]
fn an_unsupported_key_is_named_by_its_type() {
    let certificate = Authority::new().issues(2091).certificate;
    for (key, name) in [
        (
            include_str!("keys/p521.pem"),
            "tls.key is an ECDSA key on P-521, which receiptd does not support; use ECDSA on",
        ),
        (include_str!("keys/p521-p8.pem"), "tls.key is an ECDSA key on P-521"),
        (include_str!("keys/k1.pem"), "tls.key is an ECDSA key on secp256k1"),
        (include_str!("keys/rsa1024.pem"), "tls.key is an RSA key of fewer than 2048 bits"),
        (include_str!("keys/rsa1024-p8.pem"), "tls.key is an RSA key of fewer than 2048 bits"),
        (include_str!("keys/pss.pem"), "tls.key is an RSA-PSS key"),
        (include_str!("keys/dsa.pem"), "tls.key is a DSA key"),
        (include_str!("keys/ed448.pem"), "tls.key is an Ed448 key"),
        (include_str!("keys/x25519.pem"), "tls.key is an X25519 key"),
    ] {
        refuses(from_environment(&[(CERTIFICATE, &certificate), (KEY, key)]), &[name]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reload_reads_the_files_at_once() {
    let (folder, authority) = (TempDir::new().unwrap(), Authority::new());
    let files = Files::of(&authority.issues(2091), folder.path());
    let (path, key_path) = files.names();
    let settings = from_environment(&[(CERTIFICATE, path), (KEY, key_path)]).unwrap();
    files.become_those_of(&authority.issues(2092));
    settings.reread();
    is_good_until(&settings.certificate.unwrap(), "2092");
}

#[tokio::test(start_paused = true)]
async fn a_new_pair_is_used_within_a_second_and_an_invalid_one_is_not() {
    let (folder, authority) = (TempDir::new().unwrap(), Authority::new());
    let files = Files::of(&authority.issues(2091), folder.path());
    let (path, key_path) = files.names();
    for [certificate_by, key_by] in [[CERTIFICATE, KEY], ["RECEIPTD_TLS__CERTIFICATE_FILE", "RECEIPTD_TLS__KEY_FILE"]] {
        files.become_those_of(&authority.issues(2091));
        let certificate = certificate(&[(certificate_by, path), (key_by, key_path)]);
        let is_soon_good_until = async |year| {
            tokio::time::advance(Duration::from_secs(1)).await;
            is_good_until(&certificate, year);
        };
        let (second, third) = (authority.issues(2092), authority.issues(2093));
        files.become_those_of(&second);
        is_soon_good_until("2092").await;
        // Half of a pair.
        fs::write(&files.certificate, &third.certificate).unwrap();
        is_soon_good_until("2092").await;
        fs::write(&files.key, &third.key).unwrap();
        is_soon_good_until("2093").await;
        for broken in ["", "no certificate", &second.key] {
            fs::write(&files.certificate, broken).unwrap();
            is_soon_good_until("2093").await;
        }
        fs::remove_file(&files.certificate).unwrap();
        is_soon_good_until("2093").await;
        files.become_those_of(&second);
        is_soon_good_until("2092").await;
    }
}
