//! The circuit breaker: nothing is sent while no message could succeed, and one message at a time is tried.

use std::time::Duration;

use harness::{Database, both, eventually};
use receiptd::{
    domain::Dispatch,
    send::{Attempt, DispatchLimits, Trouble},
};
use serde_json::json;

use crate::stage::{Stage, Stub, answered, limits, message, says, takes};

both!(
    rejected_credentials_stop_sending_and_new_ones_resume_it,
    credentials_may_become_valid_again_by_themselves,
    rejected_credentials_end_no_attempts,
    an_unreachable_platform_gets_few_requests,
    an_unreachable_platform_does_not_wait_for_new_credentials,
    a_wrong_base_url_rejects_no_message,
    a_silent_platform_stops_sending_after_a_few_messages,
    one_message_with_an_odd_answer_does_not_stop_the_others,
    only_real_attempts_count,
);

/// The time from the first request to the last.
fn tried_for(platform: &Stub) -> Duration {
    let sent = platform.sent();
    sent[sent.len() - 1].0 - sent[0].0
}

async fn rejected_credentials_stop_sending_and_new_ones_resume_it(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(|_: &[String]| says(401, None)));
    stage.takes((0..200).map(|n| message(["sms", "whatsapp"][n % 2], &format!("order-{n}")))).await;
    let instance = stage.dispatches(platform.clone(), limits(8));
    instance.is_stopped_by(Trouble::CredentialsRejected).await;
    // The messages that left with the first one, and one message after a second.
    let tried = async || (tried_for(&platform) >= Duration::from_secs(1)).then_some(());
    eventually("it to be tried again", tried).await;
    assert!(platform.sent().len() <= 10, "{} requests", platform.sent().len());
    platform.answers(takes);
    platform.is_shown_others();
    instance.works_again().await;
    for n in 0..200 {
        stage.until(&format!("order-{n}"), Dispatch::Accepted).await;
    }
    let again = stage.steps("order-0").await;
    assert!(again[2].reason.as_deref().is_some_and(|reason| reason.starts_with("HTTP 401")), "{again:?}");
    assert!((200..=210).contains(&platform.sent().len()), "{} requests", platform.sent().len());
    instance.stops().await;
}

async fn credentials_may_become_valid_again_by_themselves(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(|_: &[String]| says(401, None)));
    stage.takes([message("sms", "order-1")]).await;
    let instance = stage.dispatches(platform.clone(), limits(8));
    eventually("two attempts", async || (platform.sent().len() == 2).then_some(())).await;
    platform.answers(takes);
    stage.until("order-1", Dispatch::Accepted).await;
    assert!(instance.is_working());
    let times: Vec<_> = platform.sent().iter().map(|(at, _)| *at).collect();
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses.len(), 2);
    assert!(pauses[0] >= Duration::from_secs(1) && pauses[1] >= Duration::from_secs(2), "{pauses:?}");
    instance.stops().await;
}

async fn rejected_credentials_end_no_attempts(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(|_: &[String]| says(403, None)));
    stage.takes([message("sms", "order-1")]).await;
    let instance = stage.dispatches(platform.clone(), DispatchLimits { attempts: 1, ..limits(8) });
    eventually("two attempts", async || (platform.sent().len() == 2).then_some(())).await;
    stage.until("order-1", Dispatch::Queued).await;
    instance.stops().await;
}

/// The total number of steps of the messages `order-0` to `order-{count}`.
async fn steps_of(stage: &Stage, count: usize) -> usize {
    let mut steps = 0;
    for n in 0..count {
        steps += stage.steps(&format!("order-{n}")).await.len();
    }
    steps
}

async fn an_unreachable_platform_gets_few_requests(database: &Database) {
    let platform = Stub::new(|_: &[String]| Attempt::NotSent("Connection refused".to_owned()));
    let stage = Stage::on(database).await;
    stage.takes((0..300).map(|n| message(["sms", "whatsapp"][n % 2], &format!("order-{n}")))).await;
    let instance = stage.dispatches(platform.clone(), DispatchLimits { attempts: 1, ..limits(8) });
    instance.is_stopped_by(Trouble::Unreachable).await;
    // Probes are sent after 1 s, after 2 s more, and then after 4.
    eventually("two probes", async || (tried_for(&platform) >= Duration::from_secs(3)).then_some(())).await;
    assert!((3..=16).contains(&platform.sent().len()), "{} requests", platform.sent().len());
    // Waiting messages take no steps meanwhile: 300 were queued, and the messages that were sent or claimed took some
    // more.
    let steps = steps_of(&stage, 300).await;
    assert!(steps < 300 + 80, "{steps} steps");
    platform.answers(takes);
    instance.works_again().await;
    for n in 0..300 {
        stage.until(&format!("order-{n}"), Dispatch::Accepted).await;
    }
    instance.stops().await;
}

async fn an_unreachable_platform_does_not_wait_for_new_credentials(database: &Database) {
    let platform = Stub::new(|_: &[String]| Attempt::NotSent("Connection refused".to_owned()));
    let stage = Stage::on(database).await;
    stage.takes([message("sms", "order-1")]).await;
    let instance = stage.dispatches(platform.clone(), limits(8));
    instance.is_stopped_by(Trouble::Unreachable).await;
    platform.is_shown_others();
    eventually("two probes", async || (platform.sent().len() == 3).then_some(())).await;
    assert_eq!(platform.waits(), 0);
    instance.stops().await;
}

async fn a_wrong_base_url_rejects_no_message(database: &Database) {
    for status in [404, 400, 405, 301] {
        let page =
            move |_: &[String]| Attempt::Answered { status, body: b"<html>nginx</html>".to_vec(), retry_after: None };
        let (stage, platform) = (Stage::on(database).await, Stub::new(page));
        let ids: Vec<_> = (0..20).map(|n| format!("{status}-{n}")).collect();
        stage.takes(ids.iter().map(|id| message("sms", id))).await;
        let instance = stage.dispatches(platform.clone(), DispatchLimits { attempts: 1, ..limits(8) });
        instance.is_stopped_by(Trouble::UnexpectedAnswers).await;
        platform.answers(takes);
        for id in &ids {
            stage.until(id, Dispatch::Accepted).await;
            assert!(stage.steps(id).await.iter().all(|step| step.dispatch != Dispatch::Rejected), "{id}");
        }
        instance.stops().await;
    }
}

async fn a_silent_platform_stops_sending_after_a_few_messages(database: &Database) {
    let (stage, platform) =
        (Stage::on(database).await, Stub::new(|_: &[String]| Attempt::NoAnswer("timed out".to_owned())));
    stage.takes((0..100).map(|n| message("sms", &format!("order-{n}")))).await;
    let instance = stage.dispatches(platform.clone(), limits(4));
    instance.is_stopped_by(Trouble::Unreachable).await;
    // The outcome of the sent messages is not known. The others wait.
    assert!(platform.sent().len() <= 8, "{} requests", platform.sent().len());
    platform.answers(takes);
    instance.works_again().await;
    let ends = async || {
        let mut ends = Vec::new();
        for n in 0..100 {
            ends.push(stage.dispatch(&format!("order-{n}")).await);
        }
        let are_over = ends.iter().all(|end| matches!(end, Dispatch::Accepted | Dispatch::Unconfirmed));
        are_over.then_some(ends)
    };
    let ends = eventually("all to be sent", ends).await;
    let unconfirmed = ends.iter().filter(|end| **end == Dispatch::Unconfirmed).count();
    assert!((3..=10).contains(&unconfirmed), "{unconfirmed} are unconfirmed");
    instance.stops().await;
}

async fn one_message_with_an_odd_answer_does_not_stop_the_others(database: &Database) {
    let odd = |ids: &[String]| if ids[0] == "odd" { says(404, None) } else { takes(ids) };
    let (stage, platform) = (Stage::on(database).await, Stub::new(odd));
    stage.takes([message("sms", "odd")]).await;
    stage.takes((0..50).map(|n| message("sms", &format!("order-{n}")))).await;
    let instance = stage.dispatches(platform.clone(), limits(1));
    for n in 0..50 {
        stage.until(&format!("order-{n}"), Dispatch::Accepted).await;
    }
    assert_ne!(stage.dispatch("odd").await, Dispatch::Rejected);
    instance.stops().await;
}

async fn only_real_attempts_count(database: &Database) {
    let stage = Stage::on(database).await;
    let answers = std::sync::Mutex::new(vec![503, 429, 503, 401, 429]);
    let platform = Stub::new(move |_: &[String]| {
        let status = answers.lock().unwrap().pop().unwrap_or(500);
        if status == 429 { answered(429, &json!({ "code": "7020", "message": "limit" })) } else { says(status, None) }
    });
    stage.takes([message("sms", "order-1")]).await;
    let instance = stage.dispatches(platform.clone(), DispatchLimits { attempts: 2, ..limits(4) });
    stage.until("order-1", Dispatch::Rejected).await;
    let steps = stage.steps("order-1").await;
    let reason = steps.last().unwrap().reason.clone().unwrap();
    assert_eq!(reason, "given up after 2 attempts; the last: HTTP 503");
    assert_eq!(platform.sent().len(), 5);
    instance.stops().await;
}
