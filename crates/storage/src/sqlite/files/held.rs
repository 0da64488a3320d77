//! Files that are open only to be examined.
//!
//! A process that closes a file loses all its POSIX locks on that file, including those that SQLite has through another
//! descriptor. So a file is opened once, however many stores examine it, and stays open until the last of them has
//! closed its connections.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// A file is unchanged as long as these are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(crate) fn of(found: &fs::Metadata) -> Self {
        Self { device: found.dev(), inode: found.ino() }
    }
}

static HELD: Mutex<Vec<(Identity, Weak<File>)>> = Mutex::new(Vec::new());

/// Opens a file, or returns the file if it is open already.
pub(crate) fn hold(path: &Path) -> io::Result<Arc<File>> {
    let wanted = Identity::of(&fs::metadata(path)?);
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    held.retain(|(_, file)| file.strong_count() > 0);
    let known = held.iter().find(|(identity, _)| *identity == wanted).and_then(|(_, file)| file.upgrade());
    if let Some(file) = known {
        return Ok(file);
    }
    let file = Arc::new(File::open(path)?);
    held.push((Identity::of(&file.metadata()?), Arc::downgrade(&file)));
    Ok(file)
}

/// Reads bytes of a file. `None` if the file is too short.
pub(crate) fn read<const BYTES: usize>(file: &File, at: u64) -> io::Result<Option<[u8; BYTES]>> {
    let mut bytes = [0; BYTES];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
