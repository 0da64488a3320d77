//! Rows of `audit_log`.

use receiptd_domain::{Actor, AuditAction, AuditEntry, Timestamp};

use crate::StorageError;

pub(crate) struct AuditRow {
    pub(crate) id: Vec<u8>,
    pub(crate) at: i64,
    pub(crate) actor: String,
    pub(crate) os_user: Option<String>,
    pub(crate) action: String,
    pub(crate) count: i64,
    pub(crate) details: Option<String>,
}

impl AuditRow {
    pub(crate) fn of(entry: &AuditEntry) -> Self {
        Self {
            id: entry.id.to_vec(),
            at: entry.at.as_micros(),
            actor: entry.actor.as_str().to_owned(),
            os_user: entry.actor.os_user().map(str::to_owned),
            action: entry.action.as_str().to_owned(),
            count: entry.count,
            details: entry.details.clone(),
        }
    }

    /// What it says, to name the entry.
    pub(crate) fn name(&self) -> String {
        format!("{} {} {}", Timestamp::from_micros(self.at), self.actor, self.action)
    }

    pub(crate) fn entry(self) -> Result<AuditEntry, StorageError> {
        let corrupt = |column| StorageError::Corrupt { table: "audit_log", column, row: self.at.to_string() };
        Ok(AuditEntry {
            id: self.id.try_into().map_err(|_| corrupt("id"))?,
            action: AuditAction::from_word(&self.action).ok_or_else(|| corrupt("action"))?,
            at: Timestamp::from_micros(self.at),
            actor: Actor::named(&self.actor).run_by(self.os_user),
            count: self.count,
            details: self.details,
        })
    }
}
