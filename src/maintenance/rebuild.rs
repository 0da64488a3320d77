//! Every status, anew from the stored notifications, as the mapping of today reads them.

use std::{collections::BTreeMap, slice, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::{
    audit::entry,
    clock::Clock,
    domain::{Actor, AuditAction, AuditEntry, CorrelationId, PageLimit},
    storage::{AuditLog, BodyParser, Recomputed, Repair, StorageError, Store},
    webex::{Posted, TimeZone},
};

/// In one unit of work. Few, since appends to these messages wait for it.
const BATCH: u16 = 100;
/// A unit of work that stands in the way of an append gives up; it is tried again, so often, after this pause.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);
/// How many messages are named.
const NAMED: usize = 20;

/// What a rebuild found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RebuildReport {
    /// How many messages were looked through.
    pub messages: u64,
    /// How many of them read otherwise now: in their status, or only in what lies behind it.
    pub altered: u64,
    /// How the statuses change.
    pub transitions: Vec<Transition>,
    /// The first messages that change their status.
    pub first: Vec<String>,
}

/// How many messages go from one status to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    pub from: String,
    pub to: String,
    pub messages: u64,
}

/// Rebuilds.
#[derive(Clone)]
pub struct Rebuild {
    repair: Arc<dyn Repair>,
    audit_log: Arc<dyn AuditLog>,
    zone: TimeZone,
    clock: Clock,
}

impl Rebuild {
    /// What `store` holds; `zone` is the tenant's.
    pub fn new(store: &Store, zone: TimeZone, clock: Clock) -> Self {
        Self { repair: store.repair.clone(), audit_log: store.audit_log.clone(), zone, clock }
    }

    /// Looks all messages through, and alters those that read otherwise now; with `dry_run` it only tells. Safe while
    /// messages and notifications come in: each batch is read and written as one. `actor` is noted in the audit log; `seen`
    /// is told the number of messages that are done.
    pub async fn run(
        &self,
        actor: &Actor,
        dry_run: bool,
        mut seen: impl FnMut(u64),
    ) -> Result<RebuildReport, StorageError> {
        let entry = entry(actor, AuditAction::Rebuilt, &self.clock, None);
        if !dry_run {
            self.audit_log.append(slice::from_ref(&entry)).await?;
        }
        let zone = self.zone;
        let read = move |body: &[u8]| match Posted::read(body, zone) {
            Posted::Notification(notification) => Some(*notification),
            _ => None,
        };
        let mut report = RebuildReport::default();
        let mut transitions = BTreeMap::new();
        let mut last: Option<CorrelationId> = None;
        let limit = PageLimit::new(BATCH).unwrap_or_default();
        loop {
            let ids = self.repair.ids(last.as_ref(), limit).await?;
            report.messages += ids.len() as u64;
            let mut found = self.repair.preview_recompute(&ids, &read).await?;
            if !dry_run && !found.is_empty() {
                // Only these are locked, and only now: most batches have none.
                let ids: Vec<_> = found.into_iter().map(|restated| restated.correlation_id).collect();
                found = self.recompute(&ids, &read, &entry).await?;
            }
            for restated in found {
                report.note(&restated, &mut transitions);
            }
            seen(report.messages);
            if ids.len() < limit.get() {
                break;
            }
            last = ids.into_iter().next_back();
        }
        let transition = |((from, to), messages)| Transition { from, to, messages };
        report.transitions = transitions.into_iter().map(transition).collect();
        Ok(report)
    }

    async fn recompute(
        &self,
        ids: &[CorrelationId],
        read: &BodyParser,
        entry: &AuditEntry,
    ) -> Result<Vec<Recomputed>, StorageError> {
        for _ in 1..TRIES {
            match self.repair.recompute(ids, read, self.clock.now(), entry).await {
                Err(StorageError::Unavailable(_)) => sleep(PAUSE).await,
                done => return done,
            }
        }
        self.repair.recompute(ids, read, self.clock.now(), entry).await
    }
}

impl RebuildReport {
    fn note(&mut self, restated: &Recomputed, transitions: &mut BTreeMap<(String, String), u64>) {
        self.altered += 1;
        if restated.from != restated.to {
            *transitions.entry((restated.from.to_string(), restated.to.to_string())).or_default() += 1;
            if self.first.len() < NAMED {
                self.first.push(restated.correlation_id.to_string());
            }
        }
    }
}
