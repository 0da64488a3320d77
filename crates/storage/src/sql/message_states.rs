//! Reads messages with everything that is computed for them.

use std::collections::BTreeMap;

use super::{
    dialect::Connection,
    statements::{full_message_rows, recipient_rows},
};
use crate::rows::{
    RecipientRow,
    full_message::{FullMessageRow, MessageState, OtherRecipientRow},
};

pub(super) async fn message_state(connection: &mut Connection, id: &str) -> Result<Option<MessageState>, sqlx::Error> {
    let message = full_message_rows!("WHERE correlation_id = $1", id).fetch_optional(&mut *connection).await?;
    let Some(message) = message else { return Ok(None) };
    let recipients = sql!("SELECT recipient FROM recipients WHERE correlation_id = $1 ORDER BY recipient", id);
    let recipients = recipients.fetch_all(&mut *connection).await?.into_iter().map(|row| row.recipient).collect();
    let standings = recipient_rows!("WHERE correlation_id = $1 ORDER BY recipient", id).fetch_all(connection).await?;
    Ok(Some(MessageState { message, recipients, standings }))
}

/// The first messages after the id `after`, in the order of their ids.
pub(super) async fn message_states(
    connection: &mut Connection,
    after: &str,
    limit: i64,
) -> Result<Vec<MessageState>, sqlx::Error> {
    let messages = full_message_rows!("WHERE correlation_id > $1 ORDER BY correlation_id LIMIT $2", after, limit);
    let messages = messages.fetch_all(&mut *connection).await?;
    let Some(last) = messages.last().map(|row| row.correlation_id.clone()) else { return Ok(Vec::new()) };
    let recipients = sql_as!(
        OtherRecipientRow,
        "SELECT correlation_id, recipient FROM recipients WHERE correlation_id > $1 AND correlation_id <= $2 \
         ORDER BY correlation_id, recipient",
        after,
        last
    );
    let mut recipients_of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in recipients.fetch_all(&mut *connection).await? {
        recipients_of.entry(row.correlation_id).or_default().push(row.recipient);
    }
    let standings = recipient_rows!(
        "WHERE correlation_id > $1 AND correlation_id <= $2 ORDER BY correlation_id, recipient",
        after,
        last
    );
    let mut standings_of: BTreeMap<String, Vec<RecipientRow>> = BTreeMap::new();
    for row in standings.fetch_all(connection).await? {
        standings_of.entry(row.correlation_id.clone()).or_default().push(row);
    }
    let state = |message: FullMessageRow| MessageState {
        recipients: recipients_of.remove(&message.correlation_id).unwrap_or_default(),
        standings: standings_of.remove(&message.correlation_id).unwrap_or_default(),
        message,
    };
    Ok(messages.into_iter().map(state).collect())
}
