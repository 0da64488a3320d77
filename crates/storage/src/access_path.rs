//! Which way leads to the messages that a filter admits.
//!
//! A page of the list is the newest of what one or several *access paths* find, each down an index from its newest entry on.
//! The first filter of this table that is set says which index; all others are checked on what the access path meets.
//!
//! | Filter | Walks |
//! | --- | --- |
//! | `transactionId`, `correlationId` | the few messages with such an id, by their key |
//! | `to` | `messages_recipient`; and by `recipients_recipient` those that went to several |
//! | `callbackData` | `messages_callback` |
//! | `code` | `messages_code` |
//! | `failure` | `messages_failure` |
//! | `channel` | `messages_channel`, once for each status that the other filters leave possible, final or not |
//! | `status`, `final`, `overdue=true` | `messages_status`, likewise |
//! | `origin` | `messages_sent` or `messages_observed` |
//! | `since`, `until`, `overdue=false`, none | `messages_newest` |
//!
//! Each index ends with `created_at`, so an access path ends when the page is full. The matches of a prefix are in no such order,
//! so a prefix leads only where few messages have it; one that many have is met often enough on the way.
//!
//! On SQLite the table holds to the letter, since the statement names the index. Postgres has no such clause; it knows
//! how frequent each value is, and may prefer another of these indexes.

use receiptd_domain::{Channel, Filter, Origin, Pattern, Status};

/// A way down an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccessPath {
    /// All messages.
    Newest,
    /// The few with an id.
    Key,
    /// Those to a recipient.
    Recipient,
    /// Those that went to a recipient too.
    OtherRecipient,
    /// Those with this callback data.
    Callback,
    /// The few whose callback data begin so.
    CallbackPrefix,
    /// Those with a code.
    Code,
    /// Those that failed in a way.
    Failure,
    /// Those on a channel with this status, final or not.
    Channel(Status, bool),
    /// Those with this status, final or not.
    Status(Status, bool),
    /// Those that we sent, or did not send.
    Origin(Origin),
}

impl AccessPath {
    /// The index, by its name in SQLite.
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

    /// Whether the index has its entries in the order of the list. The others are few, and sorted.
    pub(super) fn is_in_order(self) -> bool {
        !matches!(self, Self::Key | Self::OtherRecipient | Self::CallbackPrefix)
    }
}

/// The access paths that find everything `filter` admits, none of them twice; without any, its parts exclude each other.
/// `rare_prefix` is the access path by a prefix that few messages have, if the filter asks for one.
pub(super) fn access_paths(filter: &Filter, rare_prefix: Option<AccessPath>) -> Vec<AccessPath> {
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
    } else {
        vec![filter.origin.map_or(AccessPath::Newest, AccessPath::Origin)]
    }
}

fn wants_overdue(filter: &Filter) -> bool {
    matches!(filter.overdue, Some((true, _)))
}

/// The statuses that the filter leaves possible. Whether one is final is a matter of the channel on which the deciding
/// notification came, which need not be that of the message; and a message that failed for one of several recipients is
/// not final while the outcome for another is unknown. So where there are two answers, both are possible.
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
    fn the_most_telling_filter_leads() {
        assert_eq!(paths_of(|_| {}), [AccessPath::Newest]);
        assert_eq!(paths_of(|it| it.origin = Some(Origin::Sent)), [AccessPath::Origin(Origin::Sent)]);
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
    fn only_a_rare_prefix_leads() {
        let filter = Filter { callback_data: Pattern::read("shop*"), ..Filter::default() };
        assert_eq!(access_paths(&filter, Some(AccessPath::CallbackPrefix)), [AccessPath::CallbackPrefix]);
        assert_eq!(access_paths(&filter, None), [AccessPath::Newest]);
    }

    #[test]
    fn only_what_is_possible_is_walked() {
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
        // Apple reports no more than `submitted`.
        let submitted = paths_of(|it| it.status = Some(Status::Submitted));
        assert_eq!(submitted, [false, true].map(|is_final| AccessPath::Status(Status::Submitted, is_final)));
    }
}
