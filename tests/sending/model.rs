//! After a play: what we say of each message agrees with what the platform saw.

use harness::{Database, Platform, both};
use receiptd::{
    domain::{Dispatch, Status},
    send::OnUnknown,
    simulator::Settings,
};

use crate::{
    play::{End, Kind, Played, play, the_platform_tells},
    stage::Stage,
};

both!(with_hold_no_message_is_sent_twice_and_none_is_forgotten, with_resend_none_is_left_out);

/// How many plays; each from a seed of its own, which a failure names.
fn plays() -> u64 {
    std::env::var("RECEIPTD_TEST_PLAYS").ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}

fn check(played: &Played, rule: impl Fn(&End) -> bool, what: &str) {
    let broken: Vec<_> = played.ends.iter().filter(|end| !rule(end)).collect();
    assert!(broken.is_empty(), "seed {}: {what}: {broken:#?}", played.seed);
}

/// Whatever happens.
fn agrees(played: &Played) {
    check(played, |end| !matches!(end.dispatch, Dispatch::Queued | Dispatch::Sending), "forgotten");
    check(played, |end| end.dispatch != Dispatch::Accepted || end.times > 0, "the platform does not have it");
    check(played, |end| end.kind != Kind::Refuses || end.times == 0, "the platform took what it refuses");
}

async fn with_hold_no_message_is_sent_twice_and_none_is_forgotten(database: &Database) {
    let platform = Platform::with(Settings::calm());
    for seed in 0..plays() {
        let played = play(database, &platform, OnUnknown::Hold, seed).await;
        agrees(&played);
        check(&played, |end| end.times <= 1, "sent twice");
        let ended = |end: &End| matches!(end.dispatch, Dispatch::Rejected | Dispatch::Cancelled | Dispatch::Expired);
        check(&played, |end| end.times == 0 || !ended(end), "it says that the platform does not have it");
        check(&played, |end| end.kind != Kind::TakesSilently || end.dispatch != Dispatch::Accepted, "nobody said so");
        // What the platform has after all, a notification settles, and only that.
        let stage = Stage::on(database).await;
        for end in played.ends.iter().filter(|end| end.dispatch == Dispatch::Unconfirmed && end.times == 1) {
            the_platform_tells(&stage, &end.id).await;
            let message = stage.message(&end.id).await;
            assert_eq!((message.status, message.is_final), (Status::Delivered, true), "{end:?}");
        }
    }
    platform.stop().await;
}

async fn with_resend_none_is_left_out(database: &Database) {
    let platform = Platform::with(Settings::calm());
    for seed in 1000..1000 + plays() {
        let played = play(database, &platform, OnUnknown::Resend, seed).await;
        agrees(&played);
        let is_called_off = |end: &End| matches!(end.dispatch, Dispatch::Cancelled | Dispatch::Expired);
        let reaches_it = |end: &End| end.kind == Kind::Refuses || end.times > 0 || is_called_off(end);
        // Cut off or put off at each of its attempts, one is given up.
        let gave_up = |end: &End| end.steps.iter().filter(|step| **step == Dispatch::Sending).count() >= 4;
        check(&played, |end| reaches_it(end) || gave_up(end), "left out");
    }
}
