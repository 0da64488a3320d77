//! What goes out of the store in bulk, and what puts right what is in it.
//!
//! | File | Holds |
//! | --- | --- |
//! | `export` | CSV or NDJSON of what is on record, page by page |
//! | `import` | notifications that never arrived, from the platform's export of failed ones |
//! | `rebuild` | every status, anew from the stored notifications |
//! | `retry` | what is in quarantine, read once more |

mod export;
mod import;
mod rebuild;
mod retry;

pub use export::{Export, ExportError, ExportRequest, Format, Piece, Subject};
pub use import::{ImportError, ImportOptions, ImportReport, Importer, Layout, UnreadableRow};
pub use rebuild::{Rebuild, RebuildReport, Transition};
pub use retry::{RetryReport, retry};
