//! A server that receives SIGHUP, and one that receives garbage.

use std::process::Command;

use harness::{Raw, by_hand, eventually};

use super::{block_on, serve};

#[test]
fn sighup_reloads_secrets_and_does_not_end_the_server() {
    block_on(async {
        let server = serve(&[("RECEIPTD_NOTIFY__BEARER", "b34rer-token")]).await;
        let hangup = ["-s", "HUP", &server.program.id().to_string()];
        assert!(Command::new("kill").args(hangup).status().unwrap().success());
        let told = async || server.program.logged().contains("SIGHUP: secrets and certificates").then_some(());
        eventually("the log to say so", told).await;
        server.client.gets("/health/live").await.is(200);
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn a_malformed_request_is_not_logged_as_an_error() {
    block_on(async {
        let server = serve(&[]).await;
        let address = server.url.strip_prefix("http://").unwrap().parse().unwrap();
        for garbage in ["GARBAGE\u{1}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n"] {
            by_hand(move || {
                let mut connection = Raw::connect(address);
                connection.sends(garbage);
                connection.ending()
            })
            .await;
        }
        let ended = server.program.ends_on("TERM").await.is(0);
        assert!(!ended.err.contains("ERROR") && !ended.err.contains("actix"), "{}", ended.err);
    });
}
