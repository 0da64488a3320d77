//! Detects that the files of an open SQLite database were removed, renamed, replaced, truncated or overwritten.
//!
//! SQLite continues to write to the files that it has opened, even if they have other names or other contents by then.
//! Commits succeed, but no later process can read them.

mod contents;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use self::contents::Contents;
use super::{
    held::{Identity, hold},
    location::{Location, PARTS},
};
use crate::{FileLost, error::Loss};

/// The files of a database, as they were when it was opened.
#[derive(Debug)]
pub(crate) struct FileWatch {
    parts: Vec<(&'static str, PathBuf, Identity)>,
    contents: Contents,
    lost: OnceLock<FileLost>,
}

impl FileWatch {
    /// Watches the files that exist now.
    pub(crate) fn start(location: &Location) -> io::Result<Self> {
        let (mut parts, mut files) = (Vec::new(), [None, None, None]);
        for (part, file) in PARTS.into_iter().zip(&mut files) {
            let path = location.part(part);
            match hold(&path) {
                Ok(opened) => {
                    parts.push((part, path, Identity::of(&opened.metadata()?)));
                    *file = Some(opened);
                }
                // A database that is only read and was never written to has no log.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !part.is_empty() => {}
                Err(error) => return Err(error),
            }
        }
        let [Some(file), log, index] = files else { return Err(io::ErrorKind::NotFound.into()) };
        Ok(Self { parts, contents: Contents::start(file, log.zip(index))?, lost: OnceLock::new() })
    }

    /// Fails if the files are not those that were opened, if their first bytes or their lengths show that another
    /// program wrote to them, or if they cannot be examined. Takes nine system calls, none of which waits for a disk.
    pub(crate) fn check(&self) -> io::Result<()> {
        if let Some(lost) = self.lost.get() {
            return Err(io::Error::other(*lost));
        }
        let Some(lost) = self.look()? else { return Ok(()) };
        if self.lost.set(lost).is_ok() {
            let path = self.parts.iter().find(|(part, ..)| *part == lost.part).map(|(_, path, _)| path.display());
            let path = path.map(|path| path.to_string()).unwrap_or_default();
            tracing::error!(path, "{lost}. Until then, nothing is acknowledged");
        }
        Err(io::Error::other(lost))
    }

    fn look(&self) -> io::Result<Option<FileLost>> {
        for (part, path, opened) in &self.parts {
            let loss = match identity(path)? {
                Some(found) if found == *opened => continue,
                Some(_) => Loss::Replaced,
                None => Loss::Removed,
            };
            return Ok(Some(FileLost { part, loss }));
        }
        self.contents.look()
    }

    /// The number of pages in the write-ahead log at the last check.
    pub(crate) fn log_pages(&self) -> u32 {
        self.contents.log_pages()
    }

    /// Whether SQLite would do harm when it closes the last connection. It writes the log into the database file and
    /// deletes the log, even if another program wrote to the file or if the log belongs to another process.
    pub(crate) fn must_be_left_alone(&self) -> bool {
        // The files may have changed since the last check. If they cannot be examined, this is not a reason to leave
        // them.
        let _ = self.check();
        self.lost.get().is_some_and(|lost| lost.loss.is_in_place()) || self.has_foreign_log()
    }

    fn has_foreign_log(&self) -> bool {
        let is_foreign = |path, opened| identity(path).is_ok_and(|found| found.is_some_and(|found| found != opened));
        self.parts.iter().any(|(part, path, opened)| *part == "-wal" && is_foreign(path, *opened))
    }
}

fn identity(path: &Path) -> io::Result<Option<Identity>> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(Identity::of(&found))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
