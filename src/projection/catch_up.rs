//! Waits until everything that was acknowledged can be read.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    clock::Clock,
    storage::{JournalHead, Projection, StorageError, Store},
};

/// How often to look whether another instance has projected its part.
const POLL: Duration = Duration::from_millis(5);

/// Waits for the projection.
#[derive(Clone)]
pub struct CatchUp {
    projection: Arc<dyn Projection>,
    projected: watch::Receiver<()>,
    most: Duration,
    clock: Clock,
}

impl CatchUp {
    /// Waits for `most` at a time.
    pub fn new(store: &Store, most: Duration, clock: Clock) -> Self {
        Self { projection: store.projection.clone(), projected: store.status_signal.clone(), most, clock }
    }

    /// Waits until everything that was acknowledged before this call is projected, by any instance. If that takes too long,
    /// returns by how much the projection is behind.
    pub async fn wait(&self) -> Result<Option<Duration>, StorageError> {
        let mut heads = self.projection.heads().await?;
        if heads.is_empty() {
            return Ok(None);
        }
        if let Ok(passed) = timeout_at(Instant::now() + self.most, self.pass(&mut heads)).await {
            return passed.map(|()| None);
        }
        let oldest = self.projection.oldest_unprojected().await?;
        Ok(oldest.map(|oldest| self.clock.now().since(oldest)))
    }

    async fn pass(&self, heads: &mut Vec<JournalHead>) -> Result<(), StorageError> {
        let mut projected = self.projected.clone();
        loop {
            projected.mark_unchanged();
            while let Some(head) = heads.last() {
                if !self.projection.is_projected(head.position).await? {
                    break;
                }
                heads.pop();
            }
            if heads.is_empty() {
                return Ok(());
            }
            tokio::select! {
                _ = projected.changed() => {}
                () = sleep(POLL) => {}
            }
        }
    }
}
