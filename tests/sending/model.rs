//! After a random run, the status of each message agrees with the requests at the platform.

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

both!(with_hold_no_message_is_sent_twice_and_none_is_forgotten, with_resend_every_message_is_sent);

/// The number of runs. Each has its own seed, which a failure reports.
fn plays() -> u64 {
    std::env::var("RECEIPTD_TEST_PLAYS").ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}

fn check(played: &Played, rule: impl Fn(&End) -> bool, what: &str) {
    let broken: Vec<_> = played.ends.iter().filter(|end| !rule(end)).collect();
    assert!(broken.is_empty(), "seed {}: {what}: {broken:#?}", played.seed);
}

/// Rules for all runs.
fn agrees(played: &Played) {
    check(played, |end| !matches!(end.dispatch, Dispatch::Queued | Dispatch::Sending), "forgotten");
    check(played, |end| end.dispatch != Dispatch::Accepted || end.times > 0, "the platform does not have it");
    check(played, |end| end.kind != Kind::Refuses || end.times == 0, "the platform accepted a message that it rejects");
}

async fn with_hold_no_message_is_sent_twice_and_none_is_forgotten(database: &Database) {
    let platform = Platform::with(Settings::calm());
    for seed in 0..plays() {
        let played = play(database, &platform, OnUnknown::Hold, seed).await;
        agrees(&played);
        check(&played, |end| end.times <= 1, "sent twice");
        let ended = |end: &End| matches!(end.dispatch, Dispatch::Rejected | Dispatch::Cancelled | Dispatch::Expired);
        check(&played, |end| end.times == 0 || !ended(end), "it says that the platform does not have it");
        check(
            &played,
            |end| end.kind != Kind::TakesSilently || end.dispatch != Dispatch::Accepted,
            "no answer or notification confirmed it",
        );
        // Only a notification decides the status of a message that the platform has after all.
        let stage = Stage::on(database).await;
        for end in played.ends.iter().filter(|end| end.dispatch == Dispatch::Unconfirmed && end.times == 1) {
            the_platform_tells(&stage, &end.id).await;
            let message = stage.message(&end.id).await;
            assert_eq!((message.status, message.is_final), (Status::Delivered, true), "{end:?}");
        }
    }
    platform.stop().await;
}

async fn with_resend_every_message_is_sent(database: &Database) {
    let platform = Platform::with(Settings::calm());
    for seed in 1000..1000 + plays() {
        let played = play(database, &platform, OnUnknown::Resend, seed).await;
        agrees(&played);
        let is_called_off = |end: &End| matches!(end.dispatch, Dispatch::Cancelled | Dispatch::Expired);
        let reaches_it = |end: &End| end.kind == Kind::Refuses || end.times > 0 || is_called_off(end);
        // A message that was interrupted or postponed at each of its attempts has failed.
        let gave_up = |end: &End| end.steps.iter().filter(|step| **step == Dispatch::Sending).count() >= 4;
        check(&played, |end| reaches_it(end) || gave_up(end), "left out");
    }
}
