//! Rows of `sessions`.

use receiptd_domain::{Session, SessionKey, Timestamp};

pub(crate) struct SessionRow {
    pub(crate) token: String,
    pub(crate) proof: Vec<u8>,
    pub(crate) opened_at: i64,
    pub(crate) used_at: i64,
}

impl SessionRow {
    pub(crate) fn session(self, key: SessionKey) -> Session {
        Session {
            key,
            token: self.token,
            proof: self.proof,
            opened_at: Timestamp::from_micros(self.opened_at),
            used_at: Timestamp::from_micros(self.used_at),
        }
    }
}
