//! `receiptd find`

use std::io::{IsTerminal, Read};

use super::{
    output::{self, UsageError, or_dash},
    target::{Target, TargetArgs},
};
use crate::query::{CodeView, FindView, FoundView, InboundView, MessageView};

#[derive(clap::Args)]
pub(super) struct Args {
    /// A correlation id, a transaction id, a number with its country code, an address, callback data, a code, a notification, or a
    /// line of a log. Several words are one text. Without any, the text is read from standard input
    text: Vec<String>,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// No longer text is read, as over HTTP.
const LONGEST: u64 = 64 * 1024;

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let text = text(&args.text)?;
    let view = match args.target.resolve()?.open_for_reading().await? {
        Target::Server(client) => client.find(&text).await?,
        Target::Database(query) => query.find_any(&text).await?,
    };
    if args.json {
        return output::json(&view);
    }
    show(&view);
    Ok(())
}

fn text(words: &[String]) -> anyhow::Result<String> {
    let mut text = words.join(" ");
    if words.is_empty() && !std::io::stdin().is_terminal() {
        std::io::stdin().take(LONGEST).read_to_string(&mut text)?;
    }
    anyhow::ensure!(
        !text.trim().is_empty(),
        UsageError("give a text to find, as in receiptd find +447700900123".to_owned())
    );
    Ok(text)
}

fn show(view: &FindView) {
    for found in &view.found {
        show_found(found);
    }
    for body in &view.quarantine {
        output::line(format!(
            "In quarantine: {}, received at {}: {}.",
            body.fingerprint, body.received_at, body.reason
        ));
    }
    if view.advice.is_empty() {
        return;
    }
    output::line("No message was found.");
    if !view.tried.is_empty() {
        let tried = view.tried.iter().map(|tried| vec![in_words(&tried.filter).to_owned(), tried.value.clone()]);
        output::table(&["tried as", "value"], tried);
    }
    for advice in &view.advice {
        output::line(format!("- {}", advice.advice));
    }
}

fn show_found(found: &FoundView) {
    output::line(format!("As {}: {}", in_words(&found.filter), found.value));
    if !found.codes.is_empty() {
        output::table(&["channels", "meaning", "what to do"], found.codes.iter().map(code));
    }
    if !found.messages.is_empty() {
        output::table(
            &["created", "correlation id", "channel", "to", "what happened"],
            found.messages.iter().map(message),
        );
    }
    if found.has_more {
        output::line(format!("There are more: receiptd messages {}", flag(&found.filter)));
    }
    if !found.inbound.is_empty() {
        output::table(&["received", "channel", "inbound", "fingerprint"], found.inbound.iter().map(inbound));
    }
    if let [only] = found.messages.as_slice() {
        output::line(&only.verdict.advice);
        output::line(format!("All about it: receiptd status {}", only.correlation_id));
    }
    output::line("");
}

fn message(message: &MessageView) -> Vec<String> {
    vec![
        message.created_at.clone(),
        message.correlation_id.clone(),
        or_dash(message.channel.as_ref()),
        or_dash(message.to.as_ref()),
        message.verdict.sentence.clone(),
    ]
}

fn code(code: &CodeView) -> Vec<String> {
    let channels = if code.channels.is_empty() { "all".to_owned() } else { code.channels.join(", ") };
    vec![channels, code.sentence.clone(), code.advice.clone()]
}

fn inbound(inbound: &InboundView) -> Vec<String> {
    vec![
        inbound.received_at.clone(),
        or_dash(inbound.channel.as_ref()),
        inbound.event.clone(),
        inbound.fingerprint.clone(),
    ]
}

/// The name of a filter in the words of people.
fn in_words(filter: &str) -> &str {
    match filter {
        "correlationId" => "correlation id",
        "transactionId" => "transaction id",
        "to" => "recipient",
        "callbackData" => "callback data",
        other => other,
    }
}

/// The flag of a filter. Its value is not repeated, since the shell would have to quote it.
fn flag(filter: &str) -> &'static str {
    match filter {
        "correlationId" => "--correlation-id ID",
        "transactionId" => "--transaction-id ID",
        "to" => "--to NUMBER",
        "callbackData" => "--callback-data TEXT",
        _ => "--code CODE",
    }
}
