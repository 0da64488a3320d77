//! Erases a person from one message and from everything that is stored about it.

use std::collections::BTreeSet;

use receiptd_domain::{ChangeKind, CorrelationId, ERASED, ERASED_BODY, Person, RecipientKey, is_compressed};

use super::{
    super::{
        dialect::{self, Connection},
        notifications::{slots, with_contents},
        outbox::remove_keys,
        statements::{recipient_rows, step_rows},
        upsert::change,
    },
    naming::{is_named, unless_named},
};
use crate::{
    Erased, StorageError,
    rows::{EventRow, NO_REQUEST, NotificationRow, RecipientRow, changes::RowChanges, outbox::RequestRow, salt::Salt},
};

/// The recipients of a message, relative to the person.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    /// Only the person.
    Whole,
    /// The person and others.
    Part,
    /// Only others, but something about the message names the person.
    Nothing,
}

/// Erases the person and records this in the hash chain. The message must be locked. Without `changes`, only reads, and
/// returns how much would be erased.
pub(super) async fn erase(
    connection: &mut Connection,
    person: &Person,
    id: &str,
    erased: &mut Erased,
    mut changes: Option<&mut RowChanges>,
) -> Result<(), StorageError> {
    let (share, names) = share(connection, person, id).await?;
    if !erase_request(connection, person, id, share, changes.as_deref_mut(), erased).await? {
        return Ok(());
    }
    // One at a time: a body may be large.
    for row in slots(connection, id).await? {
        let Some(row) = with_contents(connection, vec![row]).await?.pop() else { continue };
        let is_theirs = share == Share::Whole || row.recipient.as_deref().is_some_and(|name| person.is_called(name));
        if !is_theirs && !is_named(person, &row) {
            erased.compressed += i64::from(is_compressed(&row.body));
            continue;
        }
        let new = without(person, &row, is_theirs);
        if new == row {
            continue;
        }
        let new = NotificationRow { salt: rand::random(), ..new };
        if let Some(changes) = changes.as_deref_mut() {
            change(connection, &[(row, new)], changes).await?;
        }
        erased.notifications += 1;
    }
    erased.steps += erase_steps(connection, person, id, changes.as_deref_mut()).await?;
    if changes.is_some() {
        erase_standing(connection, person, id, share == Share::Whole, &names).await?;
    }
    erased.messages += 1;
    Ok(())
}

/// Also returns the names that the person has among the recipients. Most persons have one, but not every spelling is
/// read as an address.
async fn share(
    connection: &mut Connection,
    person: &Person,
    id: &str,
) -> Result<(Share, BTreeSet<String>), StorageError> {
    let recipients = sql!(
        "SELECT recipient AS \"recipient!: String\" FROM (\
         SELECT correlation_id, recipient FROM messages WHERE recipient IS NOT NULL \
         UNION ALL SELECT correlation_id, recipient FROM recipients) AS found WHERE correlation_id = $1",
        id
    );
    let recipients = recipients.fetch_all(connection).await?;
    let all: BTreeSet<String> = recipients.into_iter().map(|row| row.recipient).collect();
    let (theirs, others): (BTreeSet<_>, BTreeSet<_>) = all.into_iter().partition(|name| person.is_called(name));
    let share = match (theirs.is_empty(), others.is_empty()) {
        (true, _) => Share::Nothing,
        (false, true) => Share::Whole,
        (false, false) => Share::Part,
    };
    Ok((share, theirs))
}

/// Removes the request to send, with its text. Returns whether that was possible. The request is needed while the
/// message is being dispatched, and is removed by the next erasure. If only counting, a waiting message to the person
/// counts as removable, since an erasure cancels it first.
async fn erase_request(
    connection: &mut Connection,
    person: &Person,
    id: &str,
    share: Share,
    changes: Option<&mut RowChanges>,
    erased: &mut Erased,
) -> Result<bool, StorageError> {
    let request =
        sql!("SELECT salt, channel, request, expire_at, due_at, lease_until FROM outbox WHERE correlation_id = $1", id);
    let Some(row) = request.fetch_optional(&mut *connection).await? else { return Ok(true) };
    let concerned = share != Share::Nothing || person.is_named_in(row.request.as_bytes());
    if !concerned || row.request == NO_REQUEST {
        return Ok(true);
    }
    let is_done = if let Some(changes) = changes {
        let salt: Salt = rand::random();
        let request = sql!(
            "UPDATE outbox SET request = $2, salt = $3 \
             WHERE correlation_id = $1 AND lease_until IS NULL AND due_at IS NULL",
            id,
            NO_REQUEST,
            salt
        );
        let is_done = request.execute(&mut *connection).await?.rows_affected() == 1;
        if is_done {
            // Callers may have built the key from data of the person.
            remove_keys(connection, id, changes).await?;
            let before = RequestRow {
                correlation_id: id,
                salt: row.salt,
                channel: &row.channel,
                request: &row.request,
                expire_at: row.expire_at,
            };
            changes.request(ChangeKind::Removed, &before);
            changes.request(ChangeKind::Added, &RequestRow { salt, request: NO_REQUEST, ..before });
        }
        is_done
    } else {
        // A message to somebody else is not cancelled.
        row.lease_until.is_none() && (row.due_at.is_none() || share != Share::Nothing)
    };
    *(if is_done { &mut erased.requests } else { &mut erased.under_way }) += 1;
    Ok(is_done)
}

/// The notification without the person.
fn without(person: &Person, row: &NotificationRow, is_theirs: bool) -> NotificationRow {
    let text = |text: &Option<String>| text.as_ref().map(|text| unless_named(person, text));
    let own = |text: &Option<String>| text.as_ref().map(|_| ERASED.to_owned());
    NotificationRow {
        recipient: if is_theirs { own(&row.recipient) } else { row.recipient.clone() },
        status_text: unless_named(person, &row.status_text),
        reason: text(&row.reason),
        detail: text(&row.detail),
        callback_data: if is_theirs { own(&row.callback_data) } else { text(&row.callback_data) },
        body: ERASED_BODY.to_vec(),
        signature: Vec::new(),
        ..row.clone()
    }
}

/// The platform's answer to a dispatch may name the person.
async fn erase_steps(
    connection: &mut Connection,
    person: &Person,
    id: &str,
    mut changes: Option<&mut RowChanges>,
) -> Result<i64, StorageError> {
    let steps = step_rows!("SELECT ", " FROM dispatch_events WHERE correlation_id = $1", id);
    let mut erased = 0;
    for step in steps.fetch_all(&mut *connection).await? {
        if !step.reason.as_ref().is_some_and(|reason| person.is_named_in(reason.as_bytes())) {
            continue;
        }
        erased += 1;
        let Some(changes) = changes.as_deref_mut() else { continue };
        let after = EventRow { salt: rand::random(), reason: Some(ERASED.to_owned()), ..step.clone() };
        sql!(
            "UPDATE dispatch_events SET reason = $3, salt = $4 WHERE correlation_id = $1 AND step = $2",
            id,
            after.step,
            after.reason,
            after.salt
        )
        .execute(&mut *connection)
        .await?;
        changes.step(ChangeKind::Removed, &step);
        changes.step(ChangeKind::Added, &after);
    }
    Ok(erased)
}

/// Erases the person from the message itself. The message and its status stay.
async fn erase_standing(
    connection: &mut Connection,
    person: &Person,
    id: &str,
    alone: bool,
    names: &BTreeSet<String>,
) -> Result<(), StorageError> {
    let mut message = without_recipient(connection, id, person.address().as_str()).await?;
    for name in names {
        message = without_recipient(connection, id, name).await?;
    }
    let Some((reason, callback_data)) = message else { return Ok(()) };
    let shared = |data: String| if alone { ERASED.to_owned() } else { unless_named(person, &data) };
    sql!(
        "UPDATE messages SET reason = $2, callback_data = $3 WHERE correlation_id = $1",
        id,
        reason.map(|reason| unless_named(person, &reason)),
        callback_data.map(shared)
    )
    .execute(&mut *connection)
    .await?;
    for name in names {
        let row = sql!("DELETE FROM recipients WHERE correlation_id = $1 AND recipient = $2", id, name);
        if row.execute(&mut *connection).await?.rows_affected() == 0 {
            continue;
        }
        sql!(
            "INSERT INTO recipients (correlation_id, recipient) VALUES ($1, $2) \
             ON CONFLICT (correlation_id, recipient) DO NOTHING",
            id,
            ERASED
        )
        .execute(&mut *connection)
        .await?;
    }
    erase_recipient(connection, person, id).await
}

/// Removes the recipient with this name from a message, and returns the message's reason and its callback data.
async fn without_recipient(
    connection: &mut Connection,
    id: &str,
    name: &str,
) -> Result<Option<(Option<String>, Option<String>)>, StorageError> {
    let message = sql!(
        "UPDATE messages SET recipient = CASE WHEN recipient = $2 THEN $3 ELSE recipient END WHERE correlation_id = $1 \
         RETURNING reason, callback_data",
        id,
        name,
        ERASED
    );
    Ok(message.fetch_optional(connection).await?.map(|row| (row.reason, row.callback_data)))
}

/// Erases the person from the standings of a message with several recipients. The worst standing of all erased
/// recipients is kept and still counts. Later notifications about them are stored under their address again.
async fn erase_recipient(connection: &mut Connection, person: &Person, id: &str) -> Result<(), StorageError> {
    let Ok(correlation_id) = CorrelationId::new(id) else { return Ok(()) };
    let rows = recipient_rows!("WHERE correlation_id = $1", id).fetch_all(&mut *connection).await?;
    let is_concerned = |row: &&RecipientRow| {
        let is_named = row.reason.as_ref().is_some_and(|reason| person.is_named_in(reason.as_bytes()));
        person.is_called(&row.recipient) || is_named
    };
    for row in rows.iter().filter(is_concerned) {
        sql!("DELETE FROM recipient_standings WHERE correlation_id = $1 AND recipient = $2", id, row.recipient)
            .execute(&mut *connection)
            .await?;
        let Some(mut standing) = row.standing() else { continue };
        standing.reason = standing.reason.map(|reason| unless_named(person, &reason));
        let is_person = person.is_called(&row.recipient);
        let key = RecipientKey::from_stored(if is_person { ERASED } else { &row.recipient });
        let row = RecipientRow::of(&correlation_id, &key, &standing);
        let is_worse = |other: &RecipientRow| other.recipient == ERASED && other.severity >= row.severity;
        if !(is_person && rows.iter().any(is_worse)) {
            sql!("DELETE FROM recipient_standings WHERE correlation_id = $1 AND recipient = $2", id, row.recipient)
                .execute(&mut *connection)
                .await?;
            dialect::merge_recipients(connection, &[row]).await?;
        }
    }
    Ok(())
}
