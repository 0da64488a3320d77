//! Counts, as the API and the command line show them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{Dimension, StatsRow, Timestamp};

/// Counts of messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatsView {
    /// One item for each kind that has messages.
    pub items: Vec<StatsRowView>,
}

/// The number of messages of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatsRowView {
    /// The properties of the kind: the requested dimensions, each with its value; null if the messages have none.
    #[serde(flatten)]
    pub by: BTreeMap<String, Option<String>>,
    /// The number of messages.
    pub count: i64,
}

impl StatsRowView {
    /// The value of one of the properties. `None` if the messages have none, or are not counted by it.
    pub fn value(&self, dimension: Dimension) -> Option<&str> {
        self.by.get(dimension.as_str())?.as_deref()
    }
}

impl StatsView {
    pub(super) fn of(rows: &[StatsRow], by: &[Dimension]) -> Self {
        let value = |stats: &StatsRow, dimension| match dimension {
            Dimension::Channel => stats.channel.clone(),
            Dimension::Status => stats.status.clone(),
            Dimension::Code => stats.code.clone(),
            Dimension::From => stats.sender.clone(),
            Dimension::Day => stats.begin.map(Timestamp::day),
            Dimension::Hour => stats.begin.map(|begin| begin.to_string()),
        };
        let kind = |stats: &StatsRow| StatsRowView {
            by: by.iter().map(|dimension| (dimension.as_str().to_owned(), value(stats, *dimension))).collect(),
            count: stats.count,
        };
        Self { items: rows.iter().map(kind).collect() }
    }
}
