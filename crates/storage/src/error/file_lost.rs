//! The loss of the files of an SQLite database.

use std::fmt;

/// What happened to a file of an open database. The state lasts until the process is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FileLost {
    pub(crate) part: &'static str,
    pub(crate) loss: Loss,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    Removed,
    Replaced,
    /// The values from here on mean that the file is in its place.
    Truncated,
    Overwritten,
}

impl Loss {
    pub(crate) fn is_in_place(self) -> bool {
        matches!(self, Self::Truncated | Self::Overwritten)
    }
}

impl fmt::Display for FileLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = match self.part {
            "" => "the database file",
            "-wal" => "the write-ahead log of the database (-wal)",
            _ => "the index of the write-ahead log (-shm)",
        };
        let what = match self.loss {
            Loss::Removed => "removed or renamed",
            Loss::Replaced => "replaced",
            Loss::Truncated => "truncated",
            Loss::Overwritten => "overwritten",
        };
        let remedy = match (self.part, self.loss.is_in_place()) {
            ("", false) => "stop receiptd, put the right file with its -wal in place, and start receiptd again",
            ("", true) => {
                "stop receiptd, restore a backup with `receiptd restore FILE --force`, and start receiptd again"
            }
            ("-wal", true) => {
                "restart receiptd, which goes on with what is left of it, and run `receiptd audit verify`; if that \
                 finds something, restore a backup"
            }
            (_, true) => "restart receiptd: SQLite then creates a new index",
            (_, false) => "restart receiptd: on shutdown it writes the log into the database file",
        };
        write!(f, "{file} was {what} while it was in use; {remedy}")
    }
}
