//! Sends a message from your own program, and waits for its status.
//!
//! ```sh
//! receiptd simulate &
//! PLATFORM=http://127.0.0.1:8090 KEY=any NOTIFY_URL=https://example.com/notify cargo run --example send
//! ```
//!
//! The platform posts its notifications to `NOTIFY_URL`. With a `receiptd serve` there, on the same database, the
//! message ends as `delivered` or `failed`. Without a server, its last known status is `accepted`.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{env, error::Error, sync::Arc, time::Duration};

use receiptd::{
    clock::Clock,
    domain::{Actor, Draft},
    observe::Metrics,
    query::{Deadlines, Query},
    send::{Credentials, DispatchLimits, Dispatcher, Sender, Sent, WebexConnect},
    storage::{self, Access, OpenOptions},
    webex::{
        NotifyUrl, SmsApi,
        request::{Tenant, Tracking},
    },
};
use serde_json::json;
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (platform, key, notify_url) = (env::var("PLATFORM")?, env::var("KEY")?, env::var("NOTIFY_URL")?);
    let (clock, patience) = (Clock::system(), Duration::from_secs(30));
    let options = OpenOptions { connections: 4, timeout: Duration::from_secs(5), access: Access::Create };
    let store = storage::open("sqlite://send-example.db", options).await?;

    // Takes messages over. From here on each is sent once, also if the program ends before that and is started again.
    let sender = Sender::new(store.outbox.clone(), clock.clone(), Some(SmsApi::V2));
    let message = json!({
        "channel": "sms", "from": "ACME", "to": "+447700900123", "text": "Your parcel is here",
        "correlationId": "order-1001"
    });
    let message = Draft::new(message).map_err(|fault| fault.detail)?;
    let sent = sender.accept(&Actor::named("example"), &message, None).await?;
    let id = sent.id();
    if let Sent::Same(id) = &sent {
        println!("{id} was taken over before");
    }

    // Dispatches messages that are due, until it is stopped.
    let tracking = Tracking { notify_url: NotifyUrl::new(&notify_url)?, auth_id: None };
    let tenant = Tenant { tracking, sms_api: SmsApi::V2, plus_sign: false };
    let platform = WebexConnect::new(platform.parse()?, Credentials::key(key.into())?, patience, clock.clone())?;
    let pace = DispatchLimits { in_flight: 16, lease: patience * 2, ..DispatchLimits::default() };
    let dispatcher = Dispatcher::new(&store, Arc::new(platform), tenant, pace, clock.clone(), Metrics::new()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let dispatching = tokio::spawn(dispatcher.run(async {
        let _ = stopped.await;
    }));

    let query = Query::new(&store, Deadlines::default(), clock);
    if let Some(message) = query.final_message(id, Duration::from_secs(10)).await? {
        println!("{id} is {}: {}", message.status, message.reason.unwrap_or_default());
    }
    // Requests that are on their way are put on record before it ends.
    drop(stop);
    dispatching.await?;
    Ok(())
}
