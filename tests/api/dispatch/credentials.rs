//! A key that the platform rejects, and a renewed key file.

use std::fs;

use harness::{Database, Platform, TestServer, both, eventually, sms};
use receiptd::simulator::Settings;

both!(a_renewed_key_resumes_sending);

const MESSAGES: usize = 40;

async fn a_renewed_key_resumes_sending(database: &Database) {
    let platform = Platform::with(Settings { service_key: Some("the-new-key".to_owned()), ..Settings::calm() });
    let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    fs::write(&file, "the-old-key\n").unwrap();
    let server = TestServer::on(database).sending_to(&platform.url).without("webex.service_key");
    let server = server.with("webex.service_key_file", file.to_str().unwrap()).start().await;
    for n in 0..MESSAGES {
        server.sends(&sms(&format!("order-{n}"), "Hello. [sim:silent]")).await.is(202);
    }
    let stopped = async || (server.gets("/health/ready").await.status == 503).then_some(());
    eventually("the refusal to be seen", stopped).await;
    server.gets("/health/ready").await.is_problem(503, "credentials-refused");
    server.gets("/health/ready?of=notify").await.is(200);
    fs::write(&file, "the-new-key\n").unwrap();
    let all = async || (server.ids("?status=accepted&limit=500").await.len() == MESSAGES).then_some(());
    eventually("all to be sent", all).await;
    server.gets("/health/ready").await.is(200);
    // The queue was not used up with the old key.
    let refused = platform.report().requests - MESSAGES as u64;
    assert!(refused < 20, "{refused} requests with the old key");
    server.stop().await;
    platform.stop().await;
}
