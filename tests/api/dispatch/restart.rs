//! A shutdown during dispatch, and a start on the same database.

use std::time::Duration;

use harness::{Database, Platform, TestServer, both, eventually, sms};
use receiptd::simulator::Settings;

both!(a_shutdown_during_dispatch_loses_and_repeats_nothing);

/// So many that, with four at a time, they are not all sent before a busy machine stops the server.
const MESSAGES: u64 = 200;

async fn a_shutdown_during_dispatch_loses_and_repeats_nothing(database: &Database) {
    let platform = Platform::with(Settings { answer_delay: Duration::from_millis(500), ..Settings::calm() });
    let mut server = TestServer::on(database).sending_to(&platform.url).with("send.in_flight", "4").start().await;
    for n in 0..MESSAGES {
        server.sends(&sms(&format!("order-{n}"), "Hello. [sim:silent]")).await.is(202);
    }
    let total = async || platform.report().accepted;
    for part in [4, 16] {
        eventually("some to be dispatched", async || (total().await >= part).then_some(())).await;
        let setup = server.stopped().await;
        // The messages in dispatch are settled, and no other dispatch has begun.
        let statuses = database.texts("SELECT DISTINCT status FROM messages ORDER BY status").await;
        assert_eq!(statuses, ["accepted", "queued"], "after the stop at {part}");
        let accepted = database.texts("SELECT correlation_id FROM messages WHERE status = 'accepted'").await;
        assert_eq!(accepted.len() as u64, total().await);
        server = if part == 16 { setup.without("send.in_flight") } else { setup }.start().await;
    }
    eventually("all to be dispatched", async || (total().await >= MESSAGES).then_some(())).await;
    let accepted = async || (server.ids("?status=accepted&limit=500").await.len() as u64 == MESSAGES).then_some(());
    eventually("all outcomes to be stored", accepted).await;
    assert_eq!(platform.report().accepted_by_correlation_id.len() as u64, MESSAGES);
    server.stop().await;
    platform.stop().await;
}
