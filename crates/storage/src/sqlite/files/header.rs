//! The header of an SQLite file, <https://www.sqlite.org/fileformat2.html>.

/// A value in the header that identifies a database of receiptd: `rcpt`.
pub(crate) const APPLICATION_ID: u32 = 0x7263_7074;

/// The first bytes of an SQLite file.
#[derive(Debug)]
pub(crate) struct Header([u8; Header::SIZE]);

impl Header {
    /// In bytes.
    pub(crate) const SIZE: usize = 100;
    const MAGIC: &[u8] = b"SQLite format 3\0";
    /// The format versions of a database with a write-ahead log.
    const WITH_LOG: [u8; 2] = [2, 2];
    /// The header is a part of the first page.
    const SMALLEST_PAGE: u64 = 512;

    pub(crate) fn new(bytes: [u8; Self::SIZE]) -> Self {
        Self(bytes)
    }

    /// The length of a whole file that begins like this, as far as its header shows it. 0 if it is not an SQLite file.
    pub(crate) fn whole_length(beginning: &[u8]) -> u64 {
        match beginning.first_chunk() {
            Some(header) if header.starts_with(Self::MAGIC) => Self(*header).length(),
            None if Self::MAGIC.starts_with(&beginning[..beginning.len().min(Self::MAGIC.len())]) => {
                Self::SMALLEST_PAGE
            }
            _ => 0,
        }
    }

    /// Whether a log that is not empty can belong to this file.
    pub(crate) fn can_have_log(&self) -> bool {
        self.0.starts_with(Self::MAGIC) && self.versions() == Self::WITH_LOG
    }

    /// Whether this can be the file that was opened with that header. A copy made by `VACUUM INTO`, such as a backup,
    /// has no write-ahead log. A file with a log keeps it as long as a connection has it open.
    pub(crate) fn is_like(&self, opened: &Self) -> bool {
        let has_versions = self.versions() == Self::WITH_LOG || self.versions() == opened.versions();
        self.0.starts_with(Self::MAGIC) && self.page_size() == opened.page_size() && has_versions
    }

    /// The length of the file, or its length after the log has been merged into it.
    pub(crate) fn length(&self) -> u64 {
        u64::from(self.number(28)) * self.page_size()
    }

    /// The application id.
    pub(crate) fn mark(&self) -> u32 {
        self.number(68)
    }

    fn versions(&self) -> [u8; 2] {
        [self.0[18], self.0[19]]
    }

    fn page_size(&self) -> u64 {
        match u16::from_be_bytes([self.0[16], self.0[17]]) {
            1 => 1 << 16,
            size => size.into(),
        }
    }

    fn number(&self, at: usize) -> u32 {
        u32::from_be_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
    }
}
