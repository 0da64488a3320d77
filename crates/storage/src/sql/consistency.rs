//! Compares what is computed with what it is computed from.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use receiptd_domain::{CorrelationId, PageLimit};

use super::{
    backend::Backend,
    contradictions,
    dialect::Connection,
    message_states::{by_message, message_states},
    notifications::without_bodies,
    paging::count,
    statements::{slot_rows, step_rows},
};
use crate::{
    CheckedMessages, Consistency, Inconsistency, StorageError,
    rows::{
        EventRow, Place, SlotRow,
        evidence::{Comparison, Evidence},
    },
};

#[async_trait]
impl Consistency for Backend {
    async fn check_messages(
        &self,
        after: Option<&CorrelationId>,
        limit: PageLimit,
    ) -> Result<CheckedMessages, StorageError> {
        let mut snapshot = self.snapshot().await?;
        let checked = check(&mut snapshot, after.map_or("", CorrelationId::as_str), count(limit.get())).await?;
        snapshot.rollback().await?;
        Ok(checked)
    }

    async fn contradiction(&self) -> Result<Option<Inconsistency>, StorageError> {
        let mut snapshot = self.snapshot().await?;
        let found = contradictions::first(&mut snapshot).await?;
        snapshot.rollback().await?;
        Ok(found)
    }

    async fn transactions_without_owner(&self) -> Result<Vec<String>, StorageError> {
        let rows = sql!(
            "SELECT DISTINCT named.transaction_id AS \"transaction_id!: String\" FROM (\
                 SELECT transaction_id FROM notifications UNION ALL SELECT transaction_id FROM dispatch_events) AS named \
             WHERE named.transaction_id IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM transactions t WHERE t.transaction_id = named.transaction_id)"
        );
        Ok(rows.fetch_all(&self.pools.read).await?.into_iter().map(|row| row.transaction_id).collect())
    }
}

async fn check(connection: &mut Connection, after: &str, limit: i64) -> Result<CheckedMessages, StorageError> {
    let states = message_states(connection, after, limit).await?;
    let Some(last) = states.last().map(|state| state.message.correlation_id.clone()) else {
        return Ok(CheckedMessages::default());
    };
    let attested = sql!(
        "SELECT correlation_id FROM attestations \
         WHERE correlation_id > $1 AND correlation_id <= $2 AND transaction_id = ''",
        after,
        last
    );
    let attested = attested.fetch_all(&mut *connection).await?.into_iter().map(|row| row.correlation_id);
    let attested: BTreeSet<String> = attested.collect();
    let notifications =
        slot_rows!("SELECT ", " FROM notifications WHERE correlation_id > $1 AND correlation_id <= $2", after, last);
    let notifications = notifications.fetch_all(&mut *connection).await?;
    let notifications = without_bodies(connection, notifications).await?;
    let mut notifications = by_message(notifications, |row| (row.correlation_id.clone(), row));
    let steps = step_rows!(
        "SELECT ",
        " FROM dispatch_events WHERE correlation_id > $1 AND correlation_id <= $2 ORDER BY correlation_id, step",
        after,
        last
    );
    let steps = steps.fetch_all(&mut *connection).await?;
    let mut steps = by_message(steps, |row| (row.correlation_id.clone(), row));
    let mut requests = requests(connection, after, &last).await?;
    let at = Place { table: "messages", row: &last };
    let last = at.read("correlation_id", CorrelationId::new(&last).ok())?;
    let mut checked = CheckedMessages { last: Some(last), ..CheckedMessages::default() };
    for state in states {
        let id = &state.message.correlation_id;
        if attested.contains(id) {
            checked.attested += 1;
            continue;
        }
        let evidence = Evidence {
            notifications: notifications.remove(id).unwrap_or_default(),
            steps: steps.remove(id).unwrap_or_default(),
            request: requests.remove(id),
            state,
        };
        match evidence.compare()? {
            Comparison::Agrees => checked.derived += 1,
            Comparison::AgreesIf(claim) => {
                checked.derived += 1;
                checked.claims.push(claim);
            }
            Comparison::Differs(inconsistency) => {
                checked.differs = Some(inconsistency);
                break;
            }
        }
    }
    Ok(checked)
}

/// The requests to send messages by id.
async fn requests(
    connection: &mut Connection,
    after: &str,
    last: &str,
) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let rows = sql!(
        "SELECT correlation_id, request FROM outbox WHERE correlation_id > $1 AND correlation_id <= $2",
        after,
        last
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.correlation_id, row.request)).collect())
}
