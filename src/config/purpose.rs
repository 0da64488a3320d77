//! What the settings are for.

/// What the settings are for. Those that a purpose does not need are not looked at: their names must exist, but their
/// values and their files may be anything, as of secrets that the person at the command line may not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To run the server.
    Serve,
    /// To send from the command line.
    Send,
    /// To work with the database.
    Store,
}

/// What everybody needs who works with the database: settings, or whole sections.
const STORE: [&str; 8] =
    ["database_url", "database", "overdue", "events", "retention", "audit", "log", "webex.time_zone"];
/// What sending needs besides.
const SEND: [&str; 4] = ["public_url", "public_url_rewritten", "webex", "send"];

impl Purpose {
    /// Whether this setting counts, named as `section.key`.
    pub(super) fn needs(self, name: &str) -> bool {
        let is_in = |parts: &[&str]| {
            parts
                .iter()
                .any(|part| name.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        };
        match self {
            Self::Serve => true,
            Self::Send => is_in(&STORE) || is_in(&SEND),
            Self::Store => is_in(&STORE),
        }
    }
}
