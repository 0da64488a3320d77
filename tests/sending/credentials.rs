//! The stop where the platform refuses our credentials.

use std::time::Duration;

use receiptd::{domain::Dispatch, send::Condition};
use tokio::time::Instant;

use crate::{
    harness::{Database, eventually},
    stage::{Stage, Stub, message, pace, says, takes},
};

both!(refused_credentials_stop_all_and_new_ones_resume, they_may_become_good_without_us, nobody_is_given_up_for_them);

async fn refused_credentials_stop_all_and_new_ones_resume(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(|_: &[String]| says(401, None)));
    stage.takes((0..200).map(|n| message(["sms", "whatsapp"][n % 2], &format!("order-{n}")))).await;
    let instance = stage.dispatches(platform.clone(), pace(8));
    let mut condition = instance.condition.clone();
    condition.wait_for(|condition| *condition == Condition::CredentialsRefused).await.unwrap();
    // What had left with the first, and one message after a second.
    let since = |sent: &[(Instant, Vec<String>)]| sent[sent.len() - 1].0 - sent[0].0;
    let tried = async || (since(&platform.sent()) >= Duration::from_secs(1)).then_some(());
    eventually("it to be tried again", tried).await;
    assert!(platform.sent().len() <= 10, "{} requests", platform.sent().len());
    platform.answers(takes);
    platform.is_shown_others();
    condition.wait_for(|condition| *condition == Condition::Working).await.unwrap();
    for n in 0..200 {
        stage.until(&format!("order-{n}"), Dispatch::Accepted).await;
    }
    let again = stage.steps("order-0").await;
    assert!(again[2].reason.as_deref().is_some_and(|reason| reason.starts_with("HTTP 401")), "{again:?}");
    assert!((200..=210).contains(&platform.sent().len()), "{} requests", platform.sent().len());
    instance.stops().await;
}

async fn they_may_become_good_without_us(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(|_: &[String]| says(401, None)));
    stage.takes([message("sms", "order-1")]).await;
    let instance = stage.dispatches(platform.clone(), pace(8));
    eventually("two attempts", async || (platform.sent().len() == 2).then_some(())).await;
    platform.answers(takes);
    stage.until("order-1", Dispatch::Accepted).await;
    assert_eq!(*instance.condition.borrow(), Condition::Working);
    let times: Vec<_> = platform.sent().iter().map(|(at, _)| *at).collect();
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses.len(), 2);
    assert!(pauses[0] >= Duration::from_secs(1) && pauses[1] >= Duration::from_secs(2), "{pauses:?}");
    instance.stops().await;
}

async fn nobody_is_given_up_for_them(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(|_: &[String]| says(403, None)));
    stage.takes([message("sms", "order-1")]).await;
    let instance = stage.dispatches(platform.clone(), receiptd::send::Pace { attempts: 1, ..pace(8) });
    eventually("two attempts", async || (platform.sent().len() == 2).then_some(())).await;
    stage.until("order-1", Dispatch::Queued).await;
    instance.stops().await;
}
