//! The time after which messages are overdue.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use super::errors::ConfigErrors;
use crate::{domain::Channel, query::Deadlines};

pub(super) fn deadlines(seconds: &BTreeMap<String, u64>, errors: &mut ConfigErrors) -> Deadlines {
    let mut by_channel: HashMap<Channel, Duration> = HashMap::new();
    let mut other = Duration::MAX;
    for (name, seconds) in seconds {
        let deadline = Duration::from_secs(*seconds);
        match name.as_str() {
            "other" => other = deadline,
            name => {
                let channel = Channel::from_name(name);
                let known = !matches!(channel, Channel::Other(_));
                errors.check(known, &format!("overdue.{name}: there is no such channel"));
                by_channel.insert(channel, deadline);
            }
        }
    }
    Deadlines { by_channel, other }
}
