//! Counts, as the API and the command line show them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{Dimension, Tally, Timestamp};

/// Counts of messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TallyView {
    /// One for each kind of which there are any.
    pub items: Vec<KindView>,
}

/// How many messages there are of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KindView {
    /// What tells the kind from others: the names that were asked for, each with its value; null where the messages
    /// have none.
    #[serde(flatten)]
    pub by: BTreeMap<String, Option<String>>,
    /// How many.
    pub count: i64,
}

impl TallyView {
    pub(super) fn of(tallies: &[Tally], by: &[Dimension]) -> Self {
        let value = |tally: &Tally, dimension| match dimension {
            Dimension::Channel => tally.channel.clone(),
            Dimension::Status => tally.status.clone(),
            Dimension::Code => tally.code.clone(),
            Dimension::Day => tally.begin.map(Timestamp::day),
            Dimension::Hour => tally.begin.map(|begin| begin.to_string()),
        };
        let kind = |tally: &Tally| KindView {
            by: by.iter().map(|dimension| (dimension.as_str().to_owned(), value(tally, *dimension))).collect(),
            count: tally.count,
        };
        Self { items: tallies.iter().map(kind).collect() }
    }
}
