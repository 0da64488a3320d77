//! Several recipients under one correlation id.
//!
//! Another system may use one correlation id for several recipients. The status of such a message is that of its
//! worst-off recipient. It failed if it failed for one of them. Otherwise it is the status of the least advanced
//! recipient. It is final when it is final for all recipients. The rules of rank apply to each recipient separately.
//!
//! A message that receiptd sent has one recipient, whatever ids its notifications name (a `waid` and a `bsuid`, or
//! devices). On push, several ids are devices of one person. In both cases the strongest notification decides, as for
//! any single recipient.
//!
//! A notification without a recipient belongs to the only recipient that other notifications name. If they name
//! several, it counts only if it reports `failed`, since a failure must not be hidden, or if no other notification is
//! understood.

use std::collections::{BTreeMap, BTreeSet};

use super::{Address, Channel, ERASED, Notification, Origin, Standing, Status, StoredNotification};

/// Distinguishes the recipients of an observed message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecipientKey {
    /// No recipient is named.
    Unnamed,
    /// Any device, on push.
    Devices,
    Named(Address),
}

impl RecipientKey {
    /// Begins with a blank, which no address does.
    const DEVICES: &str = " devices";

    /// The recipient that a notification is about.
    pub fn of(notification: &Notification) -> Self {
        Self::on(notification.channel.as_ref(), notification.recipient.as_ref())
    }

    /// The recipient with this address on this channel.
    pub fn on(channel: Option<&Channel>, recipient: Option<&Address>) -> Self {
        match (channel, recipient) {
            (Some(Channel::Push), _) => Self::Devices,
            (_, Some(address)) => Self::Named(address.clone()),
            (_, None) => Self::Unnamed,
        }
    }

    /// The stored form.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unnamed => "",
            Self::Devices => Self::DEVICES,
            Self::Named(address) => address.as_str(),
        }
    }

    /// Reads the stored form.
    pub fn from_stored(text: &str) -> Self {
        match text {
            Self::DEVICES => Self::Devices,
            text => Address::new(text).map_or(Self::Unnamed, Self::Named),
        }
    }

    /// Whether further notifications can arrive under this key. Later notifications about an erased recipient name the
    /// address again.
    fn is_someone(&self) -> bool {
        match self {
            Self::Unnamed => false,
            Self::Devices => true,
            Self::Named(address) => address.as_str() != ERASED,
        }
    }

    /// How badly off this recipient is among all recipients, as bytes that compare. The greatest severity belongs to
    /// the worst-off recipient, who decides the status of the message.
    pub fn severity(&self, standing: &Standing) -> Vec<u8> {
        let (class, within) = match standing.status {
            Status::Unknown => (0, 0),
            Status::Failed => (3, standing.precedence.gravity),
            status => (if self.is_someone() { 2 } else { 1 }, u8::MAX - status.rank(None)),
        };
        [[class, within].as_slice(), &standing.precedence.to_bytes()].concat()
    }

    /// Whether this recipient's standing keeps the message from being final.
    pub fn keeps_open(&self, standing: &Standing) -> bool {
        self.is_someone() && standing.status != Status::Unknown && !standing.is_final()
    }
}

/// The status of a message after all of its notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The standing that decides. Its segments and callback data are merged from all recipients, since they do not
    /// depend on the recipient.
    pub standing: Standing,
    /// Whether the outcome is known.
    pub is_final: bool,
    /// Whether notifications name several recipients, so that precedence alone does not decide.
    is_shared: bool,
}

impl Outcome {
    /// The first byte of the stored precedence of a message with several recipients. No notification outranks it,
    /// because such a message is not merged by precedence.
    const SHARED: u8 = u8::MAX;

    /// The outcome of a message with one recipient.
    pub fn of_one(standing: Standing) -> Self {
        Self { is_final: standing.is_final(), standing, is_shared: false }
    }

    /// The precedence in its stored form.
    pub fn precedence(&self) -> Vec<u8> {
        let precedence = self.standing.precedence.to_bytes();
        if self.is_shared { [&[Self::SHARED], precedence.as_slice()].concat() } else { precedence }
    }

    /// Whether a stored precedence belongs to a message with several recipients.
    pub fn is_shared(precedence: &[u8]) -> bool {
        precedence.first() == Some(&Self::SHARED)
    }
}

/// The outcome of a message from its notifications alone. `None` if there are none.
pub fn outcome(origin: Origin, notifications: &[StoredNotification]) -> Option<Outcome> {
    let named: BTreeSet<&Address> =
        notifications.iter().filter_map(|stored| stored.notification.recipient.as_ref()).collect();
    if origin == Origin::Observed && named.len() > 1 {
        worst_off(&standings(notifications))
    } else {
        notifications.iter().map(StoredNotification::standing).reduce(Standing::merge).map(Outcome::of_one)
    }
}

/// The outcome of a message with several recipients, from the standing of each. `None` if there are none.
///
/// It is enough to know the two recipients of the greatest severity, the notifications without a recipient, and one
/// recipient that keeps the message open. `crates/storage` reads only these.
pub fn worst_off<'a>(standings: impl IntoIterator<Item = (&'a RecipientKey, &'a Standing)>) -> Option<Outcome> {
    let standings: Vec<_> = standings.into_iter().collect();
    let all = || standings.iter().copied();
    let merged = all().map(|(_, standing)| standing.clone()).reduce(Standing::merge)?;
    let several = all().filter(|(key, _)| **key != RecipientKey::Unnamed).nth(1).is_some();
    let (standing, is_open) = if several {
        let (_, worst) = all().max_by_key(|(key, standing)| key.severity(standing))?;
        let is_open = all().any(|(key, standing)| key.keeps_open(standing));
        let shared = Standing { segments: merged.segments, callback_data: merged.callback_data, ..worst.clone() };
        (shared, is_open)
    } else {
        (merged, false)
    };
    Some(Outcome { is_final: standing.is_final() && !is_open, standing, is_shared: true })
}

/// The standing of each recipient.
pub fn standings<'a>(
    notifications: impl IntoIterator<Item = &'a StoredNotification>,
) -> BTreeMap<RecipientKey, Standing> {
    by_key(notifications, |stored| Some(RecipientKey::of(&stored.notification)))
}

fn by_key<'a, K: Ord>(
    notifications: impl IntoIterator<Item = &'a StoredNotification>,
    key: impl Fn(&'a StoredNotification) -> Option<K>,
) -> BTreeMap<K, Standing> {
    let mut standings = BTreeMap::new();
    for stored in notifications {
        let Some(key) = key(stored) else { continue };
        let merged = match standings.remove(&key) {
            Some(standing) => Standing::merge(standing, stored.standing()),
            None => stored.standing(),
        };
        standings.insert(key, merged);
    }
    standings
}

/// Whether a message of another system went to several recipients, so that each has its own standing.
pub(super) fn is_shared_out(notifications: &[StoredNotification]) -> bool {
    let keys: BTreeSet<_> = notifications.iter().map(|stored| RecipientKey::of(&stored.notification)).collect();
    keys.into_iter().filter(|key| *key != RecipientKey::Unnamed).nth(1).is_some()
}

/// The standing of one of several recipients of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientStatus {
    pub recipient: Address,
    /// The standing of the message for this recipient.
    pub standing: Standing,
}

/// The standing of each address, if the notifications name more than one.
pub fn by_recipient(notifications: &[StoredNotification]) -> Option<Vec<RecipientStatus>> {
    let standings = by_key(notifications, |stored| stored.notification.recipient.as_ref());
    (standings.len() > 1).then(|| {
        let status = |(recipient, standing): (&Address, _)| RecipientStatus { recipient: recipient.clone(), standing };
        standings.into_iter().map(status).collect()
    })
}

#[cfg(test)]
mod tests;
