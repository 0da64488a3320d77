//! The flags that say which messages; each is the filter of that name in the API.

/// Which messages.
#[derive(clap::Args)]
pub(super) struct FilterArgs {
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
}

impl FilterArgs {
    /// Those that are given, in the words of the API.
    pub(super) fn into_pairs(self) -> Vec<(&'static str, String)> {
        let pairs = [
            ("status", self.status),
            ("final", self.r#final),
            ("failure", self.failure),
            ("channel", self.channel),
            ("to", self.to),
            ("code", self.code),
            ("correlationId", self.correlation_id),
            ("callbackData", self.callback_data),
            ("transactionId", self.transaction_id),
            ("origin", self.origin),
            ("overdue", self.overdue),
            ("since", self.since),
            ("until", self.until),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
