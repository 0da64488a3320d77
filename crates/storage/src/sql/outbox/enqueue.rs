//! Accepts submissions.

use std::collections::BTreeMap;

use receiptd_domain::{Actor, ChangeKind, Dispatch, Timestamp};

use super::{
    super::dialect::{self, Connection},
    keys,
    repeats::compared,
    steps,
};
use crate::{
    EnqueueResult, OutboxEntry, Settlement, StorageError,
    rows::{
        changes::RowChanges,
        outbox::{QueuedRow, StepRow},
    },
};

/// Accepts submissions whose keys and ids are new.
pub(super) async fn enqueue(
    connection: &mut Connection,
    entries: &[OutboxEntry],
    at: Timestamp,
    actor: &Actor,
    changes: &mut RowChanges,
) -> Result<Vec<EnqueueResult>, StorageError> {
    let mut decided = Vec::with_capacity(entries.len());
    for entry in entries {
        decided.push(keys::claim(connection, entry, actor, changes).await?);
    }
    let undecided = entries.iter().zip(&decided).filter_map(|(entry, decided)| decided.is_none().then_some(entry));
    let undecided: Vec<&OutboxEntry> = undecided.collect();
    let outcomes = enqueue_by_id(connection, &undecided, at, changes).await?;
    for (entry, outcome) in undecided.iter().zip(&outcomes) {
        if let (Some(key), EnqueueResult::Conflict) = (&entry.key, outcome) {
            keys::give_up(connection, entry, &key.key, actor, changes).await?;
        }
    }
    let mut outcomes = outcomes.into_iter();
    Ok(decided.into_iter().filter_map(|decided| decided.or_else(|| outcomes.next())).collect())
}

/// Accepts submissions whose ids are new.
async fn enqueue_by_id(
    connection: &mut Connection,
    entries: &[&OutboxEntry],
    at: Timestamp,
    changes: &mut RowChanges,
) -> Result<Vec<EnqueueResult>, StorageError> {
    let rows: Vec<QueuedRow> = entries.iter().map(|entry| QueuedRow::of(entry)).collect();
    let mut first: BTreeMap<&str, &QueuedRow> = BTreeMap::new();
    for row in &rows {
        first.entry(&row.correlation_id).or_insert(row);
    }
    let wanted: Vec<&QueuedRow> = first.values().copied().collect();
    let mut new = dialect::insert_messages(connection, &wanted, at).await?;
    let (taken, known): (Vec<&QueuedRow>, Vec<&QueuedRow>) =
        wanted.into_iter().partition(|row| new.contains(&row.correlation_id));
    if !taken.is_empty() {
        dialect::insert_outbox(connection, &taken).await?;
        for row in &taken {
            changes.request(ChangeKind::Added, &row.chained());
        }
        let queued = Settlement::new(Dispatch::Queued, at);
        let queued: Vec<_> = taken.iter().map(|row| StepRow::of(row.correlation_id.clone(), &queued)).collect();
        steps::write_down(connection, &queued, changes).await?;
    }

    let stored = if known.is_empty() {
        Vec::new()
    } else {
        let ids: Vec<&str> = known.iter().map(|row| row.correlation_id.as_str()).collect();
        dialect::requests(connection, &ids).await?
    };
    let stored = stored.iter().map(|(id, request)| (id.as_str(), request.as_str()));
    let taken = taken.iter().map(|row| (row.correlation_id.as_str(), row.request.as_str()));
    let standing: BTreeMap<&str, &str> = stored.chain(taken).collect();
    // If several entries have the same new id, the first one is new, and the others are compared with it.
    let outcome = |row: &QueuedRow| match standing.get(row.correlation_id.as_str()) {
        _ if new.remove(&row.correlation_id) => EnqueueResult::New,
        standing => compared(standing.copied(), &row.request),
    };
    Ok(rows.iter().map(outcome).collect())
}

/// The result for an entry that is not new.
pub(super) async fn compare(
    connection: &mut Connection,
    entry: &OutboxEntry,
    actor: &Actor,
) -> Result<Option<EnqueueResult>, StorageError> {
    if let Some(decided) = keys::known(connection, entry, actor).await? {
        return Ok(Some(decided));
    }
    let submission = &entry.submission;
    let stored = sql!(
        "SELECT outbox.request AS \"request?\" FROM messages \
         LEFT JOIN outbox ON outbox.correlation_id = messages.correlation_id WHERE messages.correlation_id = $1",
        submission.correlation_id.as_str()
    );
    let stored = stored.fetch_optional(connection).await?;
    Ok(stored.map(|row| compared(row.request.as_deref(), &submission.to_json().to_string())))
}
