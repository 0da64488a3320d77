//! The output about how requests arrive, before any does.

use std::fs;

use harness::{
    Program,
    certificates::{Authority, Files},
    eventually, free_address,
};

use super::{block_on, ends, folder, receiptd};

#[test]
fn check_config_and_serve_check_the_certificate() {
    block_on(async {
        let (folder, authority) = (folder(), Authority::new());
        let files = Files::of(&authority.issues(2091), folder.path());
        let (certificate, key) = files.names();
        let settings = [
            ("RECEIPTD_TLS__CERTIFICATE", certificate),
            ("RECEIPTD_TLS__KEY", key),
            ("RECEIPTD_TRUSTED_PROXIES", "10.0.0.0/8,::1"),
            ("RECEIPTD_INSECURE", "true"),
            ("RECEIPTD_NOTIFY__ALLOWED_ADDRESSES", "192.0.2.0/24"),
        ];
        let run = async |command: &str| ends(receiptd(folder.path(), &[command]).envs(settings)).await;
        let words = ["HTTPS, with a certificate until 2091-01-01", "10.0.0.0/8, ::1/128", "192.0.2.0/24"];
        run("check-config").await.is(0).prints(&words);
        let words =
            ["HTTP: use a proxy with HTTPS", "none: the client's address is that of the connection", "every address"];
        ends(&mut receiptd(folder.path(), &["check-config"])).await.is(0).prints(&words);
        fs::write(&files.key, authority.issues(2091).key).unwrap();
        for command in ["check-config", "serve"] {
            run(command).await.is(1).complains("tls.key is not the key of the first certificate in tls.certificate");
        }
        fs::remove_file(&files.key).unwrap();
        for command in ["check-config", "serve"] {
            run(command).await.is(1).complains("tls.key: the file cannot be read: No such file");
        }
    });
}

#[test]
fn an_expired_certificate_is_logged() {
    block_on(async {
        let folder = folder();
        let files = Files::of(&Authority::new().issues(2020), folder.path());
        let (certificate, key) = files.names();
        let mut command = receiptd(folder.path(), &["serve", "--listen", &free_address().to_string()]);
        command.envs([("RECEIPTD_TLS__CERTIFICATE", certificate), ("RECEIPTD_TLS__KEY", key)]);
        let server = Program::start(&mut command);
        let complained = async || server.logged().contains("the certificate has expired").then_some(());
        eventually("a complaint", complained).await;
    });
}
