//! `receiptd messages --follow`

use std::{pin::pin, time::Duration};

use futures_util::StreamExt;
use sse_stream::SseByteStream;
use tokio::time::sleep;

use super::{
    client::{Client, Unfollowed},
    output::{self, usage_error},
    pairs::{Pairs, texts},
    settings::{self, SettingsArgs},
    target::{Target, TargetArgs},
};
use crate::{
    query::{EventStream, EventStreamRequest, EventView},
    storage::Access,
};

/// Before a server that went away is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Shows changes as they happen, until the process is ended.
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
    let (store, _) = settings::open_for(Access::Read, settings).await?;
    let mut events = EventStream::open(&store, request).await?;
    loop {
        for (_, event) in events.next().await? {
            show(&event)?;
        }
    }
}

/// A connection that ends is taken up again after the last event.
async fn at_server(
    client: &Client,
    filters: &Pairs,
    show: impl Fn(&EventView) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut last = None;
    loop {
        match client.events(filters, last.as_deref()).await {
            Ok(answer) => {
                let beginning = answer.headers().get("last-event-id").and_then(|place| place.to_str().ok());
                last = last.or(beginning.map(str::to_owned));
                let mut blocks = pin!(SseByteStream::new(answer.bytes_stream()));
                while let Some(Ok(block)) = blocks.next().await {
                    if let Some(data) = &block.data {
                        show(&serde_json::from_str(data)?)?;
                    }
                    last = block.id.or(last);
                }
            }
            // At first it may be a mistake; later it is a restart. What the server refuses, it refuses again.
            Err(Unfollowed::Refused(error)) => return Err(error),
            Err(Unfollowed::Away(error)) if last.is_none() => return Err(error),
            Err(Unfollowed::Away(_)) => {}
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
    words.join("  ")
}
