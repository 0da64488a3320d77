//! The purpose for which settings are loaded.

/// The purpose for which settings are loaded. Settings that it does not need are not checked: their names must exist, but
/// their values and files may be anything. So a user of the command line need not be able to read the server's secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To run the server.
    Serve,
    /// To send from the command line.
    Send,
    /// To work with the database.
    Store,
}

/// The settings, or whole sections, that every command needs that works with the database.
const STORE: [&str; 8] =
    ["database_url", "database", "overdue", "events", "retention", "audit", "log", "webex.time_zone"];
/// The settings that sending needs in addition.
const SEND: [&str; 4] = ["public_url", "public_url_rewritten", "webex", "send"];

impl Purpose {
    /// Returns whether the setting `name`, given as `section.key`, is needed.
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
