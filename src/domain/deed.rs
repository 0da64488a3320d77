//! Who did what: the entries of the trail.

use super::{Cursor, Fingerprint, Timestamp, Writer};

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
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
}

impl Deed {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Sent,
        Self::Cancelled,
        Self::Exported,
        Self::Imported,
        Self::Retried,
        Self::Rebuilt,
        Self::Purged,
        Self::Erased,
        Self::Restored,
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
        }
    }

    /// The deed of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.as_str() == word)
    }
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor(String);

impl Actor {
    /// By the name under which the trail has them; of somebody with a token, that of the token.
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Somebody who needed no token.
    pub fn anonymous() -> Self {
        Self("anonymous".to_owned())
    }

    /// A user of the operating system, by the command line.
    pub fn cli(user: &str) -> Self {
        Self(format!("cli:{user}"))
    }

    /// The server itself, by its settings.
    pub fn server() -> Self {
        Self("server".to_owned())
    }

    /// The name under which the trail has them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What somebody did in a unit of work, to be put on record in the commit that does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done<'a> {
    /// Who did it.
    pub actor: &'a Actor,
    /// What was done.
    pub deed: Deed,
    /// When.
    pub at: Timestamp,
    /// To how many messages.
    pub count: i64,
}

/// In microseconds.
const MINUTE: i64 = 60_000_000;

/// An entry of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailEntry {
    /// Tells it from all others.
    pub id: [u8; 16],
    /// When it was done; of what was done often, when it began.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub deed: Deed,
    /// How many messages, rows or records it concerned.
    pub count: i64,
    /// What else is to be known. Never a number, an address or a text.
    pub details: Option<String>,
}

impl TrailEntry {
    /// The entry under which `done` counts: one for everything of its kind that an actor does within a minute by one
    /// writer. Writers that commit at the same time have entries of their own, so that none waits for another.
    pub fn of_minute(done: &Done<'_>, writer: Writer) -> Self {
        let minute = done.at.as_micros().div_euclid(MINUTE).to_be_bytes();
        let parts = [writer.as_bytes(), done.actor.as_str().as_bytes(), done.deed.as_str().as_bytes(), &minute];
        let mut id = [0; 16];
        id.copy_from_slice(Fingerprint::of_parts(parts).as_bytes());
        Self { id, at: done.at, actor: done.actor.clone(), deed: done.deed, count: done.count, details: None }
    }

    /// After this entry.
    pub fn cursor(&self) -> Cursor {
        let id = Fingerprint::from_bytes(&self.id).unwrap_or_default().to_string();
        Cursor { at: self.at, id }
    }
}
