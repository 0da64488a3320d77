//! Exports and imports data, repairs what is stored, and removes what should no longer be stored.
//!
//! | File | Holds |
//! | --- | --- |
//! | `export` | CSV or NDJSON of what is stored, page by page |
//! | `import` | notifications that never arrived, from the platform's export of failed notifications, or from an export of receiptd |
//! | `formula` | guards the cells of a spreadsheet against being run as formulas |
//! | `rebuild` | recomputes every status from the stored notifications |
//! | `retry` | reads the quarantine again |
//! | `restore` | verifies a backup and puts it in the place of the database |
//! | `retention` | removes data that is older than its retention period |
//! | `erasure` | erases the data of a person |
//! | `trimming` | removes status events that are older than their period |
//! | `yielding` | repeats what gave up because it would have blocked an append |
//!
//! Each of these except `trimming` is recorded in the audit log: a change of data in the commit that makes it, an
//! export before it begins. Imports, rebuilds and retries also commit an entry with the count 0 before they begin.

mod erasure;
mod export;
mod formula;
mod import;
mod rebuild;
mod restore;
mod retention;
mod retry;
mod trimming;
mod yielding;

pub use erasure::{Eraser, ErasureView};
pub use export::{Export, ExportError, ExportRequest, Format, Piece, Subject, recorded_filters};
pub use import::{
    ImportError, ImportOptions, ImportReport, Importer, Layout, Origin, Row, UnreadableRow, as_utf_8, is_utf_8,
    read_rows,
};
pub use rebuild::{Rebuild, RebuildReport, Transition};
pub use restore::{Restore, RestoreError, RestoreReport};
pub use retention::{Periods, PurgeView, Purger};
pub use retry::{RetryReport, retry};
pub use trimming::seal_and_trim_status_events;
