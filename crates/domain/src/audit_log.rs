//! Who did what: the entries of the audit log.

use std::collections::BTreeSet;

use super::{
    Cursor, FieldError, Fingerprint, PageLimit, Timestamp, Writer,
    filter::{instant, word},
};

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// Gave messages to send.
    Sent,
    /// Called a message back.
    Cancelled,
    /// Took data out.
    Exported,
    /// Loaded notifications.
    Imported,
    /// Had the quarantine read once more.
    Retried,
    /// Recomputed statuses.
    Rebuilt,
    /// Removed what had been kept for its time.
    Purged,
    /// Removed a person.
    Erased,
    /// Put the store back to an earlier state.
    Restored,
    /// Scanned at messages, or at what else tells of persons.
    Read,
}

impl AuditAction {
    /// All of them.
    pub const ALL: [Self; 10] = [
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
    ];

    /// The word that API and database use.
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
        }
    }

    /// The action of this word.
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
    /// By the name under which the audit log has them; of somebody with a token, that of the token.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), os_user: None }
    }

    /// Somebody who needed no token.
    pub fn anonymous() -> Self {
        Self::named("anonymous")
    }

    /// Who runs the command line, by the name that they claim.
    pub fn cli(user: &str) -> Self {
        Self::named(&format!("cli:{user}"))
    }

    /// The server itself, by its settings.
    pub fn server() -> Self {
        Self::named("server")
    }

    /// The same, run by this user of the operating system.
    #[must_use]
    pub fn run_by(self, os_user: Option<String>) -> Self {
        Self { os_user, ..self }
    }

    /// The name under which the audit log has them.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The user of the operating system who ran the command; `None` for requests, and for the server itself.
    pub fn os_user(&self) -> Option<&str> {
        self.os_user.as_deref()
    }
}

/// What somebody did in a unit of work, to be put on record in the commit that does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerformedAction<'a> {
    /// Who did it.
    pub actor: &'a Actor,
    /// What was done.
    pub action: AuditAction,
    /// When.
    pub at: Timestamp,
    /// To how many messages.
    pub count: i64,
}

/// In microseconds.
const MINUTE: i64 = 60_000_000;

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Tells it from all others.
    pub id: [u8; 16],
    /// When it was done; of what was done often, when it began.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub action: AuditAction,
    /// How many messages, rows or records it concerned.
    pub count: i64,
    /// What else is to be known. Never a number, an address or a text.
    pub details: Option<String>,
}

impl AuditEntry {
    /// The entry under which `done` counts: one for everything of its kind that an actor does within a minute by one
    /// writer. Writers that commit at the same time have entries of their own, so that none waits for another.
    pub fn of_minute(done: &PerformedAction<'_>, writer: Writer) -> Self {
        let minute = done.at.as_micros().div_euclid(MINUTE).to_be_bytes();
        let os_user = done.actor.os_user().unwrap_or_default().as_bytes();
        let parts =
            [writer.as_bytes(), done.actor.as_str().as_bytes(), os_user, done.action.as_str().as_bytes(), &minute];
        let mut id = [0; 16];
        id.copy_from_slice(Fingerprint::of_parts(parts).as_bytes());
        Self { id, at: done.at, actor: done.actor.clone(), action: done.action, count: done.count, details: None }
    }

    /// After this entry.
    pub fn cursor(&self) -> Cursor {
        let id = Fingerprint::from_bytes(&self.id).unwrap_or_default().to_string();
        Cursor { at: self.at, id }
    }
}

/// Which entries of the audit log to list. None set lists all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// By this actor.
    pub actor: Option<String>,
    /// Of this kind.
    pub action: Option<AuditAction>,
    /// At or after this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
}

/// A request for one page of the audit log, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRequest {
    /// Which entries.
    pub filter: AuditFilter,
    /// Where the page begins.
    pub after: Option<Cursor>,
    /// How many entries it holds.
    pub limit: PageLimit,
}

impl AuditRequest {
    /// Reads names and values, and reports every fault at once. An unknown name is a fault, since ignoring a filter
    /// would show more than was asked for.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<FieldError>> {
        let (mut request, mut faults, mut given) = (Self::default(), Vec::new(), BTreeSet::new());
        for (name, value) in pairs {
            let once = if given.insert(name) { Ok(()) } else { Err("is given twice".to_owned()) };
            if let Err(detail) = once.and_then(|()| request.set(name, value)) {
                faults.push(FieldError { pointer: format!("/{name}"), detail });
            }
        }
        if faults.is_empty() { Ok(request) } else { Err(faults) }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let filter = &mut self.filter;
        match name {
            // As in ids: no stored text holds NUL, and Postgres takes none in a statement.
            "actor" if !value.is_empty() => filter.actor = Some(value.replace('\0', "\u{FFFD}")),
            "actor" => return Err("must not be empty".to_owned()),
            "action" => {
                filter.action = Some(word(value, AuditAction::from_word, AuditAction::ALL.map(AuditAction::as_str))?)
            }
            "since" => filter.since = Some(instant(value)?),
            "until" => filter.until = Some(instant(value)?),
            "limit" => self.limit = PageLimit::read(value)?,
            "cursor" => self.after = Some(Cursor::read(value)?),
            _ => return Err("is not a filter; there are actor, action, since, until, limit, cursor".to_owned()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_for_the_trail_is_read_and_every_fault_is_told() {
        let pairs = [("actor", "shop"), ("action", "sent"), ("since", "2026-05-20T00:00:00Z"), ("limit", "7")];
        let request = AuditRequest::parse(pairs).unwrap();
        assert_eq!((request.filter.actor.as_deref(), request.filter.action), (Some("shop"), Some(AuditAction::Sent)));
        assert!(request.filter.since.is_some() && request.limit.get() == 7);
        let bad = [("actor", ""), ("action", "seen"), ("until", "soon"), ("limit", "0"), ("to", "1"), ("to", "2")];
        let faults = AuditRequest::parse(bad).unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/actor", "/action", "/until", "/limit", "/to", "/to"]);
    }

    #[test]
    fn words_of_deeds_read_back() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::from_word(action.as_str()), Some(action));
        }
    }
}
