//! Stores and reads sessions.

use async_trait::async_trait;
use receiptd_domain::{Session, SessionKey, Timestamp};

use super::backend::Backend;
use crate::{Sessions, StorageError, rows::SessionRow};

#[async_trait]
impl Sessions for Backend {
    async fn open(
        &self,
        session: &Session,
        opened_before: Timestamp,
        used_before: Timestamp,
    ) -> Result<(), StorageError> {
        let mut unit = self.begin().await?;
        sql!(
            "DELETE FROM sessions WHERE opened_at < $1 OR used_at < $2",
            opened_before.as_micros(),
            used_before.as_micros()
        )
        .execute(&mut *unit)
        .await?;
        sql!(
            "INSERT INTO sessions (id, token, proof, opened_at, used_at) VALUES ($1, $2, $3, $4, $5)",
            session.key.as_bytes().as_slice(),
            session.token,
            session.proof,
            session.opened_at.as_micros(),
            session.used_at.as_micros()
        )
        .execute(&mut *unit)
        .await?;
        Ok(unit.commit().await?)
    }

    async fn find(&self, key: &SessionKey) -> Result<Option<Session>, StorageError> {
        let row = sql_as!(
            SessionRow,
            "SELECT token, proof, opened_at, used_at FROM sessions WHERE id = $1",
            key.as_bytes().as_slice()
        );
        Ok(row.fetch_optional(&self.pools.read).await?.map(|row| row.session(*key)))
    }

    async fn note_use(&self, key: &SessionKey, at: Timestamp) -> Result<(), StorageError> {
        let used = sql!(
            "UPDATE sessions SET used_at = $2 WHERE id = $1 AND used_at < $2",
            key.as_bytes().as_slice(),
            at.as_micros()
        );
        Ok(self.take_writer().await?.commit_only(used).await?)
    }

    async fn close(&self, key: &SessionKey) -> Result<(), StorageError> {
        let closed = sql!("DELETE FROM sessions WHERE id = $1", key.as_bytes().as_slice());
        Ok(self.take_writer().await?.commit_only(closed).await?)
    }
}
