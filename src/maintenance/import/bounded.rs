//! A file of which no row takes more than its share of the memory.

use std::{
    cell::Cell,
    io::{self, Read},
};

/// The longest row. The platform's payloads have 300,000 characters at the most.
pub(super) const LONGEST: u64 = 4 << 20;

/// How much may still be read before the next row has to be there.
pub(super) struct Allowance(Cell<u64>);

impl Allowance {
    /// For the first row.
    pub(super) fn new() -> Self {
        Self(Cell::new(LONGEST))
    }

    /// A row is there: as much again for the next one. If none is wanted, whatever is left may come.
    pub(super) fn renew(&self, more: bool) {
        self.0.set(if more { LONGEST } else { u64::MAX });
    }

    /// The same file, which fails with [`io::ErrorKind::FileTooLarge`] where a row is too long.
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
