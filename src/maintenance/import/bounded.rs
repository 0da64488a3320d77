//! Limits how much memory a row of a file can use.

use std::{
    cell::Cell,
    io::{self, Read},
};

/// The maximum length of a row. The platform's payloads have at most 300,000 characters.
pub(super) const LONGEST: u64 = 4 << 20;

/// How many bytes may still be read before the next row has to be complete.
pub(super) struct Allowance(Cell<u64>);

impl Allowance {
    /// Creates the allowance for the first row.
    pub(super) fn new() -> Self {
        Self(Cell::new(LONGEST))
    }

    /// Renews the allowance after a complete row. If no `more` rows are wanted, the rest of the file is not limited.
    pub(super) fn renew(&self, more: bool) {
        self.0.set(if more { LONGEST } else { u64::MAX });
    }

    /// Returns the file with this limit. It fails with [`io::ErrorKind::FileTooLarge`] if a row is too long.
    pub(super) fn of<R: Read>(&self, file: R) -> impl Read {
        Bounded { file, left: &self.0 }
    }
}

struct Bounded<'a, R> {
    file: R,
    left: &'a Cell<u64>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        let left = self.left.get().checked_sub(read as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        self.left.set(left);
        Ok(read)
    }
}
