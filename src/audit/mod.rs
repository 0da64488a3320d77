//! What goes out of the store in bulk, what puts right what is in it, who did what, and what is to be forgotten.
//!
//! | File | Holds |
//! | --- | --- |
//! | `export` | CSV or NDJSON of what is on record, page by page |
//! | `import` | what never arrived, from the platform's export of failed notifications, or what was exported here |
//! | `formula` | texts in the cells of a spreadsheet, which must not be formulas |
//! | `rebuild` | every status, anew from the stored notifications |
//! | `retry` | what is in quarantine, read once more |
//! | `log` | who did what |
//! | `proof` | proves the store against its chain |
//! | `digest` | the first look: whether everything is as the chain says |
//! | `search` | the second look, where it is not: which row |
//! | `retention` | removes what was kept for its time |
//! | `erasure` | removes a person |
//!
//! To note an action of another kind: a word in `domain::AuditAction`, and its entry in the commit that does the action, as a purge
//! has it; or else a call of [`AuditWriter::record`] after the action, before anybody is told that it is done.

mod digest;
mod erasure;
mod export;
mod formula;
mod import;
mod log;
mod proof;
mod rebuild;
mod retention;
mod retry;
mod search;

pub use erasure::{Eraser, ErasureView};
pub use export::{Export, ExportError, ExportRequest, Format, Piece, Subject};
pub use import::{
    ImportError, ImportOptions, ImportReport, Importer, Layout, Origin, Row, UnreadableRow, as_utf_8, is_utf_8,
    read_rows,
};
pub use log::{AuditEntryView, AuditUnavailable, AuditView, AuditWriter, PendingEntry, entry};
pub use proof::{Finding, Proof, Verdict};
pub use rebuild::{Rebuild, RebuildReport, Transition};
pub use retention::{Periods, PurgeView, Purger};
pub use retry::{RetryReport, retry};
