//! Complete rows of `messages`, and the digest of a message with its recipients.

use receiptd_domain::Fingerprint;

use super::{RecipientRow, digest::digest};

/// A complete row of `messages`.
#[derive(sqlx::FromRow)]
pub(crate) struct FullMessageRow {
    pub(crate) correlation_id: String,
    pub(crate) dispatch: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) sender: Option<String>,
    pub(crate) recipient: Option<String>,
    pub(crate) transaction_id: Option<String>,
    pub(crate) status: String,
    pub(crate) precedence: Vec<u8>,
    pub(crate) status_at: i64,
    pub(crate) is_final: i64,
    pub(crate) failure: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) segments: Option<i64>,
    pub(crate) callback_data: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// A row of `recipients`.
pub(crate) struct OtherRecipientRow {
    pub(crate) correlation_id: String,
    pub(crate) recipient: String,
}

/// A message with everything that is computed for it.
pub(crate) struct MessageState {
    pub(crate) message: FullMessageRow,
    /// In the order of their names.
    pub(crate) recipients: Vec<String>,
    /// In the order of their names.
    pub(crate) standings: Vec<RecipientRow>,
}

impl MessageState {
    /// Covers all columns of the rows.
    pub(crate) fn digest(&self) -> Fingerprint {
        let row = &self.message;
        let message = digest(
            [
                row.correlation_id.as_bytes(),
                row.status.as_bytes(),
                &row.precedence,
                &row.status_at.to_be_bytes(),
                &row.is_final.to_be_bytes(),
                &row.created_at.to_be_bytes(),
                &row.updated_at.to_be_bytes(),
            ],
            [
                row.dispatch.as_deref(),
                row.channel.as_deref(),
                row.sender.as_deref(),
                row.recipient.as_deref(),
                row.transaction_id.as_deref(),
                row.failure.as_deref(),
                row.code.as_deref(),
                row.reason.as_deref(),
                row.segments.map(|segments| segments.to_string()).as_deref(),
                row.callback_data.as_deref(),
            ],
        );
        let standings = self.standings.iter().map(standing).collect::<Vec<_>>().concat();
        let count = self.recipients.len().to_be_bytes();
        let recipients = self.recipients.iter().map(String::as_bytes);
        let parts = [message.as_bytes(), count.as_slice()].into_iter().chain(recipients);
        Fingerprint::of_parts(parts.chain([standings.as_slice()]))
    }
}

fn standing(row: &RecipientRow) -> Vec<u8> {
    let digest = digest(
        [
            row.correlation_id.as_bytes(),
            row.recipient.as_bytes(),
            &row.severity,
            &row.is_open.to_be_bytes(),
            &row.precedence,
            row.status.as_bytes(),
        ],
        [
            row.failure.as_deref(),
            row.code.as_deref(),
            row.reason.as_deref(),
            row.channel.as_deref(),
            row.transaction_id.as_deref(),
        ],
    );
    digest.as_bytes().to_vec()
}
