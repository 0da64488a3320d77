//! Finds whatever a person has at hand: an id, a number, an address, a code, a pasted notification or a line of a log.
//!
//! `readings` decides what a text can mean. Each meaning is a filter of the list, and this file looks all of them up. If nothing is
//! found, the answer says what was tried and where to look.

mod readings;
mod view;

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};

use self::readings::{CODE, CORRELATION_ID, Reading, TO, readings};
pub use self::view::{AdviceView, CodeView, FindView, FoundView, TriedView};
use super::{InboundView, QuarantineView, Query, look_up::AT_A_TIME};
use crate::{
    domain::{Address, Cutoffs, Filter, ListRequest, PageLimit, Pattern, Person},
    storage::StorageError,
    webex::codes,
};

/// How many messages the answer contains for each meaning, and how many inbound messages.
const SHOWN: u16 = 20;
const SHOWN_INBOUND: u16 = 5;
/// How many of the latest bodies in quarantine are searched if nothing else is found.
const SEARCHED: u16 = 50;
/// How many of the meanings are looked for in these bodies: those of a text that is not a line.
const SOUGHT: usize = 5;

impl Query {
    /// Finds everything that `text` can mean.
    pub async fn find_any(&self, text: &str) -> Result<FindView, StorageError> {
        let readings = readings(text);
        let found = stream::iter(&readings.all).map(|reading| self.found(reading)).buffered(AT_A_TIME);
        let looked_up: Vec<FoundView> = found.try_collect().await?;
        let (found, nothing): (Vec<_>, Vec<_>) = looked_up.into_iter().partition(FoundView::is_something);
        let tried: Vec<_> = nothing.into_iter().map(TriedView::of).collect();
        let mut view = FindView { found, tried, quarantine: Vec::new(), advice: Vec::new() };
        // A documented code is known, whether or not a message has it.
        if view.found.iter().all(|found| found.messages.is_empty() && found.inbound.is_empty()) {
            view.quarantine = self.quarantined(&readings.all).await?;
            view.advice = self.advice(readings.is_national, &view).await?;
        }
        Ok(view)
    }

    async fn found(&self, reading: &Reading) -> Result<FoundView, StorageError> {
        let mut view = FoundView::new(reading.name, &reading.value);
        // A part of a text can break the rules of a filter. It is then not what it seemed to be.
        let Ok(request) = ListRequest::parse([(reading.name, reading.value.as_str())], &Cutoffs::default()) else {
            return Ok(view);
        };
        let page = self.list(&request.filter, None, limit(SHOWN)).await?;
        (view.messages, view.has_more) = (page.items, page.next_cursor.is_some());
        if let Some(sender) = request.filter.recipient.filter(|_| reading.name == TO) {
            view.inbound = self.inbound_from(&sender).await?;
        }
        if reading.name == CODE {
            view.codes = codes::of_code(&reading.value).map(CodeView::of).collect();
        }
        Ok(view)
    }

    async fn inbound_from(&self, sender: &Address) -> Result<Vec<InboundView>, StorageError> {
        Ok(self.inbound.newest_from(sender, limit(SHOWN_INBOUND)).await?.iter().map(InboundView::of).collect())
    }

    /// The latest bodies in quarantine that name one of these.
    async fn quarantined(&self, readings: &[Reading]) -> Result<Vec<QuarantineView>, StorageError> {
        let values: BTreeSet<_> = readings.iter().take(SOUGHT).map(|reading| reading.value.as_str()).collect();
        let wanted: Vec<_> = values.into_iter().filter_map(|value| Person::new(value).ok()).collect();
        let wanted: Vec<_> = wanted.into_iter().filter(Person::is_distinctive).collect();
        let latest = self.quarantine.list(None, limit(SEARCHED)).await?;
        let naming = latest.items.iter().filter(|body| wanted.iter().any(|wanted| wanted.is_named_in(&body.body)));
        Ok(naming.map(QuarantineView::of).collect())
    }

    /// What to do if no message was found.
    async fn advice(&self, is_national: bool, view: &FindView) -> Result<Vec<AdviceView>, StorageError> {
        let mut all = Vec::new();
        let mut advise = |text: &str, look: Option<&str>| all.push(AdviceView::new(text, look));
        if is_national {
            advise("This number has no country code. Write it as in +447700900123.", None);
        }
        if !view.quarantine.is_empty() {
            advise(
                "A body that receiptd could not read contains it. Look at it in the quarantine.",
                Some("/v1/quarantine"),
            );
        }
        let orphans = Pattern::read("txn:*");
        if self.has(&Filter { correlation_id: orphans, ..Filter::default() }).await? {
            let text = "Some messages have no correlation id yet. Look for it among those whose id begins with txn:.";
            advise(text, Some("/v1/messages?correlationId=txn:*"));
        }
        if self.has(&Filter { overdue: Some((true, self.cutoffs())), ..Filter::default() }).await? {
            let text = "Some messages are overdue: no report of their arrival came. Look for it among them.";
            advise(text, Some("/v1/messages?overdue=true"));
        }
        if view.tried.iter().any(|tried| tried.filter == CORRELATION_ID) {
            advise("Check the spelling. For the beginning of a correlation id, write * at its end.", None);
        }
        advise("Older messages may have been removed: the settings say how long they are kept.", None);
        Ok(all)
    }

    async fn has(&self, filter: &Filter) -> Result<bool, StorageError> {
        Ok(!self.messages.list(filter, None, limit(1)).await?.items.is_empty())
    }
}

fn limit(most: u16) -> PageLimit {
    PageLimit::new(most).unwrap_or_default()
}
