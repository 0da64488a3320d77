//! A status event, as clients that follow the events see it.

use serde::{Deserialize, Serialize};

use super::view::{time, word};
use crate::domain::{Channel, CorrelationId, StatusEvent};

/// One of these happened: the message became known, its status changed, its status became final, its status is no longer
/// final, or another message replaced it. The members have the same meaning as in the list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    pub correlation_id: String,
    pub origin: String,
    pub channel: Option<String>,
    pub status: String,
    #[serde(rename = "final")]
    pub is_final: bool,
    pub failure: Option<String>,
    pub code: Option<String>,
    pub reason: Option<String>,
    pub status_at: Option<String>,
    pub changed_at: String,
    /// The message that replaced this one, which no longer exists.
    pub replaced_by: Option<String>,
}

impl EventView {
    pub(super) fn of(change: &StatusEvent) -> Self {
        Self {
            correlation_id: change.correlation_id.to_string(),
            origin: change.origin.as_str().to_owned(),
            channel: change.channel.as_ref().map(Channel::to_string),
            status: change.status.to_string(),
            is_final: change.is_final,
            failure: word(change.failure),
            code: change.code.clone(),
            reason: change.reason.clone(),
            status_at: time(change.status_at),
            changed_at: change.changed_at.to_string(),
            replaced_by: change.replaced_by.as_ref().map(CorrelationId::to_string),
        }
    }
}
