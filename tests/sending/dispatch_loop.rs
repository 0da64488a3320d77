//! Which message is sent when: no channel waits for another, no rate is exceeded, and expired messages are not sent.

use std::time::Duration;

use harness::{Database, both, eventually};
use receiptd::{
    domain::{Actor, Channel, Dispatch, DispatchEvent, Status},
    send::{Attempt, DispatchLimits, OnUnknown, RateLimits},
    storage::Cancellation,
};
use serde_json::json;
use tokio::time::Instant;

use crate::stage::{Stage, Stub, answered, limits, message, says, takes};

both!(
    a_channel_that_hangs_does_not_hold_up_another,
    a_long_queue_does_not_hold_up_another_channel,
    claimed_messages_return_to_the_outbox_while_the_platform_hangs,
    a_message_of_this_instance_is_sent_at_once_and_of_another_within_a_second,
    no_rate_is_exceeded,
    a_rejected_rate_slows_down_until_all_are_accepted,
    an_answer_that_asks_to_wait_is_heeded,
    an_expired_message_is_not_dispatched,
    unknown_outcomes_are_sent_again_if_configured,
    all_outcomes_are_stored_when_it_has_stopped,
    a_clock_that_is_set_back_delays_nothing,
);

const DAY: Duration = Duration::from_hours(24);

fn many(channel: &str, count: usize) -> impl Iterator<Item = serde_json::Value> {
    let channel = channel.to_owned();
    (0..count).map(move |n| message(&channel, &format!("{channel}-{n}")))
}

async fn a_channel_that_hangs_does_not_hold_up_another(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(takes));
    platform.hangs_on("sms");
    stage.takes(many("sms", 50)).await;
    let instance = stage.dispatches(platform.clone(), limits(8));
    eventually("sms to hang", async || (platform.sent().len() >= 6).then_some(())).await;
    stage.takes(many("whatsapp", 20)).await;
    stage.until("whatsapp-19", Dispatch::Accepted).await;
    instance.crashes().await;
}

async fn a_long_queue_does_not_hold_up_another_channel(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(takes));
    stage.takes(many("sms", 500)).await;
    // At its rate this queue takes minutes.
    let rates = RateLimits { tenant: 40, ..RateLimits::default() };
    let instance = stage.dispatches(platform.clone(), DispatchLimits { rates, ..limits(4) });
    eventually("the queue to be at work", async || (platform.sent().len() >= 5).then_some(())).await;
    stage.takes(many("whatsapp", 5)).await;
    stage.until("whatsapp-4", Dispatch::Accepted).await;
    assert!(platform.sent().len() < 100, "{} left before", platform.sent().len());
    instance.stops().await;
}

async fn claimed_messages_return_to_the_outbox_while_the_platform_hangs(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(takes));
    stage.takes(many("sms", 500)).await;
    let instance = stage.dispatches(platform.clone(), limits(8));
    eventually("the queue to be at work", async || (platform.sent().len() >= 50).then_some(())).await;
    platform.hangs_on("sms");
    let put_back = async || {
        let mut count = 0;
        for n in 0..500 {
            let steps = stage.steps(&format!("sms-{n}")).await;
            let is_why =
                |step: &DispatchEvent| step.reason.as_deref() == Some("no request could start soon; it was not sent");
            count += usize::from(steps.iter().any(is_why));
        }
        count
    };
    eventually("something to go back", async || (put_back().await > 0).then_some(())).await;
    // A channel alone may have six of eight requests.
    let only_those_are_held = async || (stage.sending().await.len() == 6).then_some(());
    eventually("no more to be claimed than has left", only_those_are_held).await;
    for id in stage.sending().await {
        assert_eq!(platform.times(&id), 1, "{id}");
    }
    let put_back = put_back().await;
    assert!((1..=16).contains(&put_back), "{put_back} were put back");
    instance.crashes().await;
}

async fn a_message_of_this_instance_is_sent_at_once_and_of_another_within_a_second(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(takes));
    let other = stage.again(database).await;
    let instance = stage.dispatches(platform.clone(), limits(4));
    for (stage, id, most) in [(&stage, "own", 600), (&other, "others", 3_000)] {
        let began = Instant::now();
        stage.takes([message("sms", id)]).await;
        eventually("it to leave", async || (platform.times(id) == 1).then_some(())).await;
        assert!(began.elapsed() < Duration::from_millis(most), "{id} left after {:?}", began.elapsed());
    }
    instance.stops().await;
}

async fn no_rate_is_exceeded(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(takes));
    stage.takes(many("sms", 60).chain(many("whatsapp", 60))).await;
    let channels = [(Channel::Sms, 10)].into();
    let instance =
        stage.dispatches(platform.clone(), DispatchLimits { rates: RateLimits { tenant: 40, channels }, ..limits(32) });
    stage.until("whatsapp-59", Dispatch::Accepted).await;
    instance.stops().await;
    let sent = platform.sent();
    // In any second at most the rate and the burst.
    for (from, _) in &sent {
        let within = |(at, _): &&(Instant, _)| *at >= *from && *at < *from + Duration::from_secs(1);
        let all: Vec<_> = sent.iter().filter(within).collect();
        let sms = all.iter().filter(|(_, ids)| ids[0].starts_with("sms")).count();
        assert!(all.len() <= 60 && sms <= 15, "{} in a second, {sms} of them sms", all.len());
    }
    assert!(sent.iter().any(|(_, ids)| ids[0].starts_with("sms")));
}

async fn a_rejected_rate_slows_down_until_all_are_accepted(database: &Database) {
    let stage = Stage::on(database).await;
    let window = std::sync::Mutex::new((Instant::now(), 0));
    // It accepts twenty per second.
    let platform = Stub::new(move |ids| {
        let mut window = window.lock().unwrap();
        if window.0.elapsed() > Duration::from_secs(1) {
            *window = (Instant::now(), 0);
        }
        window.1 += 1;
        if window.1 <= 20 { takes(ids) } else { answered(400, &json!({ "code": "7020", "message": "limit" })) }
    });
    stage.takes(many("sms", 60)).await;
    // A rejected rate never ends the attempts of a message.
    let instance = stage.dispatches(platform.clone(), DispatchLimits { attempts: 2, ..limits(32) });
    for n in 0..60 {
        stage.until(&format!("sms-{n}"), Dispatch::Accepted).await;
    }
    // Without slowing down, each of the sixty would be tried again and again.
    let tried = platform.sent().len();
    assert!((61..=140).contains(&tried), "{tried} requests for 60 messages");
    instance.stops().await;
}

async fn an_answer_that_asks_to_wait_is_heeded(database: &Database) {
    let (stage, platform) =
        (Stage::on(database).await, Stub::new(|_: &[String]| says(503, Some(Duration::from_secs(2)))));
    let instance = stage.dispatches(platform.clone(), limits(4));
    stage.takes([message("sms", "first")]).await;
    eventually("it to be put off", async || (stage.steps("first").await.len() == 3).then_some(())).await;
    platform.answers(takes);
    let (_, asked) = (platform.sent(), platform.sent()[0].0);
    stage.takes([message("sms", "second"), message("whatsapp", "elsewhere")]).await;
    stage.until("second", Dispatch::Accepted).await;
    assert!(asked.elapsed() >= Duration::from_secs(2));
    let of = |id: &str| platform.sent().into_iter().find(|(_, ids)| ids[0] == id).unwrap().0;
    assert!(of("second") - asked >= Duration::from_secs(2), "the whole channel rests");
    assert!(of("elsewhere") - asked < Duration::from_secs(2), "the others do not");
    instance.stops().await;
}

async fn an_expired_message_is_not_dispatched(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(takes));
    let mut short = message("whatsapp", "short");
    short["expireAt"] = json!(stage.clock().now().plus(Duration::from_mins(1)));
    stage.takes([short]).await;
    stage.puts_the_clock_forward(Duration::from_mins(2));
    let instance = stage.dispatches(platform.clone(), limits(4));
    stage.until("short", Dispatch::Expired).await;
    // A cancellation in the meantime reports that it is too late.
    let id = stage.message("short").await.correlation_id;
    let answer = stage.store.outbox.cancel(&id, stage.clock().now(), &Actor::server()).await.unwrap();
    assert_eq!(answer, Cancellation::TooLate(Status::Expired));
    assert_eq!(platform.times("short"), 0);
    instance.stops().await;
}

async fn unknown_outcomes_are_sent_again_if_configured(database: &Database) {
    for (on_unknown, end, times) in
        [(OnUnknown::Hold, Dispatch::Unconfirmed, 1), (OnUnknown::Resend, Dispatch::Accepted, 2)]
    {
        let (stage, id) = (Stage::on(database).await, format!("{on_unknown:?}"));
        let platform = Stub::new(|_: &[String]| Attempt::NoAnswer("timed out".to_owned()));
        stage.takes([message("sms", &id)]).await;
        let instance = stage.dispatches(platform.clone(), DispatchLimits { on_unknown, ..limits(4) });
        eventually("it to be sent", async || (platform.times(&id) == 1).then_some(())).await;
        platform.answers(takes);
        stage.until(&id, end).await;
        assert_eq!(platform.times(&id), times);
        instance.stops().await;
    }
}

async fn all_outcomes_are_stored_when_it_has_stopped(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(takes));
    stage.takes(many("whatsapp", 300)).await;
    let instance = stage.dispatches(platform.clone(), limits(32));
    eventually("some to be sent", async || (platform.sent().len() >= 60).then_some(())).await;
    instance.stops().await;
    let sent = platform.sent().len();
    let mut accepted = 0;
    for n in 0..300 {
        match stage.dispatch(&format!("whatsapp-{n}")).await {
            Dispatch::Accepted => accepted += 1,
            dispatch => assert_eq!(dispatch, Dispatch::Queued),
        }
    }
    assert_eq!(accepted, sent);
}

async fn a_clock_that_is_set_back_delays_nothing(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(takes));
    // By a clock that is a day ahead: one message is in dispatch when the instance is lost, another waits to be sent at
    // once.
    stage.puts_the_clock_forward(DAY);
    platform.hangs_on("sms");
    stage.takes([message("sms", "cut-off")]).await;
    let instance = stage.dispatches(platform.clone(), limits(4));
    eventually("it to leave", async || (platform.times("cut-off") == 1).then_some(())).await;
    instance.crashes().await;
    let instance = stage.dispatches(platform.clone(), limits(4));
    platform.answers(|_| says(503, None));
    stage.takes([message("whatsapp", "put-off")]).await;
    eventually("it to be put off", async || (stage.steps("put-off").await.len() == 3).then_some(())).await;
    instance.crashes().await;
    stage.takes([message("whatsapp", "at-once")]).await;
    stage.takes_for([message("whatsapp", "scheduled")], DAY * 2).await;

    platform.answers(takes);
    stage.puts_the_clock_back(DAY);
    let instance = stage.dispatches(platform.clone(), limits(4));
    for id in ["put-off", "at-once"] {
        stage.until(id, Dispatch::Accepted).await;
    }
    stage.puts_the_clock_forward(limits(4).lease);
    stage.until("cut-off", Dispatch::Unconfirmed).await;

    // The same during operation.
    stage.puts_the_clock_forward(DAY);
    platform.answers(|_| says(503, None));
    stage.takes([message("whatsapp", "put-off-again")]).await;
    let is_put_off = async || (stage.steps("put-off-again").await.len() == 3).then_some(());
    eventually("it to be put off", is_put_off).await;
    platform.answers(takes);
    stage.puts_the_clock_back(DAY);
    stage.until("put-off-again", Dispatch::Accepted).await;
    assert_eq!(stage.dispatch("scheduled").await, Dispatch::Queued);
    instance.stops().await;
    assert_eq!(["cut-off", "put-off", "scheduled"].map(|id| platform.times(id)), [1, 2, 0]);
}
