//! Each filter, alone and combined with others, admits the same messages as plain Rust code does on the whole list.

use std::collections::BTreeSet;

use proptest::{collection::vec, option::weighted, prelude::*, sample::select};
use receiptd::{
    domain::{
        Address, Channel, Cutoffs, Dispatch, Event, Failure, Filter, Message, Origin, PageLimit, Pattern, Status,
        Timestamp, TransactionId,
    },
    storage::Settlement,
};

use crate::{
    make::{about, claimed, enqueue, number, settle, submission, time, transaction},
    store::TestStore,
};

both!(each_filter_alone_admits_the_right_messages, filters_combine, a_message_is_found_by_each_of_its_transactions);

const CHANNELS: [&str; 5] = ["sms", "email", "apple", "whatsapp", "pigeon"];
const EVENTS: [Event; 9] = [
    Event::Unknown,
    Event::Progress,
    Event::Submitted,
    Event::Failed(Failure::Permanent),
    Event::Failed(Failure::Transient),
    Event::Failed(Failure::Unclear),
    Event::Delivered,
    Event::Read,
    Event::Complained,
];
const CODES: [&str; 4] = ["7500", "7203", "''", "none such"];
/// Texts that a statement might read as wildcards or terminators, and texts at the limits of ranges.
const CALLBACKS: [&str; 7] = ["shop", "shop%", "shop_1", "shop*", "Shop", "shop\u{10FFFF}", "shoq"];

/// Texts that are longer than the part that an index contains.
fn long(end: &str) -> String {
    format!("{}{end}", "é".repeat(64))
}

fn callback(n: usize) -> Option<String> {
    match n % 10 {
        7 => Some(long("")),
        8 => Some(long("a")),
        9 => None,
        n => Some(CALLBACKS[n].to_owned()),
    }
}

fn recipient(n: usize) -> String {
    format!("44770090000{n}")
}

/// Sixty observed messages and twelve sent ones, of all kinds.
async fn fill(store: &TestStore) {
    let observed = (0..60usize).flat_map(|n| {
        let one = about(&format!("observed-{n}")).on(Channel::from_name(CHANNELS[n % 4])).says(EVENTS[n % 9]);
        let one = one.to(&recipient(n % 5)).received(i64::try_from(n / 3).unwrap());
        let one = one
            .with(|it| it.code = CODES.get(n % 5).filter(|code| **code != "none such").map(|code| (*code).to_owned()));
        let one = one.with(|it| it.callback_data = callback(n));
        let one = if n % 11 == 10 { one.with(|it| it.code = Some(long("7"))) } else { one };
        let one = if n % 4 > 0 { one.of(&format!("t-{}", n % 7)) } else { one };
        let other =
            (n % 6 == 0).then(|| one.clone().says(Event::Submitted).to(&recipient(5 + n % 2)).of(&format!("u-{n}")));
        [Some(one), other]
    });
    store.hear(observed.flatten()).await;
    for n in 0..12 {
        enqueue(store, &submission(&format!("sent-{n}")), n).await;
    }
    for (n, claim) in claimed(store, 9).await.into_iter().enumerate() {
        let dispatch = [Dispatch::Accepted, Dispatch::Rejected, Dispatch::Unconfirmed, Dispatch::Sending][n % 4];
        let mut settlement = Settlement::new(dispatch, time(10));
        settlement.event.code = (n % 4 < 2).then(|| "7203".to_owned());
        settlement.failure = (n % 4 == 1).then_some(Failure::Permanent);
        settlement.event.transaction_id = (n % 4 == 0).then(|| transaction(&format!("s-{n}")));
        if dispatch != Dispatch::Sending {
            settle(store, &claim, &settlement).await;
        }
    }
    store.hear([about("sent-0").of("s-0").to(&recipient(9)).at(1), about("sent-11").to(&recipient(0)).at(1)]).await;
}

/// A message with the facts that are not in its row.
struct Known {
    message: Message,
    recipients: BTreeSet<Address>,
    transactions: BTreeSet<TransactionId>,
}

/// The whole list, and all transactions.
async fn everything(store: &TestStore) -> (Vec<Known>, Vec<TransactionId>) {
    let page = store.messages.list(&Filter::default(), None, PageLimit::new(500).unwrap()).await.unwrap();
    assert_eq!(page.items.len(), 72);
    let transactions = store.texts("SELECT transaction_id FROM transactions ORDER BY transaction_id").await;
    let transactions: Vec<_> = transactions.iter().map(|name| transaction(name)).collect();
    let mut known = Vec::new();
    for message in page.items {
        let mut recipients: BTreeSet<_> = message.recipient.clone().into_iter().collect();
        for recorded in store.notifications(message.correlation_id.as_str()).await {
            recipients.extend(recorded.notification.recipient);
        }
        known.push(Known { message, recipients, transactions: BTreeSet::new() });
    }
    for transaction in &transactions {
        let owner = store.messages.owner(transaction).await.unwrap().unwrap();
        let owner = known.iter_mut().find(|known| known.message.correlation_id == owner).unwrap();
        owner.transactions.insert(transaction.clone());
    }
    (known, transactions)
}

fn matches(pattern: Option<&Pattern>, text: Option<&str>) -> bool {
    pattern.is_none_or(|pattern| match pattern {
        Pattern::Exact(exact) => text == Some(exact),
        Pattern::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix)),
    })
}

fn admits(filter: &Filter, known: &Known) -> bool {
    let message = &known.message;
    filter.status.is_none_or(|status| message.status == status)
        && filter.is_final.is_none_or(|is_final| message.is_final == is_final)
        && filter.failure.is_none_or(|failure| message.failure == Some(failure))
        && filter.channel.as_ref().is_none_or(|channel| message.channel.as_ref() == Some(channel))
        && filter.recipient.as_ref().is_none_or(|recipient| known.recipients.contains(recipient))
        && filter.code.as_ref().is_none_or(|code| message.code.as_ref() == Some(code))
        && filter.sender.as_ref().is_none_or(|sender| message.sender.as_ref() == Some(sender))
        && matches(filter.correlation_id.as_ref(), Some(message.correlation_id.as_str()))
        && matches(filter.callback_data.as_ref(), message.callback_data.as_deref())
        && filter.overdue.as_ref().is_none_or(|(is, cutoffs)| cutoffs.is_overdue(message) == *is)
        && filter.transaction_id.as_ref().is_none_or(|id| known.transactions.contains(id))
        && filter.origin.is_none_or(|origin| message.origin() == origin)
        && filter.since.is_none_or(|since| message.created_at >= since)
        && filter.until.is_none_or(|until| message.created_at < until)
}

async fn assert_admitted(store: &TestStore, filter: &Filter, known: &[Known]) -> usize {
    let expected: Vec<_> =
        known.iter().filter(|known| admits(filter, known)).map(|known| known.message.clone()).collect();
    let page = store.messages.list(filter, None, PageLimit::new(500).unwrap()).await.unwrap();
    assert_eq!(page.items, expected, "{filter:?}");
    // The same in small pages.
    let first = store.messages.list(filter, None, PageLimit::new(3).unwrap()).await.unwrap();
    let second = store.messages.list(filter, first.next.as_ref(), PageLimit::new(3).unwrap()).await.unwrap();
    assert_eq!(first.items, expected[..expected.len().min(3)], "{filter:?}");
    if first.next.is_some() {
        assert_eq!(second.items, expected[3..expected.len().min(6)], "{filter:?}");
    }
    expected.len()
}

/// All values of a filter: existing and missing ones.
struct Choices {
    channels: Vec<Channel>,
    recipients: Vec<Address>,
    codes: Vec<String>,
    senders: Vec<String>,
    patterns: Vec<Pattern>,
    overdue: Vec<(bool, Cutoffs)>,
    transactions: Vec<TransactionId>,
    times: Vec<Timestamp>,
}

impl Choices {
    fn of(transactions: Vec<TransactionId>) -> Self {
        Self {
            channels: CHANNELS.map(Channel::from_name).to_vec(),
            recipients: (0..10).map(|n| number(&recipient(n))).chain([number("+447700900123")]).collect(),
            codes: CODES.map(str::to_owned).into_iter().chain([long("7"), long(""), long("8")]).collect(),
            senders: ["ACME", "none such"].map(str::to_owned).into_iter().chain([long("7")]).collect(),
            patterns: patterns(),
            overdue: overdue(),
            transactions: transactions.into_iter().chain([transaction("none such")]).collect(),
            times: [i64::MIN, -1, 0, 5, 19, 20, i64::MAX].map(time).to_vec(),
        }
    }

    fn alone(&self) -> Vec<Filter> {
        let mut filters = vec![Filter::default()];
        let none = Filter::default;
        filters.extend(Status::all().map(|it| Filter { status: Some(it), ..none() }));
        filters.extend([true, false].map(|it| Filter { is_final: Some(it), ..none() }));
        filters.extend(Failure::ALL.map(|it| Filter { failure: Some(it), ..none() }));
        filters.extend(self.channels.iter().cloned().map(|it| Filter { channel: Some(it), ..none() }));
        filters.extend(self.recipients.iter().cloned().map(|it| Filter { recipient: Some(it), ..none() }));
        filters.extend(self.codes.iter().cloned().map(|it| Filter { code: Some(it), ..none() }));
        filters.extend(self.senders.iter().cloned().map(|it| Filter { sender: Some(it), ..none() }));
        filters.extend(self.patterns.iter().cloned().map(|it| Filter { correlation_id: Some(it), ..none() }));
        filters.extend(self.patterns.iter().cloned().map(|it| Filter { callback_data: Some(it), ..none() }));
        filters.extend(self.overdue.iter().cloned().map(|it| Filter { overdue: Some(it), ..none() }));
        filters.extend(self.transactions.iter().cloned().map(|it| Filter { transaction_id: Some(it), ..none() }));
        filters.extend(Origin::ALL.map(|it| Filter { origin: Some(it), ..none() }));
        filters.extend(self.times.iter().map(|it| Filter { since: Some(*it), ..none() }));
        filters.extend(self.times.iter().map(|it| Filter { until: Some(*it), ..none() }));
        filters
    }

    fn any(&self) -> impl Strategy<Value = Filter> + use<> {
        let times = || weighted(0.2, select(self.times.clone()));
        let outcome = (
            weighted(0.2, select(Status::all().collect::<Vec<_>>())),
            weighted(0.2, any::<bool>()),
            weighted(0.1, select(Failure::ALL.to_vec())),
            weighted(0.2, select(self.overdue.clone())),
        );
        let names = (
            weighted(0.3, select(self.channels.clone())),
            weighted(0.3, select(self.recipients.clone())),
            weighted(0.2, select(self.codes.clone())),
            weighted(0.1, select(self.senders.clone())),
            weighted(0.1, select(self.transactions.clone())),
            weighted(0.2, select(Origin::ALL.to_vec())),
            weighted(0.2, select(self.patterns.clone())),
            weighted(0.2, select(self.patterns.clone())),
        );
        (outcome, names, times(), times()).prop_map(|(outcome, names, since, until)| {
            let (status, is_final, failure, overdue) = outcome;
            let (channel, recipient, code, sender, transaction_id, origin, correlation_id, callback_data) = names;
            Filter {
                status,
                is_final,
                failure,
                channel,
                recipient,
                sender,
                code,
                correlation_id,
                callback_data,
                transaction_id,
                origin,
                overdue,
                since,
                until,
            }
        })
    }
}

/// Whole texts and prefixes: of ids, of callback data, and of nothing.
fn patterns() -> Vec<Pattern> {
    let ids =
        ["*", "observed-1", "observed-1*", "observed-*", "sent-1*", "sen*", "o*", "p*", "none such", "none such*"];
    let starred = CALLBACKS.iter().map(|text| format!("{text}*"));
    let long = [long(""), long("a"), long("b"), long("*"), long("a*"), format!("{}*", "é".repeat(63))];
    let texts = ids.iter().chain(&CALLBACKS).map(|text| (*text).to_owned()).chain(starred).chain(long);
    texts.map(|text| Pattern::read(&text).unwrap()).collect()
}

/// Deadlines of every kind: none has passed, one for all channels, one that only email has not reached.
fn overdue() -> Vec<(bool, Cutoffs)> {
    let one = |micros| Cutoffs { other: time(micros), ..Cutoffs::default() };
    let email = Cutoffs { by_channel: [(Channel::Email, time(3)), (Channel::Apple, time(15))].into(), ..one(9) };
    let all = [Cutoffs::default(), one(9), one(i64::MAX), email];
    all.into_iter().flat_map(|cutoffs| [(true, cutoffs.clone()), (false, cutoffs)]).collect()
}

async fn each_filter_alone_admits_the_right_messages(store: &TestStore) {
    fill(store).await;
    let (known, transactions) = everything(store).await;
    for filter in Choices::of(transactions).alone() {
        assert_admitted(store, &filter, &known).await;
    }
}

async fn filters_combine(store: &TestStore) {
    fill(store).await;
    let (known, transactions) = everything(store).await;
    store.for_all(&vec(Choices::of(transactions).any(), 8), async |filters| {
        for filter in filters {
            assert_admitted(store, &filter, &known).await;
        }
    });
}

/// The row shows one of them. The list finds the message by all of them.
async fn a_message_is_found_by_each_of_its_transactions(store: &TestStore) {
    let fallback = about("order-1").of("t-1_fallbackrcs").on(Channel::Sms).at(2);
    store.hear([about("order-1").of("t-1").on(Channel::Rcs).says(Event::Submitted).at(1), fallback]).await;
    store.hear([about("order-2").of("t-2")]).await;
    for name in ["t-1", "t-1_fallbackrcs"] {
        let by = Filter { transaction_id: Some(transaction(name)), ..Filter::default() };
        assert_eq!(store.ids(&by).await, ["order-1"], "{name}");
        let by = Filter { channel: Some(Channel::Rcs), ..by };
        assert_eq!(store.ids(&by).await, Vec::<String>::new(), "it was delivered as SMS");
    }
}
