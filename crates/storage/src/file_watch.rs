//! Notices when the files of an open SQLite database are removed, renamed or replaced.
//!
//! SQLite goes on writing to the files that it has opened, whatever their names are by then: commits succeed, and no
//! later process will ever read them.

use std::{
    fmt, fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::location::{Location, PARTS};

/// The files of a database, as they were when it was opened.
#[derive(Debug)]
pub(super) struct FileWatch {
    parts: Vec<(&'static str, PathBuf, Identity)>,
    lost: OnceLock<FileLost>,
}

/// A file is the same as long as these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

/// What happened to a file of an open database. It is so until the process is started anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FileLost {
    part: &'static str,
    replaced: bool,
}

impl fmt::Display for FileLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = match self.part {
            "" => "the database file",
            "-wal" => "the write-ahead log of the database (-wal)",
            _ => "the index of the write-ahead log (-shm)",
        };
        let what = if self.replaced { "replaced" } else { "removed or renamed" };
        let remedy = if self.part.is_empty() {
            "stop receiptd, put the right file with its -wal in place, and start receiptd again"
        } else {
            "restart receiptd: at its stop it writes what the log holds into the database file"
        };
        write!(f, "{file} was {what} while it was in use; {remedy}")
    }
}

impl FileWatch {
    /// Watches the files that are there now.
    pub(super) fn start(location: &Location) -> io::Result<Self> {
        let mut parts = Vec::new();
        for part in PARTS {
            let path = location.part(part);
            match identity(&path) {
                Ok(Some(identity)) => parts.push((part, path, identity)),
                // A database that is only read, and was never in use, has no log.
                Ok(None) if !part.is_empty() => {}
                Ok(None) => return Err(io::ErrorKind::NotFound.into()),
                Err(error) => return Err(error),
            }
        }
        Ok(Self { parts, lost: OnceLock::new() })
    }

    /// Fails when the files are not those that were opened, or cannot be looked at. Costs three system calls.
    pub(super) fn check(&self) -> io::Result<()> {
        if let Some(lost) = self.lost.get() {
            return Err(io::Error::other(*lost));
        }
        for (part, path, opened) in &self.parts {
            let found = identity(path)?;
            if found == Some(*opened) {
                continue;
            }
            let lost = FileLost { part, replaced: found.is_some() };
            if self.lost.set(lost).is_ok() {
                tracing::error!(path = %path.display(), "{lost}. Until then, nothing is acknowledged");
            }
            return Err(io::Error::other(lost));
        }
        Ok(())
    }

    /// Whether another process has a log of its own there, which SQLite would delete with the last connection.
    pub(super) fn has_foreign_log(&self) -> bool {
        let is_foreign = |path, opened| identity(path).is_ok_and(|found| found.is_some_and(|found| found != opened));
        self.parts.iter().any(|(part, path, opened)| *part == "-wal" && is_foreign(path, *opened))
    }
}

fn identity(path: &Path) -> io::Result<Option<Identity>> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(Identity { device: found.dev(), inode: found.ino() })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
