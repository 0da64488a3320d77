//! By what messages are counted.

use super::{FieldError, Timestamp};

/// What counts are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// The channel.
    Channel,
    /// The status.
    Status,
    /// The code behind the status: its first 64 characters.
    Code,
    /// The day on which the message was first heard of, in UTC.
    Day,
    /// The hour in which it was.
    Hour,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Channel, Self::Status, Self::Code, Self::Day, Self::Hour];

    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Status => "status",
            Self::Code => "code",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.as_str() == word)
    }
}

/// A request for counts. A message counts by the time at which it was first heard of, as in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsRequest {
    /// What the counts are told apart by, in the order of the answer.
    pub by: Vec<Dimension>,
    /// First heard of at or after this, which is the beginning of an hour.
    pub since: Option<Timestamp>,
    /// First heard of before this, which is the beginning of an hour.
    pub until: Option<Timestamp>,
}

impl Default for StatsRequest {
    fn default() -> Self {
        Self { by: vec![Dimension::Channel, Dimension::Status], since: None, until: None }
    }
}

/// How many messages there are of one kind. What was not asked for is `None`, as is what a message has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsRow {
    /// Their channel.
    pub channel: Option<String>,
    /// Their status.
    pub status: Option<String>,
    /// Their code.
    pub code: Option<String>,
    /// When their day or hour began.
    pub begin: Option<Timestamp>,
    /// How many; at least 1.
    pub count: i64,
}

impl StatsRequest {
    /// Reads names and values, and reports every fault at once.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<FieldError>> {
        let mut request = Self::default();
        let mut faults = Vec::new();
        for (name, value) in pairs {
            if let Err(detail) = request.set(name, value) {
                faults.push(FieldError { pointer: format!("/{name}"), detail });
            }
        }
        if faults.is_empty() { Ok(request) } else { Err(faults) }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "by" => self.by = dimensions(value)?,
            "since" => self.since = Some(beginning_of_an_hour(value)?),
            "until" => self.until = Some(beginning_of_an_hour(value)?),
            _ => return Err("is not known here; there are by, since, until".to_owned()),
        }
        Ok(())
    }
}

fn dimensions(value: &str) -> Result<Vec<Dimension>, String> {
    let mut by = Vec::new();
    for word in value.split(',') {
        match Dimension::from_word(word.trim()) {
            Some(dimension) if by.contains(&dimension) => return Err(format!("names {word} twice")),
            Some(dimension) => by.push(dimension),
            None => {
                return Err(format!("must be any of {}, by commas", Dimension::ALL.map(Dimension::as_str).join(", ")));
            }
        }
    }
    Ok(by)
}

/// Counts are kept by the hour, so no finer border would be exact.
fn beginning_of_an_hour(value: &str) -> Result<Timestamp, String> {
    let at = Timestamp::parse_time_or_date(value)
        .ok_or("must be a time such as 2026-05-20T13:00:00Z, or a date (in a URL + is %2B)")?;
    let is_whole = at.as_micros() % Timestamp::HOUR == 0;
    is_whole
        .then_some(at)
        .ok_or_else(|| "must be the beginning of an hour in UTC: counts are kept by the hour".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_what_to_count_by_and_from_when_to_when() {
        let request =
            [("by", "status, day"), ("since", "2026-05-20T14:00:00+01:00"), ("until", "2026-05-21T00:00:00Z")];
        let request = StatsRequest::parse(request).unwrap();
        assert_eq!(request.by, [Dimension::Status, Dimension::Day]);
        assert_eq!(request.since.unwrap().to_string(), "2026-05-20T13:00:00.000Z");
        assert_eq!(StatsRequest::parse([]).unwrap().by, [Dimension::Channel, Dimension::Status]);
    }

    #[test]
    fn every_fault_is_told() {
        let bad =
            [("by", "status,colour"), ("since", "yesterday"), ("until", "2026-05-20T13:30:00Z"), ("channel", "sms")];
        let faults = StatsRequest::parse(bad).unwrap_err();
        let details: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), &fault.detail[..20])).collect();
        let expected = [
            ("/by", "must be any of chann"),
            ("/since", "must be a time such "),
            ("/until", "must be the beginnin"),
            ("/channel", "is not known here; t"),
        ];
        assert_eq!(details, expected);
        assert_eq!(StatsRequest::parse([("by", "day,day")]).unwrap_err()[0].detail, "names day twice");
    }
}
