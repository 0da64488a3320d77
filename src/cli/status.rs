//! `receiptd status`

use anyhow::bail;
use serde_json::Value;

use super::{
    output::{self, or_dash},
    target::{Target, TargetArgs},
};
use crate::{
    domain::{CorrelationId, Status},
    query::{EntryView, MessageView, SampleView, StepView, SubmissionView, UsualView},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The correlation id. For a message without one: txn:TRANSACTION-ID
    id: String,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let message = match (args.target.resolve()?.open_for_reading().await?, CorrelationId::new(&args.id)) {
        (Target::Server(client), _) => client.message(&args.id, None).await?,
        (Target::Database(query), Ok(id)) => {
            let mut message = query.message(&id).await?;
            if let Some(message) = &mut message {
                query.add_content(message).await?;
                query.add_pace(message).await;
            }
            message
        }
        (Target::Database(_), Err(_)) => None,
    };
    let Some(message) = message else {
        bail!(
            "there is no message with the correlation id {:?}; a message without one is txn:<transaction id>",
            args.id
        );
    };
    if args.json {
        return output::json(&message);
    }
    show(&message);
    Ok(())
}

/// Prints a message for people.
pub(super) fn show(message: &MessageView) {
    let verdict = &message.verdict;
    output::line(&verdict.sentence);
    output::line(&verdict.advice);
    if let Some(side) = &verdict.side {
        output::line(format!("Whose side: {}", on_side(side)));
    }
    output::line("");
    let facts = [
        ("status", in_words(message)),
        ("channel", or_dash(message.channel.as_ref())),
        ("to", or_dash(message.to.as_ref())),
        ("origin", message.origin.clone()),
        ("transaction", or_dash(message.transaction_id.as_ref())),
        ("callback data", or_dash(message.callback_data.as_ref())),
        ("first known", message.created_at.clone()),
        ("last change", message.updated_at.clone()),
    ];
    let sent = message.submission.as_ref().map(sent).unwrap_or_default();
    let rows = facts.into_iter().chain(sent).map(|(name, value)| vec![name.to_owned(), value]);
    output::table(&["message", &message.correlation_id], rows);
    for warning in &message.warnings {
        output::line(format!("Note: {warning}."));
    }
    if let Some(recipients) = &message.recipients {
        let rows = recipients.iter().map(|one| vec![one.to.clone(), one.status.clone(), one.verdict.sentence.clone()]);
        output::table(&["recipient", "status", "what it means"], rows);
    }
    let timeline = message.timeline.as_deref().unwrap_or_default();
    output::table(&["at", "what", "status", "code", "reason", "effect", "why"], timeline.iter().map(row));
    let steps = message.pace.as_ref().map(|pace| pace.steps.as_slice()).unwrap_or_default();
    if !steps.is_empty() {
        output::line("");
        output::table(&["from", "to", "took", "usually", "95 of 100 within"], steps.iter().map(step));
    }
    // The sample only explains the usual times.
    let sample = message.pace.as_ref().and_then(|pace| pace.sample.as_ref());
    if let Some(sample) = sample.filter(|_| steps.iter().any(|step| step.usual.is_some())) {
        let SampleView { messages, since, until } = sample;
        output::line(format!("The usual times are those of a sample: {messages} messages from {since} until {until}."));
    }
}

fn step(step: &StepView) -> Vec<String> {
    let seconds = |seconds: f64| format!("{seconds} s");
    let usual = |part: fn(&UsualView) -> f64| or_dash(step.usual.as_ref().map(part).map(seconds).as_ref());
    vec![
        step.from.clone(),
        step.to.clone(),
        seconds(step.seconds),
        usual(|usual| usual.median_seconds),
        usual(|usual| usual.p95_seconds),
    ]
}

/// What receiptd was asked to send, as far as it is known.
fn sent(submission: &SubmissionView) -> Vec<(&'static str, String)> {
    let content = submission.content.as_ref().map(|content| match content.get("text").and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => Value::Object(content.clone()).to_string(),
    });
    let facts =
        [("text", content), ("send at", submission.send_at.clone()), ("expire at", submission.expire_at.clone())];
    facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// A side in the words of people.
fn on_side(side: &str) -> &str {
    match side {
        "sender" => "the sending application",
        "recipient" => "the recipient, with phone and address",
        "network" => "the network or service that delivers",
        "platform" => "Webex Connect",
        "us" => "this installation and its account",
        other => other,
    }
}

/// Returns whether the message has ended without success.
pub(super) fn has_failed(message: &MessageView) -> bool {
    let status = Status::from_word(&message.status);
    status.is_some_and(|status| matches!(status, Status::Rejected | Status::Failed | Status::Expired))
}

/// The status with its failure, reason and code.
pub(super) fn outcome(message: &MessageView) -> String {
    let mut words = message.status.clone();
    if let Some(failure) = &message.failure {
        words = format!("{words} ({failure})");
    }
    if let Some(reason) = &message.reason {
        let code = message.code.as_ref().map(|code| format!(" [{code}]")).unwrap_or_default();
        words = format!("{words}: {reason}{code}");
    }
    words
}

fn in_words(message: &MessageView) -> String {
    let note = match (message.is_final, message.overdue) {
        (true, _) => ", final",
        (false, true) => ", overdue",
        (false, false) => "",
    };
    outcome(message) + note
}

fn row(entry: &EntryView) -> Vec<String> {
    let times = entry.times.filter(|times| *times > 1).map(|times| format!(" ×{times}")).unwrap_or_default();
    vec![
        or_dash(entry.at.as_ref()),
        format!("{}{times}", entry.kind),
        entry.status.clone(),
        or_dash(entry.code.as_ref()),
        or_dash(entry.reason.as_ref()),
        entry.effect.clone(),
        entry.why.clone(),
    ]
}
