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
    let recipients = recipients.fetch_all(&mut *connection).await?;
    let mut recipients_of = by_message(recipients, |row| (row.correlation_id, row.recipient));
    let standings = recipient_rows!(
        "WHERE correlation_id > $1 AND correlation_id <= $2 ORDER BY correlation_id, recipient",
        after,
        last
    );
    let standings = standings.fetch_all(connection).await?;
    let mut standings_of = by_message(standings, |row| (row.correlation_id.clone(), row));
    let state = |message: FullMessageRow| MessageState {
        recipients: recipients_of.remove(&message.correlation_id).unwrap_or_default(),
        standings: standings_of.remove(&message.correlation_id).unwrap_or_default(),
        message,
    };
    Ok(messages.into_iter().map(state).collect())
}

/// Groups rows by the ids of their messages, each group in the order of the rows.
pub(super) fn by_message<R, T>(rows: Vec<R>, split: impl Fn(R) -> (String, T)) -> BTreeMap<String, Vec<T>> {
    let mut by_id: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for (id, part) in rows.into_iter().map(split) {
        by_id.entry(id).or_default().push(part);
    }
    by_id
}
