//! The entries of the audit log: who did what.

use std::collections::BTreeSet;

use super::{
    Cursor, FieldError, Fingerprint, PageLimit, Timestamp, Writer,
    filter::{instant, word},
};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// Submitted messages to send.
    Sent,
    /// Cancelled a message.
    Cancelled,
    /// Exported data.
    Exported,
    /// Imported notifications.
    Imported,
    /// Read the quarantine again.
    Retried,
    /// Recomputed statuses.
    Rebuilt,
    /// Removed data whose retention time had ended.
    Purged,
    /// Erased the data of a person.
    Erased,
    /// Restored the store from a backup.
    Restored,
    /// Read messages or other personal data.
    Read,
    /// Verified the store against its hash chain.
    Verified,
}

impl AuditAction {
    pub const ALL: [Self; 11] = [
        Self::Sent,
        Self::Cancelled,
        Self::Exported,
        Self::Imported,
        Self::Retried,
        Self::Rebuilt,
        Self::Purged,
        Self::Erased,
        Self::Restored,
        Self::Read,
        Self::Verified,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Cancelled => "cancelled",
            Self::Exported => "exported",
            Self::Imported => "imported",
            Self::Retried => "retried",
            Self::Rebuilt => "rebuilt",
            Self::Purged => "purged",
            Self::Erased => "erased",
            Self::Restored => "restored",
            Self::Read => "read",
            Self::Verified => "verified",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    name: String,
    os_user: Option<String>,
}

impl Actor {
    /// The actor with this name. For a caller with a token, this is the name of the token.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), os_user: None }
    }

    /// A caller who needed no token.
    pub fn anonymous() -> Self {
        Self::named("anonymous")
    }

    /// A user of the command line, by the name that the user claims.
    pub fn cli(user: &str) -> Self {
        Self::named(&format!("cli:{user}"))
    }

    /// The server itself, acting on its settings.
    pub fn server() -> Self {
        Self::named("server")
    }

    /// The same actor, with the operating system user who ran the command.
    #[must_use]
    pub fn run_by(self, os_user: Option<String>) -> Self {
        Self { os_user, ..self }
    }

    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The operating system user who ran the command. `None` for requests, and for the server itself.
    pub fn os_user(&self) -> Option<&str> {
        self.os_user.as_deref()
    }
}

/// What was done in a unit of work. The entry is stored in the same commit as the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerformedAction<'a> {
    pub actor: &'a Actor,
    pub action: AuditAction,
    pub at: Timestamp,
    /// The number of messages affected.
    pub count: i64,
}

/// In microseconds.
const MINUTE: i64 = 60_000_000;

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Unique id of the entry.
    pub id: [u8; 16],
    /// When it was done. For an entry that counts several actions, when the first one was done.
    pub at: Timestamp,
    pub actor: Actor,
    pub action: AuditAction,
    /// How many messages, rows or records were affected.
    pub count: i64,
    /// Further information. Never a phone number, an address or a text of a message.
    pub details: Option<String>,
}

impl AuditEntry {
    /// The entry that counts `done`. There is one entry per minute for each actor, action and writer. Writers that
    /// commit at the same time use different entries, so none of them waits for another.
    pub fn of_minute(done: &PerformedAction<'_>, writer: Writer) -> Self {
        let minute = done.at.as_micros().div_euclid(MINUTE).to_be_bytes();
        let os_user = done.actor.os_user().unwrap_or_default().as_bytes();
        let parts =
            [writer.as_bytes(), done.actor.as_str().as_bytes(), os_user, done.action.as_str().as_bytes(), &minute];
        let mut id = [0; 16];
        id.copy_from_slice(Fingerprint::of_parts(parts).as_bytes());
        Self { id, at: done.at, actor: done.actor.clone(), action: done.action, count: done.count, details: None }
    }

    /// The cursor of the page that follows this entry.
    pub fn cursor(&self) -> Cursor {
        let id = Fingerprint::from_bytes(&self.id).unwrap_or_default().to_string();
        Cursor { at: self.at, id }
    }
}

/// Which entries of the audit log to list. Without any filter, all are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub actor: Option<String>,
    pub action: Option<AuditAction>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// A request for one page of the audit log, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRequest {
    pub filter: AuditFilter,
    /// Where the page begins.
    pub after: Option<Cursor>,
    /// The number of entries on the page.
    pub limit: PageLimit,
}

impl AuditRequest {
    /// The names that [`Self::parse`] accepts: the filters, `limit` and `cursor`.
    pub const NAMES: [&'static str; 6] = ["actor", "action", "since", "until", "limit", "cursor"];

    /// Parses names and values, and reports all errors at once. An unknown name is an error, because ignoring a filter
    /// would show more than was asked for.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<FieldError>> {
        let (mut request, mut errors, mut given) = (Self::default(), Vec::new(), BTreeSet::new());
        for (name, value) in pairs {
            let once = if given.insert(name) { Ok(()) } else { Err("is given more than once".to_owned()) };
            if let Err(detail) = once.and_then(|()| request.set(name, value)) {
                errors.push(FieldError { pointer: format!("/{name}"), detail });
            }
        }
        if errors.is_empty() { Ok(request) } else { Err(errors) }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let filter = &mut self.filter;
        match name {
            // As in ids: stored text contains no NUL, and Postgres rejects it in a statement.
            "actor" if !value.is_empty() => filter.actor = Some(value.replace('\0', "\u{FFFD}")),
            "actor" => return Err("must not be empty".to_owned()),
            "action" => {
                filter.action = Some(word(value, AuditAction::from_word, AuditAction::ALL.map(AuditAction::as_str))?);
            }
            "since" => filter.since = Some(instant(value)?),
            "until" => filter.until = Some(instant(value)?),
            "limit" => self.limit = PageLimit::read(value)?,
            "cursor" => self.after = Some(Cursor::read(value)?),
            _ => return Err(format!("is not a filter; the filters are {}", Self::NAMES.join(", "))),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_for_the_audit_log_is_parsed_and_all_errors_are_reported() {
        let pairs = [("actor", "shop"), ("action", "sent"), ("since", "2026-05-20T00:00:00Z"), ("limit", "7")];
        let request = AuditRequest::parse(pairs).unwrap();
        assert_eq!((request.filter.actor.as_deref(), request.filter.action), (Some("shop"), Some(AuditAction::Sent)));
        assert!(request.filter.since.is_some() && request.limit.get() == 7);
        let bad = [("actor", ""), ("action", "seen"), ("until", "soon"), ("limit", "0"), ("to", "1"), ("to", "2")];
        let errors = AuditRequest::parse(bad).unwrap_err();
        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/actor", "/action", "/until", "/limit", "/to", "/to"]);
    }

    #[test]
    fn every_action_can_be_read_from_its_word() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::from_word(action.as_str()), Some(action));
        }
    }
}
