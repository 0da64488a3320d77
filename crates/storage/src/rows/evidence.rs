//! Whether a message follows from its notifications, its dispatch steps and the request to send it.

use std::collections::BTreeSet;

use receiptd_domain::{
    Address, Channel, CorrelationId, Dispatch, Failure, Origin, Outcome, Precedence, Submission, TransactionId,
    outcome, standings, worst_off,
};

use super::{
    EventRow, NotificationRow, RecipientRow,
    full_message::{FullMessageRow, MessageState},
};
use crate::{Inconsistency, StorageError, TimesClaim};

/// A message with everything that it follows from.
pub(crate) struct Evidence {
    pub(crate) state: MessageState,
    /// Without their bodies.
    pub(crate) notifications: Vec<NotificationRow>,
    /// In order.
    pub(crate) steps: Vec<EventRow>,
    /// The request to send, as JSON.
    pub(crate) request: Option<String>,
}

/// What a message does not agree with, and what is left to show.
pub(crate) enum Comparison {
    Agrees,
    /// If the hash chain allows these times.
    AgreesIf(TimesClaim),
    Differs(Inconsistency),
}

impl Evidence {
    /// Compares the message with its evidence.
    pub(crate) fn compare(&self) -> Result<Comparison, StorageError> {
        let row = &self.state.message;
        if self.notifications.is_empty() && self.steps.is_empty() {
            let detail = "no notification and no dispatch step of this message was ever stored";
            return Ok(self.differs("inserted", "messages", detail));
        }
        if let Some(column) = self.wrong_column()? {
            let detail = format!(
                "its value of {column} does not follow from its notifications, dispatch steps and request; if an earlier \
                 version of receiptd decided this, run `receiptd rebuild`"
            );
            return Ok(self.differs("altered", "messages", &detail));
        }
        if self.expected_standings()? != self.state.standings {
            let detail = "the standings of its recipients do not follow from its notifications";
            return Ok(self.differs("altered", "recipient_standings", detail));
        }
        let mut stored: BTreeSet<&str> = self.state.recipients.iter().map(String::as_str).collect();
        let is_twice = row.recipient.as_deref().is_some_and(|recipient| !stored.insert(recipient));
        if is_twice || stored != self.named_recipients() {
            let detail = "its recipients are not those that its notifications name";
            return Ok(self.differs("altered", "recipients", detail));
        }
        Ok(self.times().map_or(Comparison::Agrees, Comparison::AgreesIf))
    }

    fn differs(&self, what: &'static str, table: &'static str, detail: &str) -> Comparison {
        let (key, detail) = (self.state.message.correlation_id.clone(), detail.to_owned());
        Comparison::Differs(Inconsistency { what, table, key, detail })
    }

    /// The first column that has another value than its evidence says.
    fn wrong_column(&self) -> Result<Option<&'static str>, StorageError> {
        let row = &self.state.message;
        let expected = match self.steps.last() {
            None => self.observed()?,
            Some(last) => self.sent(last)?,
        };
        let Some(expected) = expected else { return Ok(Some("status")) };
        let pairs = [
            ("dispatch", row.dispatch == expected.dispatch),
            ("channel", row.channel == expected.channel),
            ("sender", row.sender == expected.sender),
            ("status", row.status == expected.status),
            ("precedence", row.precedence == expected.precedence),
            ("status_at", row.status_at == expected.status_at),
            ("is_final", row.is_final == i64::from(expected.is_final)),
            ("failure", row.failure == expected.failure),
            ("code", row.code == expected.code),
            ("reason", row.reason == expected.reason),
            ("transaction_id", expected.transaction_ids.contains(&row.transaction_id.as_deref())),
            ("segments", row.segments == self.notifications.iter().filter_map(|stored| stored.segments).max()),
            ("callback_data", row.callback_data == expected.callback_data),
            ("recipient", self.is_possible_recipient()),
        ];
        Ok(pairs.into_iter().find(|(_, is_right)| !is_right).map(|(column, _)| column))
    }

    /// What another system sent follows from the notifications alone. `None` if they do not decide it.
    fn observed(&self) -> Result<Option<Expected<'_>>, StorageError> {
        let notifications = self.stored()?;
        let outcome = if self.is_shared() {
            worst_off(&standings(&notifications))
        } else {
            outcome(Origin::Observed, &notifications)
        };
        let Some(outcome) = outcome else { return Ok(None) };
        let callback_data = self.notifications.iter().filter_map(|stored| stored.callback_data.clone()).max();
        let channel = outcome.standing.channel.as_ref().map(Channel::to_string);
        let transaction_id = outcome.standing.transaction_id.as_ref().map(TransactionId::as_str);
        let mut expected = Expected::of(&outcome, None, channel, None, callback_data);
        expected.transaction_ids = self.transaction_ids().filter(|id| *id == transaction_id).collect();
        Ok(Some(expected))
    }

    /// What receiptd sent follows from the request, and from the notifications if they say more than the steps.
    fn sent(&self, last: &EventRow) -> Result<Option<Expected<'_>>, StorageError> {
        let row = &self.state.message;
        let request = self.submission();
        let (channel, sender, callback_data) = match &request {
            Some(request) => {
                (Some(request.channel.to_string()), Some(request.sender.clone()), request.callback_data.clone())
            }
            // A later version does not read it. The request itself is verified elsewhere.
            None => (row.channel.clone(), row.sender.clone(), row.callback_data.clone()),
        };
        let dispatch = Some(last.dispatch.clone());
        let outcome = outcome(Origin::Sent, &self.stored()?);
        if let Some(outcome) = outcome.filter(|it| it.precedence().as_slice() > Precedence::DISPATCH_BYTES) {
            let transaction_id = outcome.standing.transaction_id.as_ref().map(TransactionId::as_str);
            let mut expected = Expected::of(&outcome, dispatch, channel, sender, callback_data);
            // A notification without a transaction id leaves the one that the message had before.
            expected.transaction_ids =
                self.transaction_ids().filter(|id| transaction_id.is_none() || *id == transaction_id).collect();
            return Ok(Some(expected));
        }
        let status = Dispatch::from_word(&last.dispatch).map(Dispatch::status);
        let named = self.steps.iter().rev().find_map(|step| step.transaction_id.as_deref());
        Ok(status.map(|status| Expected {
            status: last.dispatch.clone(),
            dispatch,
            channel,
            sender,
            callback_data,
            precedence: Precedence::DISPATCH_BYTES.to_vec(),
            status_at: last.at,
            is_final: status.is_final(None),
            failure: last.failure.clone(),
            code: last.code.clone(),
            reason: last.reason.clone(),
            transaction_ids: vec![named],
        }))
    }

    fn stored(&self) -> Result<Vec<receiptd_domain::StoredNotification>, StorageError> {
        self.notifications.iter().cloned().map(NotificationRow::stored).collect()
    }

    /// All transaction ids of the message, and none.
    fn transaction_ids(&self) -> impl Iterator<Item = Option<&str>> {
        let steps = self.steps.iter().map(|step| step.transaction_id.as_deref());
        steps.chain(self.notifications.iter().map(|stored| stored.transaction_id.as_deref())).chain([None])
    }

    fn is_shared(&self) -> bool {
        Outcome::is_shared(&self.state.message.precedence)
    }

    fn submission(&self) -> Option<Submission> {
        Submission::from_json(serde_json::from_str(self.request.as_ref()?).ok()?).ok()
    }

    fn expected_standings(&self) -> Result<Vec<RecipientRow>, StorageError> {
        if !self.is_shared() {
            return Ok(Vec::new());
        }
        let FullMessageRow { correlation_id, .. } = &self.state.message;
        let Ok(id) = CorrelationId::new(correlation_id) else { return Ok(Vec::new()) };
        let standings = standings(&self.stored()?);
        let mut rows: Vec<_> = standings.iter().map(|(key, standing)| RecipientRow::of(&id, key, standing)).collect();
        rows.sort_unstable_by(|one, other| one.recipient.cmp(&other.recipient));
        Ok(rows)
    }

    fn named_recipients(&self) -> BTreeSet<&str> {
        let named = self.notifications.iter().filter_map(|stored| stored.recipient.as_deref());
        // That of the request is compared with the message.
        let own = self.state.message.recipient.as_deref().filter(|_| !self.steps.is_empty());
        named.chain(own).collect()
    }

    /// The recipient of the request, or one of those that the notifications name: the first one that arrived.
    fn is_possible_recipient(&self) -> bool {
        let recipient = self.state.message.recipient.as_deref();
        let requested = self.submission().map(|request| Address::new(request.recipient.id()));
        let mut named = self.notifications.iter().map(|stored| stored.recipient.as_deref());
        match requested {
            Some(Some(requested)) => recipient == Some(requested.as_str()),
            // An earlier version wrote the request.
            None if !self.steps.is_empty() => true,
            _ => {
                recipient.is_none() && named.clone().all(|named| named.is_none())
                    || recipient.is_some() && named.any(|named| named == recipient)
            }
        }
    }

    /// The times that do not follow from the rows: of repetitions, rebuilds and adoptions.
    fn times(&self) -> Option<TimesClaim> {
        let row = &self.state.message;
        let arrivals: BTreeSet<i64> = self.notifications.iter().map(|stored| stored.received_at).collect();
        let (created, updated) = match self.steps.first() {
            None => (arrivals.contains(&row.created_at), arrivals.last() == Some(&row.updated_at)),
            Some(first) => {
                let is_step = self.steps.iter().any(|step| step.at == row.updated_at);
                (first.at == row.created_at, is_step || arrivals.contains(&row.updated_at))
            }
        };
        (!created || !updated).then(|| {
            let claim = TimesClaim::new(&row.correlation_id);
            let claim = if created { claim } else { claim.created_at(row.created_at) };
            if updated { claim } else { claim.updated_at(row.updated_at) }
        })
    }
}

/// The values of a message that follow from its evidence.
struct Expected<'a> {
    dispatch: Option<String>,
    channel: Option<String>,
    sender: Option<String>,
    status: String,
    precedence: Vec<u8>,
    status_at: i64,
    is_final: bool,
    failure: Option<String>,
    code: Option<String>,
    reason: Option<String>,
    /// Any of these.
    transaction_ids: Vec<Option<&'a str>>,
    callback_data: Option<String>,
}

impl Expected<'_> {
    fn of(
        outcome: &Outcome,
        dispatch: Option<String>,
        channel: Option<String>,
        sender: Option<String>,
        callback_data: Option<String>,
    ) -> Self {
        let standing = &outcome.standing;
        Self {
            dispatch,
            channel,
            sender,
            status: standing.status.to_string(),
            precedence: outcome.precedence(),
            status_at: standing.precedence.at.as_micros(),
            is_final: outcome.is_final,
            failure: standing.failure.map(Failure::as_str).map(str::to_owned),
            code: standing.code.clone(),
            reason: standing.reason.clone(),
            transaction_ids: Vec::new(),
            callback_data,
        }
    }
}
