//! Several recipients under one correlation id.
//!
//! Another system may use one correlation id for several recipients. Such a message stands where its worst-off
//! recipient stands: it failed if it failed for one of them, otherwise it is as far as the least advanced of them. It is
//! final when it is final for all of them. The rules of rank apply within one recipient.
//!
//! A message that we sent has one recipient, whatever ids its notifications name (a `waid` and a `bsuid`, devices). On
//! push, several ids are devices of one person. In both cases the strongest notification decides, as it does for any
//! single recipient.
//!
//! A notification that names no recipient belongs to the only recipient that others name. Where others name several,
//! it has a say if it says `failed`, since a failure must not be hidden, or if nothing else is understood.

use std::collections::{BTreeMap, BTreeSet};

use super::{Address, Channel, ERASED, Notification, Origin, Standing, Status, StoredNotification};

/// What tells the recipients of an observed message apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecipientKey {
    /// No recipient is named.
    Unnamed,
    /// Any device, on push.
    Devices,
    /// This one.
    Named(Address),
}

impl RecipientKey {
    /// Begins with a blank, as no address does.
    const DEVICES: &str = " devices";

    /// The recipient for whom a notification speaks.
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

    /// The form in which it is stored.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unnamed => "",
            Self::Devices => Self::DEVICES,
            Self::Named(address) => address.as_str(),
        }
    }

    /// From that form.
    pub fn from_stored(text: &str) -> Self {
        match text {
            Self::DEVICES => Self::Devices,
            text => Address::new(text).map_or(Self::Unnamed, Self::Named),
        }
    }

    /// Whether more can be heard under this key. What is heard of an erased recipient later comes under the address.
    fn is_someone(&self) -> bool {
        match self {
            Self::Unnamed => false,
            Self::Devices => true,
            Self::Named(address) => address.as_str() != ERASED,
        }
    }

    /// How much the standing of this recipient counts among those of all recipients: bytes that compare. The greatest
    /// is that of the worst-off recipient and decides where the message stands.
    pub fn severity(&self, standing: &Standing) -> Vec<u8> {
        let (class, within) = match standing.status {
            Status::Unknown => (0, 0),
            Status::Failed => (3, standing.precedence.gravity),
            status => (if self.is_someone() { 2 } else { 1 }, u8::MAX - status.rank(None)),
        };
        [[class, within].as_slice(), &standing.precedence.to_bytes()].concat()
    }

    /// Whether the message cannot be final as long as this recipient stands there.
    pub fn keeps_open(&self, standing: &Standing) -> bool {
        self.is_someone() && standing.status != Status::Unknown && !standing.is_final()
    }
}

/// Where a message stands by all of its notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The standing that decides. What does not depend on the recipient (segments, callback data) is that of all.
    pub standing: Standing,
    /// Whether the outcome is known.
    pub is_final: bool,
    /// Whether notifications name several recipients, so that precedence alone does not decide.
    is_shared: bool,
}

impl Outcome {
    /// Begins the stored precedence of a message with several recipients. No notification outranks it: such a message
    /// is not merged by precedence.
    const SHARED: u8 = u8::MAX;

    /// Of a message with one recipient.
    pub fn of_one(standing: Standing) -> Self {
        Self { is_final: standing.is_final(), standing, is_shared: false }
    }

    /// The precedence in the form in which it is stored.
    pub fn precedence(&self) -> Vec<u8> {
        let precedence = self.standing.precedence.to_bytes();
        if self.is_shared { [&[Self::SHARED], precedence.as_slice()].concat() } else { precedence }
    }

    /// Whether a stored precedence is that of a message with several recipients.
    pub fn is_shared(precedence: &[u8]) -> bool {
        precedence.first() == Some(&Self::SHARED)
    }
}

/// Where a message stands, and nothing but its notifications decides. `None` without any.
pub fn outcome(origin: Origin, notifications: &[StoredNotification]) -> Option<Outcome> {
    let named: BTreeSet<&Address> =
        notifications.iter().filter_map(|recorded| recorded.notification.recipient.as_ref()).collect();
    if origin == Origin::Observed && named.len() > 1 {
        worst_off(&standings(notifications))
    } else {
        notifications.iter().map(StoredNotification::standing).reduce(Standing::merge).map(Outcome::of_one)
    }
}

/// Where a message with several recipients stands, from where it stands for each of them. `None` without any.
///
/// It is enough to know the two recipients of the greatest severity, what is unnamed, and one recipient that keeps the
/// message open, which is what `storage/` asks for.
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

/// The standing for each recipient.
pub fn standings<'a>(
    notifications: impl IntoIterator<Item = &'a StoredNotification>,
) -> BTreeMap<RecipientKey, Standing> {
    by_key(notifications, |recorded| Some(RecipientKey::of(&recorded.notification)))
}

fn by_key<'a, K: Ord>(
    notifications: impl IntoIterator<Item = &'a StoredNotification>,
    key: impl Fn(&'a StoredNotification) -> Option<K>,
) -> BTreeMap<K, Standing> {
    let mut standings = BTreeMap::new();
    for recorded in notifications {
        let Some(key) = key(recorded) else { continue };
        let merged = match standings.remove(&key) {
            Some(standing) => Standing::merge(standing, recorded.standing()),
            None => recorded.standing(),
        };
        standings.insert(key, merged);
    }
    standings
}

/// Whether a message that another system sent went to several recipients, so that each has its own standing.
pub(super) fn is_shared_out(notifications: &[StoredNotification]) -> bool {
    let keys: BTreeSet<_> = notifications.iter().map(|recorded| RecipientKey::of(&recorded.notification)).collect();
    keys.into_iter().filter(|key| *key != RecipientKey::Unnamed).nth(1).is_some()
}

/// Where one of several recipients of a message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientStatus {
    /// Who.
    pub recipient: Address,
    /// Where the message stands for them.
    pub standing: Standing,
}

/// The standing for each address, if the notifications name more than one.
pub fn by_recipient(notifications: &[StoredNotification]) -> Option<Vec<RecipientStatus>> {
    let standings = by_key(notifications, |recorded| recorded.notification.recipient.as_ref());
    (standings.len() > 1).then(|| {
        let status = |(recipient, standing): (&Address, _)| RecipientStatus { recipient: recipient.clone(), standing };
        standings.into_iter().map(status).collect()
    })
}

#[cfg(test)]
mod tests;
