//! Whether the files hold what SQLite has written, as far as their first bytes and their lengths tell.
//!
//! The formats are those of <https://www.sqlite.org/fileformat2.html> and <https://www.sqlite.org/walformat.html>. SQLite
//! is compiled in, so no other version of it has to be reckoned with.

use std::{
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use super::{FileLost, Loss, hold};
use crate::location::APPLICATION_ID;

#[derive(Debug)]
pub(super) struct Contents {
    file: Arc<File>,
    opened: Header,
    seen: Mutex<Seen>,
    log: Option<Log>,
}

/// What the database file was like when it was last looked at.
#[derive(Debug, Default)]
struct Seen {
    length: u64,
    /// Whether it had the mark of this program. That of a new one is in the log at first.
    is_marked: bool,
}

impl Contents {
    pub(super) fn start(file: Arc<File>, log: Option<(Arc<File>, Arc<File>)>) -> io::Result<Self> {
        let opened = Header(read(&file, 0)?.ok_or(ErrorKind::UnexpectedEof)?);
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

    fn look_at_file(&self) -> io::Result<Option<Loss>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let length = self.file.metadata()?.len();
        let Some(header) = read(&self.file, 0)?.map(Header) else { return Ok(Some(Loss::Truncated)) };
        let is_marked = header.mark() == APPLICATION_ID;
        let may_be_unmarked = header.mark() == 0 && !seen.is_marked;
        if !header.is_like(&self.opened) || !(is_marked || may_be_unmarked) {
            return Ok(Some(Loss::Overwritten));
        }
        // The length alone tells nothing. SQLite shortens the file after a VACUUM; then it is as long as the header says.
        // While the log is being moved into the file, and where a reader keeps a part of it from being moved, the file is
        // shorter than the header says; then it has not become shorter.
        if length < seen.length && length < header.length() {
            return Ok(Some(Loss::Truncated));
        }
        *seen = Seen { length, is_marked: seen.is_marked || is_marked };
        Ok(None)
    }
}

/// Whether a database file is such that a log that is not empty can be its own: SQLite writes to a new file before it makes
/// a log. Beside any other file it would take the log for its own all the same, and an empty file for a new database.
pub(in super::super) fn can_have_log(path: &Path) -> io::Result<bool> {
    let header = read(&*hold(path)?, 0)?.map(Header);
    Ok(header.is_some_and(|header| header.0.starts_with(Header::MAGIC) && header.versions() == Header::WITH_LOG))
}

/// What the database file begins with.
#[derive(Debug)]
struct Header([u8; 100]);

impl Header {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    /// The versions of the format: that of a database with a write-ahead log.
    const WITH_LOG: [u8; 2] = [2, 2];

    fn versions(&self) -> [u8; 2] {
        [self.0[18], self.0[19]]
    }

    /// Whether this can be the file that was opened with that header. A copy that `VACUUM INTO` has made, as a backup is,
    /// has no write-ahead log; and one that has a log keeps it as long as somebody has it open.
    fn is_like(&self, opened: &Self) -> bool {
        let has_versions = self.versions() == Self::WITH_LOG || self.versions() == opened.versions();
        self.0.starts_with(Self::MAGIC) && self.page_size() == opened.page_size() && has_versions
    }

    fn page_size(&self) -> u64 {
        match u16::from_be_bytes([self.0[16], self.0[17]]) {
            1 => 1 << 16,
            size => size.into(),
        }
    }

    /// How long the file is, or will be when the log has been moved into it.
    fn length(&self) -> u64 {
        u64::from(self.number(28)) * self.page_size()
    }

    fn mark(&self) -> u32 {
        self.number(68)
    }

    fn number(&self, at: usize) -> u32 {
        u32::from_be_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
    }
}

/// So often a log is looked at that others begin anew meanwhile.
const LOOKS: usize = 5;

/// The write-ahead log, and its index. The index says how many pages the log holds, and which salts it begins with. SQLite
/// writes the log before the index, and begins it anew or shortens it only when the index says that it is empty.
#[derive(Debug)]
struct Log {
    file: Arc<File>,
    index: Arc<File>,
    /// The salts and the number of pages when it was last looked at.
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
        // A log that is cut off while SQLite appends to it is long enough again, but there is a hole before what is new.
        if salts == index.salts() && pages > 0 {
            let of_page = read::<24>(&self.file, index.length_of(pages - 1))?;
            if of_page.is_none_or(|of_page| of_page[8..16] != salts) {
                return Ok(Some(Loss::Truncated));
            }
        }
        Ok(None)
    }
}

/// What the index of the log begins with: the same twice, in the byte order of this machine.
struct Index([u8; 96]);

impl Index {
    /// The only version of the format that there is.
    const VERSION: u32 = 3_007_000;

    /// Nobody is writing it, or died while writing it.
    fn is_whole(&self) -> bool {
        self.0[..48] == self.0[48..] && self.number(0) == Self::VERSION
    }

    fn pages(&self) -> u32 {
        self.number(16)
    }

    fn salts(&self) -> [u8; 8] {
        self.0[32..40].try_into().unwrap_or_default()
    }

    /// How long a log of so many pages is: a header, and one before each page.
    fn length_of(&self, pages: u32) -> u64 {
        let size = u16::from_ne_bytes([self.0[14], self.0[15]]);
        let page_size = if size == 1 { 1 << 16 } else { u64::from(size) };
        32 + u64::from(pages) * (24 + page_size)
    }

    fn number(&self, at: usize) -> u32 {
        u32::from_ne_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
    }
}

/// Bytes of a file; `None` if it ends before.
fn read<const BYTES: usize>(file: &File, at: u64) -> io::Result<Option<[u8; BYTES]>> {
    let mut bytes = [0; BYTES];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
