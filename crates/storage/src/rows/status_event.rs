//! Rows of `status_events`.

use receiptd_domain::{Channel, CorrelationId, EventPosition, Failure, Origin, Status, StatusEvent, Timestamp};

use super::place::Place as Row;
use crate::StorageError;

#[derive(Clone)]
pub(crate) struct StatusEventRow {
    pub(crate) seq: i64,
    pub(crate) correlation_id: String,
    pub(crate) is_sent: i64,
    pub(crate) channel: Option<String>,
    pub(crate) status: String,
    pub(crate) is_final: i64,
    pub(crate) status_at: i64,
    pub(crate) failure: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) changed_at: i64,
    pub(crate) replaced_by: Option<String>,
}

/// A row of `status_event_seals`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SealRow {
    pub(crate) begins_after: i64,
    pub(crate) up_to: i64,
}

impl SealRow {
    pub(crate) fn covers(&self, event: &StatusEventRow) -> bool {
        self.begins_after < event.seq && event.seq <= self.up_to
    }
}

impl StatusEventRow {
    pub(crate) fn event(self) -> Result<StatusEvent, StorageError> {
        let place = EventPosition::of(self.seq);
        let row = place.to_string();
        let at = Row { table: "status_events", row: &row };
        Ok(StatusEvent {
            position: place,
            correlation_id: at.read("correlation_id", CorrelationId::new(&self.correlation_id).ok())?,
            origin: if self.is_sent == 0 { Origin::Observed } else { Origin::Sent },
            channel: self.channel.as_deref().map(Channel::from_name),
            status: at.read("status", Status::from_word(&self.status))?,
            is_final: self.is_final != 0,
            failure: at.read_opt("failure", self.failure.as_deref(), Failure::from_word)?,
            code: self.code,
            reason: self.reason,
            status_at: (self.status_at != 0).then(|| Timestamp::from_micros(self.status_at)),
            changed_at: Timestamp::from_micros(self.changed_at),
            replaced_by: at.read_opt("replaced_by", self.replaced_by.as_deref(), |id| CorrelationId::new(id).ok())?,
        })
    }
}
