//! `receiptd messages --follow`

use std::{pin::pin, time::Duration};

use futures_util::StreamExt;
use sse_stream::SseByteStream;
use tokio::time::sleep;

use super::{
    client::{Client, FollowError},
    output::{self, usage_error},
    pairs::{Pairs, texts},
    settings::{self, SettingsArgs},
    target::{Target, TargetArgs},
};
use crate::{
    clock::Clock,
    query::{EventStream, EventStreamRequest, EventView, Query},
    storage::Access,
};

/// The pause before a server is asked again after its connection ended.
const PAUSE: Duration = Duration::from_secs(1);

/// Prints status events as they happen, until the process is ended.
pub(super) async fn run(target: TargetArgs, filters: &Pairs, json: bool) -> anyhow::Result<()> {
    let show = |event: &EventView| {
        if json {
            return output::json_line(event);
        }
        output::line(words(event));
        Ok(())
    };
    match target.resolve()? {
        Target::Server(client) => at_server(&client, filters, show).await,
        Target::Database(settings) => in_database(settings, filters, show).await,
    }
}

async fn in_database(
    settings: SettingsArgs,
    filters: &Pairs,
    show: impl Fn(&EventView) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let request = EventStreamRequest::parse(texts(filters), None).map_err(|errors| usage_error(&errors))?;
    let (store, settings) = settings::open_for(Access::Read, settings).await?;
    let query = Query::new(&store, settings.deadlines, Clock::system());
    let mut events = EventStream::open(&store, &query, request).await?;
    loop {
        for (_, event) in events.next().await? {
            show(&event)?;
        }
    }
}

/// Prints the events of a server. If the connection ends, a new one continues after the last event.
async fn at_server(
    client: &Client,
    filters: &Pairs,
    show: impl Fn(&EventView) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut last = None;
    loop {
        match client.events(filters, last.as_deref()).await {
            Ok(answer) => {
                let beginning = answer.headers().get("last-event-id").and_then(|value| value.to_str().ok());
                last = last.or(beginning.map(str::to_owned));
                let mut blocks = pin!(SseByteStream::new(answer.bytes_stream()));
                while let Some(Ok(block)) = blocks.next().await {
                    if let Some(data) = &block.data {
                        show(&serde_json::from_str(data)?)?;
                    }
                    last = block.id.or(last);
                }
            }
            // If the first request fails, the URL may be wrong. Later, the server is probably being restarted. A request
            // that was rejected would be rejected again.
            Err(FollowError::Refused(error)) => return Err(error),
            Err(FollowError::Unavailable(error)) if last.is_none() => return Err(error),
            Err(FollowError::Unavailable(_)) => {}
        }
        sleep(PAUSE).await;
    }
}

fn words(event: &EventView) -> String {
    let or_dash = |text: &Option<String>| output::or_dash(text.as_ref());
    let mut words =
        vec![event.changed_at.clone(), event.correlation_id.clone(), or_dash(&event.channel), event.status.clone()];
    if event.failure.is_some() {
        words.extend([or_dash(&event.failure), or_dash(&event.code), or_dash(&event.reason)]);
    }
    words.extend(event.replaced_by.as_ref().map(|id| format!("replaced by {id}")));
    words.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_message_names_the_message_that_replaces_it() {
        let mut event = EventView {
            correlation_id: "txn:t-1".to_owned(),
            origin: "observed".to_owned(),
            channel: Some("sms".to_owned()),
            status: "delivered".to_owned(),
            is_final: true,
            failure: None,
            code: None,
            reason: None,
            status_at: None,
            changed_at: "2026-05-20T13:15:00.000Z".to_owned(),
            replaced_by: None,
        };
        let known = words(&event);
        assert_eq!(known, "2026-05-20T13:15:00.000Z  txn:t-1  sms  delivered");
        event.replaced_by = Some("order-1".to_owned());
        assert_eq!(words(&event), format!("{known}  replaced by order-1"));
    }
}
