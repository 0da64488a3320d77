//! Checks the first bytes and the lengths of the files, to see whether they still contain what SQLite has written.
//!
//! The formats are described in <https://www.sqlite.org/fileformat2.html> and <https://www.sqlite.org/walformat.html>.
//! SQLite is compiled in, so only one version of it matters.

use std::{
    fs::File,
    io::{self, ErrorKind},
    sync::{Arc, Mutex, PoisonError},
};

use super::super::{
    header::{APPLICATION_ID, Header},
    held::read,
};
use crate::{FileLost, error::Loss};

#[derive(Debug)]
pub(super) struct Contents {
    file: Arc<File>,
    opened: Header,
    seen: Mutex<Seen>,
    log: Option<Log>,
}

/// The state of the database file at the last check.
#[derive(Debug, Default)]
struct Seen {
    length: u64,
    /// Whether it had the application id of receiptd. In a new database, this is at first only in the log.
    is_marked: bool,
}

impl Contents {
    pub(super) fn start(file: Arc<File>, log: Option<(Arc<File>, Arc<File>)>) -> io::Result<Self> {
        let opened = Header::new(read(&file, 0)?.ok_or(ErrorKind::UnexpectedEof)?);
        let log = log.map(|(file, index)| Log { file, index, seen: Mutex::default() });
        let contents = Self { file, opened, seen: Mutex::default(), log };
        contents.look_at_file()?;
        Ok(contents)
    }

    pub(super) fn look(&self) -> io::Result<Option<FileLost>> {
        if let Some(loss) = self.look_at_file()? {
            return Ok(Some(FileLost { part: "", loss }));
        }
        self.log.as_ref().map_or(Ok(None), Log::look)
    }

    /// The number of pages in the log at the last check.
    pub(super) fn log_pages(&self) -> u32 {
        self.log.as_ref().map_or(0, |log| log.seen.lock().unwrap_or_else(PoisonError::into_inner).1)
    }

    fn look_at_file(&self) -> io::Result<Option<Loss>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let length = self.file.metadata()?.len();
        let Some(header) = read(&self.file, 0)?.map(Header::new) else { return Ok(Some(Loss::Truncated)) };
        let is_marked = header.mark() == APPLICATION_ID;
        let may_be_unmarked = header.mark() == 0 && !seen.is_marked;
        if !header.is_like(&self.opened) || !(is_marked || may_be_unmarked) {
            return Ok(Some(Loss::Overwritten));
        }
        // The length alone proves nothing. SQLite shortens the file after a VACUUM; then it is as long as the header
        // states. While the log is being merged into the file, or while a reader prevents a part of it from being
        // merged, the file is shorter than the header states; but then it has not become shorter.
        if length < seen.length && length < header.length() {
            return Ok(Some(Loss::Truncated));
        }
        *seen = Seen { length, is_marked: seen.is_marked || is_marked };
        Ok(None)
    }
}

/// Maximum number of reads of a log that other connections restart meanwhile.
const LOOKS: usize = 5;

/// The write-ahead log and its index. The index contains the number of pages in the log, and the salts of its header.
/// SQLite writes the log before the index, and restarts or shortens the log only if the index states that it is empty.
#[derive(Debug)]
struct Log {
    file: Arc<File>,
    index: Arc<File>,
    /// The salts and the number of pages at the last check.
    seen: Mutex<([u8; 8], u32)>,
}

impl Log {
    fn look(&self) -> io::Result<Option<FileLost>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..LOOKS {
            let Some(bytes) = read(&self.index, 0)? else {
                return Ok(Some(FileLost { part: "-shm", loss: Loss::Truncated }));
            };
            let index = Index(bytes);
            if !index.is_whole() || index.pages() == 0 {
                return Ok(None);
            }
            let Some(loss) = self.loss(&index, *seen)? else {
                *seen = (index.salts(), index.pages());
                return Ok(None);
            };
            if read(&self.index, 0)? == Some(bytes) {
                return Ok(Some(FileLost { part: "-wal", loss }));
            }
        }
        Ok(None)
    }

    fn loss(&self, index: &Index, (salts, pages): ([u8; 8], u32)) -> io::Result<Option<Loss>> {
        const MAGIC: [u8; 3] = [0x37, 0x7f, 0x06];
        let Some(header) = read::<32>(&self.file, 0)? else { return Ok(Some(Loss::Truncated)) };
        if !header.starts_with(&MAGIC) || header[16..24] != index.salts() {
            return Ok(Some(Loss::Overwritten));
        }
        if self.file.metadata()?.len() < index.length_of(index.pages()) {
            return Ok(Some(Loss::Truncated));
        }
        // If the log is truncated while SQLite appends to it, it becomes long enough again, but with a hole before the
        // new pages.
        if salts == index.salts() && pages > 0 {
            let of_page = read::<24>(&self.file, index.length_of(pages - 1))?;
            if of_page.is_none_or(|of_page| of_page[8..16] != salts) {
                return Ok(Some(Loss::Truncated));
            }
        }
        Ok(None)
    }
}

/// The beginning of the index: the same header twice, in the byte order of this machine.
struct Index([u8; 96]);

impl Index {
    /// The only version of the format.
    const VERSION: u32 = 3_007_000;

    /// Whether the two copies agree. They differ if a process is writing, or crashed while writing.
    fn is_whole(&self) -> bool {
        self.0[..48] == self.0[48..] && self.number(0) == Self::VERSION
    }

    fn pages(&self) -> u32 {
        self.number(16)
    }

    fn salts(&self) -> [u8; 8] {
        self.0[32..40].try_into().unwrap_or_default()
    }

    /// The length of a log with this number of pages: a header, and another one before each page.
    fn length_of(&self, pages: u32) -> u64 {
        let size = u16::from_ne_bytes([self.0[14], self.0[15]]);
        let page_size = if size == 1 { 1 << 16 } else { u64::from(size) };
        32 + u64::from(pages) * (24 + page_size)
    }

    fn number(&self, at: usize) -> u32 {
        u32::from_ne_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
    }
}
