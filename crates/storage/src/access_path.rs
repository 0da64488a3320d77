//! Chooses the indexes that lead to the messages that a filter admits.
//!
//! A page of the list is the newest of what one or several *access paths* find. Each access path reads one index,
//! beginning with its newest entry. The first filter of this table that is set decides the index. All other filters are
//! checked for each message that the access path reads.
//!
//! | Filter | Index |
//! | --- | --- |
//! | `transactionId`, `correlationId` | the primary key: few messages have such an id |
//! | `to` | `messages_recipient`, and `recipients_recipient` for messages with several recipients |
//! | `callbackData` | `messages_callback` |
//! | `code` | `messages_code` |
//! | `failure` | `messages_failure` |
//! | `channel` | `messages_channel`, once for each status that the other filters leave possible, final or not |
//! | `status`, `final`, `overdue=true` | `messages_status`, once for each possible status in the same way |
//! | `from` | `messages_sent`, which contains the sender: only messages that receiptd sent have one |
//! | `origin` | `messages_sent` or `messages_observed` |
//! | `since`, `until`, `overdue=false`, none | `messages_newest` |
//!
//! Each index ends with `created_at`, so an access path ends when the page is full. The matches of a prefix are not in
//! this order. So a prefix decides the index only if few messages have it. A frequent prefix is met often enough in
//! another index.
//!
//! No message of another system has a sender, so `from` together with `origin=observed` needs no access path.
//!
//! On SQLite the table holds exactly, since the statement names the index. Postgres has no such clause. It knows how
//! frequent each value is, and may prefer another of these indexes.

use receiptd_domain::{Channel, Filter, Origin, Pattern, Status};

/// A way to read an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccessPath {
    Newest,
    /// The few messages with an id.
    Key,
    /// Messages to a recipient.
    Recipient,
    /// Messages with several recipients, one of whom is this one.
    OtherRecipient,
    /// Messages with this callback data.
    Callback,
    /// The few messages whose callback data begins with a prefix.
    CallbackPrefix,
    /// Messages with a code.
    Code,
    /// Failed messages, by kind of failure.
    Failure,
    /// Messages on a channel with this status, final or not.
    Channel(Status, bool),
    /// Messages with this status, final or not.
    Status(Status, bool),
    /// Messages that receiptd sent, or messages that it observed.
    Origin(Origin),
}

impl AccessPath {
    /// The name of the index in SQLite.
    pub(super) fn index(self) -> &'static str {
        match self {
            Self::Newest => "messages_newest",
            Self::Key | Self::OtherRecipient => "sqlite_autoindex_messages_1",
            Self::Recipient => "messages_recipient",
            Self::Callback | Self::CallbackPrefix => "messages_callback",
            Self::Code => "messages_code",
            Self::Failure => "messages_failure",
            Self::Channel(..) => "messages_channel",
            Self::Status(..) => "messages_status",
            Self::Origin(Origin::Sent) => "messages_sent",
            Self::Origin(Origin::Observed) => "messages_observed",
        }
    }

    /// Whether the index has its entries in the order of the list. The results of the others are few, and are sorted.
    pub(super) fn is_in_order(self) -> bool {
        !matches!(self, Self::Key | Self::OtherRecipient | Self::CallbackPrefix)
    }
}

/// The access paths that together find everything `filter` admits. No message is found twice: without any filter, the
/// parts exclude each other. `rare_prefix` is the access path for a prefix that few messages have, if the filter
/// contains one.
pub(super) fn access_paths(filter: &Filter, rare_prefix: Option<AccessPath>) -> Vec<AccessPath> {
    if filter.sender.is_some() && filter.origin == Some(Origin::Observed) {
        return Vec::new();
    }
    let is_exact = |pattern: &Option<Pattern>| matches!(pattern, Some(Pattern::Exact(_)));
    if filter.transaction_id.is_some() || is_exact(&filter.correlation_id) {
        vec![AccessPath::Key]
    } else if filter.recipient.is_some() {
        vec![AccessPath::Recipient, AccessPath::OtherRecipient]
    } else if is_exact(&filter.callback_data) {
        vec![AccessPath::Callback]
    } else if let Some(path) = rare_prefix {
        vec![path]
    } else if filter.code.is_some() {
        vec![AccessPath::Code]
    } else if filter.failure.is_some() {
        vec![AccessPath::Failure]
    } else if filter.channel.is_some() {
        statuses(filter).map(|(status, is_final)| AccessPath::Channel(status, is_final)).collect()
    } else if filter.status.is_some() || filter.is_final.is_some() || wants_overdue(filter) {
        statuses(filter).map(|(status, is_final)| AccessPath::Status(status, is_final)).collect()
    } else if filter.sender.is_some() {
        vec![AccessPath::Origin(Origin::Sent)]
    } else {
        vec![filter.origin.map_or(AccessPath::Newest, AccessPath::Origin)]
    }
}

fn wants_overdue(filter: &Filter) -> bool {
    matches!(filter.overdue, Some((true, _)))
}

/// The statuses that the filter leaves possible. Whether a status is final depends on the channel of the deciding
/// notification, which may differ from that of the message. A message that failed for one of several recipients is not
/// final while the outcome for another is unknown. So where both answers are possible, both are returned.
fn statuses(filter: &Filter) -> impl Iterator<Item = (Status, bool)> {
    let possible = |status: Status, is_final: bool| {
        status == Status::Failed
            || [None, Some(&Channel::Apple)].iter().any(|channel| status.is_final(*channel) == is_final)
    };
    Status::all().flat_map(|status| [(status, false), (status, true)]).filter(move |(status, is_final)| {
        possible(*status, *is_final)
            && filter.status.is_none_or(|wanted| wanted == *status)
            && filter.is_final.is_none_or(|wanted| wanted == *is_final)
            && !(wants_overdue(filter) && *is_final)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use receiptd_domain::Cutoffs;

    fn paths_of(change: impl FnOnce(&mut Filter)) -> Vec<AccessPath> {
        let mut filter = Filter::default();
        change(&mut filter);
        access_paths(&filter, None)
    }

    #[test]
    fn the_first_filter_of_the_table_decides_the_index() {
        assert_eq!(paths_of(|_| {}), [AccessPath::Newest]);
        assert_eq!(paths_of(|it| it.origin = Some(Origin::Sent)), [AccessPath::Origin(Origin::Sent)]);
        assert_eq!(paths_of(|it| it.sender = Some("ACME".to_owned())), [AccessPath::Origin(Origin::Sent)]);
        let failed = |it: &mut Filter| it.status = Some(Status::Failed);
        assert_eq!(paths_of(failed), [false, true].map(|is_final| AccessPath::Status(Status::Failed, is_final)));
        let on_sms = |it: &mut Filter| {
            failed(it);
            it.channel = Some(Channel::Sms);
        };
        assert_eq!(paths_of(on_sms), [false, true].map(|is_final| AccessPath::Channel(Status::Failed, is_final)));
        let with_code = |it: &mut Filter| {
            on_sms(it);
            it.code = Some("7203".to_owned());
        };
        assert_eq!(paths_of(with_code), [AccessPath::Code]);
    }

    #[test]
    fn only_a_rare_prefix_decides_the_index() {
        let filter = Filter { callback_data: Pattern::read("shop*"), ..Filter::default() };
        assert_eq!(access_paths(&filter, Some(AccessPath::CallbackPrefix)), [AccessPath::CallbackPrefix]);
        assert_eq!(access_paths(&filter, None), [AccessPath::Newest]);
    }

    #[test]
    fn nothing_is_read_for_a_sender_of_observed_messages() {
        let observed = |it: &mut Filter| {
            it.sender = Some("ACME".to_owned());
            it.origin = Some(Origin::Observed);
        };
        assert_eq!(paths_of(observed), []);
        let with_code = |it: &mut Filter| {
            observed(it);
            it.code = Some("7203".to_owned());
        };
        assert_eq!(paths_of(with_code), []);
    }

    #[test]
    fn only_possible_statuses_are_read() {
        let open = [Status::Unknown, Status::Queued, Status::Sending, Status::Unconfirmed, Status::Accepted];
        let open: Vec<_> = open
            .into_iter()
            .chain([Status::Submitted, Status::Failed])
            .map(|status| AccessPath::Status(status, false))
            .collect();
        assert_eq!(paths_of(|it| it.is_final = Some(false)), open);
        assert_eq!(paths_of(|it| it.overdue = Some((true, Cutoffs::default()))), open);
        let contradiction = |it: &mut Filter| {
            it.is_final = Some(false);
            it.status = Some(Status::Read);
        };
        assert_eq!(paths_of(contradiction), []);
        // Apple reports nothing after `submitted`.
        let submitted = paths_of(|it| it.status = Some(Status::Submitted));
        assert_eq!(submitted, [false, true].map(|is_final| AccessPath::Status(Status::Submitted, is_final)));
    }
}
