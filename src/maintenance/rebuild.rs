//! Recomputes every status from the stored notifications, as this version reads them.

use std::{collections::BTreeMap, slice, sync::Arc};

use serde::{Deserialize, Serialize};

use super::yielding::yielding;
use crate::{
    audit::entry,
    clock::Clock,
    domain::{Actor, AuditAction, CorrelationId, PageLimit},
    storage::{AuditLog, Recomputed, Repair, StorageError, Store},
    webex::{Posted, TimeZone},
};

/// The number of messages in one unit of work. It is small, since appends to these messages wait for it.
const BATCH: u16 = 100;
/// The maximum number of messages that the report names.
const NAMED: usize = 20;

/// The result of a rebuild.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RebuildReport {
    /// The number of messages that were checked.
    pub messages: u64,
    /// The number of messages that change: in their status, or only in the details behind it.
    pub altered: u64,
    /// The changes of statuses.
    pub transitions: Vec<Transition>,
    /// The first messages whose status changes.
    pub first: Vec<String>,
}

/// The number of messages that change from one status to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    pub from: String,
    pub to: String,
    pub messages: u64,
}

/// Recomputes statuses.
#[derive(Clone)]
pub struct Rebuild {
    repair: Arc<dyn Repair>,
    audit_log: Arc<dyn AuditLog>,
    zone: TimeZone,
    clock: Clock,
}

impl Rebuild {
    /// Creates a rebuild of `store`; `zone` is the time zone of the tenant.
    pub fn new(store: &Store, zone: TimeZone, clock: Clock) -> Self {
        Self { repair: store.repair.clone(), audit_log: store.audit_log.clone(), zone, clock }
    }

    /// Checks all messages, and changes those whose result differs now; with `dry_run`, it only reports them. It is
    /// safe while messages and notifications arrive: each batch is read and written in one transaction. `actor` is
    /// recorded in the audit log. `seen` is called with the number of messages that are done.
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
            Posted::Notification(notification, _) => Some(*notification),
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
                // Only these messages are locked, and only now: most batches have none.
                let ids: Vec<_> = found.into_iter().map(|recomputed| recomputed.correlation_id).collect();
                found = yielding(|| self.repair.recompute(&ids, &read, self.clock.now(), &entry)).await?;
            }
            for recomputed in found {
                report.note(&recomputed, &mut transitions);
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
}

impl RebuildReport {
    fn note(&mut self, recomputed: &Recomputed, transitions: &mut BTreeMap<(String, String), u64>) {
        self.altered += 1;
        if recomputed.from != recomputed.to {
            *transitions.entry((recomputed.from.to_string(), recomputed.to.to_string())).or_default() += 1;
            if self.first.len() < NAMED {
                self.first.push(recomputed.correlation_id.to_string());
            }
        }
    }
}
