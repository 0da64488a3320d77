//! Restores a backup: verifies a copy of it, marks its waiting messages as unconfirmed, and replaces the database with
//! the copy.

use std::{
    path::{Path, PathBuf},
    slice,
    sync::Arc,
};

use serde::Serialize;

use crate::{
    audit::{Expected, Finding, Proof, SigningKey, entry},
    clock::Clock,
    domain::{Actor, AuditAction, LinkHash},
    projection::Projector,
    storage::{self, Access, BackupError, OpenError, OpenOptions, Staged, StorageError, Store},
};

/// The backup to restore, and the options.
#[derive(Clone, Copy, Debug)]
pub struct Restore<'a> {
    /// The backup. `None` on Postgres, whose own tools have already put the data in place.
    pub file: Option<&'a Path>,
    /// The URL of the database.
    pub url: &'a str,
    /// How to open it; the access follows from `file`.
    pub options: OpenOptions,
    /// Move an existing database aside. Otherwise, an existing database is not replaced.
    pub aside: bool,
    /// The backup must contain everything that this head vouches for.
    pub head: Option<LinkHash>,
    /// The key that signs the links of the restored store. Those of the backup must be signed by it, too.
    pub signing_key: Option<&'a Arc<SigningKey>>,
    /// Leave waiting messages in the outbox, since none of them was sent after the backup was made.
    pub resend: bool,
}

/// The result of a restore.
#[derive(Clone, Debug, Serialize)]
pub struct RestoreReport {
    /// The number of rows that the chain vouches for.
    pub rows: u64,
    /// The head that vouches for all of them, for a later verification.
    pub head: Option<String>,
    /// The number of waiting messages that became unconfirmed.
    pub unconfirmed: usize,
    /// The path to which the former database was moved.
    pub replaced: Option<PathBuf>,
}

/// The reason why a backup was not restored. The former database is still in place.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file cannot be copied, or the copy cannot be put in place.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The copy cannot be opened.
    #[error("the backup")]
    Open(#[source] OpenError),
    /// The verification found something.
    #[error("the backup does not verify: {0}")]
    Unsound(Finding),
    /// The database returned an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Restore<'_> {
    /// Restores the backup. The audit log of the restored database records `actor`.
    pub async fn run(self, actor: &Actor, clock: &Clock) -> Result<RestoreReport, RestoreError> {
        let staged = match self.file {
            Some(file) => Some(Staged::of(file, self.url, self.aside).await?),
            None => None,
        };
        let url = staged.as_ref().map_or_else(|| self.url.to_owned(), Staged::url);
        // The schema of the copy may be migrated, but not that of a Postgres server.
        let access = if staged.is_some() { Access::Migrate } else { Access::Write };
        let options = OpenOptions { access, ..self.options };
        let store = storage::open(&url, options).await.map_err(RestoreError::Open)?;
        if let Some(key) = self.signing_key {
            store.hash_chain.sign_with(key.clone());
        }
        let report = self.verify_and_settle(&store, actor, clock).await;
        store.health.close().await;
        let mut report = report?;
        if let Some(staged) = staged {
            report.replaced = staged.put_in_place().await?;
        }
        Ok(report)
    }

    fn expected(&self) -> Expected {
        let keys = self.signing_key.iter().map(|key| key.public_key()).collect();
        Expected { head: self.head, keys, ..Expected::default() }
    }

    /// Verifies the store, and marks the messages that may have been sent since the backup.
    async fn verify_and_settle(
        &self,
        store: &Store,
        actor: &Actor,
        clock: &Clock,
    ) -> Result<RestoreReport, RestoreError> {
        // The journal of the backup may contain notifications that were acknowledged just before.
        Projector::new(store, clock.clone()).project_all().await?;
        let verdict = Proof::new(store).verify(&self.expected()).await?;
        if let Some(finding) = verdict.finding {
            return Err(RestoreError::Unsound(finding));
        }
        let entry = entry(actor, AuditAction::Restored, clock, None);
        store.audit_log.append(slice::from_ref(&entry)).await?;
        let unconfirmed = if self.resend { 0 } else { store.outbox.mark_unconfirmed(clock.now(), &entry).await?.len() };
        Ok(RestoreReport { rows: verdict.rows, head: verdict.head, unconfirmed, replaced: None })
    }
}
