//! `receiptd messages`

use super::{
    output::{self, or_dash},
    source::SourceArgs,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// With this status: queued, sending, unconfirmed, accepted, rejected, cancelled, expired, unknown, submitted, failed,
    /// delivered, read, clicked, complained
    #[arg(long)]
    status: Option<String>,
    /// Whose outcome is known (true), or not yet (false)
    #[arg(long, value_name = "BOOL")]
    r#final: Option<String>,
    /// That failed in this way: permanent, transient, unclear
    #[arg(long)]
    failure: Option<String>,
    /// On this channel: sms, mms, rcs, email, voice, whatsapp, messenger, apple, push, in-app, instagram
    #[arg(long)]
    channel: Option<String>,
    /// To this recipient, with or without plus and separators
    #[arg(long)]
    to: Option<String>,
    /// With this code behind the status
    #[arg(long)]
    code: Option<String>,
    /// With this correlation id; with * at its end, with ids that begin so
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    /// With this callback data; with * at its end, with data that begin so
    #[arg(long, value_name = "TEXT")]
    callback_data: Option<String>,
    /// With this transaction id
    #[arg(long, value_name = "ID")]
    transaction_id: Option<String>,
    /// sent (by receiptd), or observed: another system sent it
    #[arg(long)]
    origin: Option<String>,
    /// Not final, and older than its channel's deadline in the settings (or false: all others)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    overdue: Option<String>,
    /// First heard of at or after this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// First heard of before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// At most so many, 1 to 500
    #[arg(long, value_name = "N")]
    limit: Option<String>,
    /// Continue where the page before ended
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    source: SourceArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let filters = [
        ("status", args.status),
        ("final", args.r#final),
        ("failure", args.failure),
        ("channel", args.channel),
        ("to", args.to),
        ("code", args.code),
        ("correlationId", args.correlation_id),
        ("callbackData", args.callback_data),
        ("transactionId", args.transaction_id),
        ("origin", args.origin),
        ("overdue", args.overdue),
        ("since", args.since),
        ("until", args.until),
        ("limit", args.limit),
        ("cursor", args.cursor),
    ];
    let filters: Vec<_> = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let page = args.source.open().await?.messages(&filters).await?;
    if args.json {
        return output::json(&page);
    }
    let header = ["created", "correlation id", "channel", "to", "status", "failure", "code", "reason"];
    let rows = page.items.iter().map(|message| {
        vec![
            message.created_at.clone(),
            message.correlation_id.clone(),
            or_dash(message.channel.as_ref()),
            or_dash(message.to.as_ref()),
            message.status.clone(),
            or_dash(message.failure.as_ref()),
            or_dash(message.code.as_ref()),
            or_dash(message.reason.as_ref()),
        ]
    });
    output::table(&header, rows);
    if let Some(cursor) = page.next_cursor {
        output::line(format!("more: --cursor {cursor}"));
    }
    Ok(())
}
