//! Rows of `saved_views`.

use receiptd_domain::{SavedView, Timestamp, ViewId, ViewName, ViewedList};

use super::Place;
use crate::StorageError;

pub(crate) struct SavedViewRow {
    pub(crate) id: i64,
    pub(crate) list: String,
    pub(crate) name: String,
    pub(crate) filter: String,
    pub(crate) saved_at: i64,
}

impl SavedViewRow {
    pub(crate) fn view(self) -> Result<SavedView, StorageError> {
        let id = ViewId::new(self.id);
        let row = id.to_string();
        let place = Place { table: "saved_views", row: &row };
        Ok(SavedView {
            id,
            list: place.read("list", ViewedList::from_word(&self.list))?,
            name: place.read("name", ViewName::new(&self.name).ok())?,
            filter: place.read("filter", serde_json::from_str(&self.filter).ok())?,
            saved_at: Timestamp::from_micros(self.saved_at),
        })
    }
}
