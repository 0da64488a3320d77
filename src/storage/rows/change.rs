//! Rows of `changes`.

use super::Place as Row;
use crate::{
    domain::{Change, Channel, CorrelationId, Failure, Origin, Place, Status, Timestamp},
    storage::StorageError,
};

pub(in crate::storage) struct ChangeRow {
    pub(in crate::storage) seq: i64,
    pub(in crate::storage) correlation_id: String,
    pub(in crate::storage) is_sent: i64,
    pub(in crate::storage) channel: Option<String>,
    pub(in crate::storage) status: String,
    pub(in crate::storage) is_final: Option<i64>,
    pub(in crate::storage) status_at: i64,
    pub(in crate::storage) failure: Option<String>,
    pub(in crate::storage) code: Option<String>,
    pub(in crate::storage) reason: Option<String>,
    pub(in crate::storage) changed_at: i64,
}

impl ChangeRow {
    pub(in crate::storage) fn change(self) -> Result<Change, StorageError> {
        let place = Place::of(self.seq);
        let row = place.to_string();
        let at = Row { table: "changes", row: &row };
        let channel = self.channel.as_deref().map(Channel::from_name);
        let status = at.read("status", Status::from_word(&self.status))?;
        Ok(Change {
            place,
            correlation_id: at.read("correlation_id", CorrelationId::new(&self.correlation_id).ok())?,
            origin: if self.is_sent == 0 { Origin::Observed } else { Origin::Sent },
            // Before schema 6 this was not noted down.
            is_final: self.is_final.map_or(status.is_final(channel.as_ref()), |is_final| is_final != 0),
            channel,
            status,
            failure: at.read_opt("failure", self.failure.as_deref(), Failure::from_word)?,
            code: self.code,
            reason: self.reason,
            status_at: (self.status_at != 0).then(|| Timestamp::from_micros(self.status_at)),
            changed_at: Timestamp::from_micros(self.changed_at),
        })
    }
}
