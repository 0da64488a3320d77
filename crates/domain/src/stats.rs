//! Counts of messages.

use super::{FieldError, Timestamp};

/// A property by which messages are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    Channel,
    Status,
    /// The first 64 characters of the code behind the status.
    Code,
    /// The first 64 characters of the sender. Only messages that receiptd sent have one.
    From,
    /// The day in UTC on which the message was first known.
    Day,
    /// The hour in which the message was first known.
    Hour,
}

impl Dimension {
    pub const ALL: [Self; 6] = [Self::Channel, Self::Status, Self::Code, Self::From, Self::Day, Self::Hour];

    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Status => "status",
            Self::Code => "code",
            Self::From => "from",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }

    /// The longest value that counts distinguish from longer ones, in characters.
    pub const LONGEST: usize = 63;

    /// Whether counts distinguish this value of the property from all others. They contain the beginning of a longer code, and of
    /// a longer sender.
    pub fn distinguishes(name: &str, value: &str) -> bool {
        let is_shortened = [Self::Code, Self::From].iter().any(|dimension| dimension.as_str() == name);
        !is_shortened || value.chars().count() <= Self::LONGEST
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.as_str() == word)
    }
}

/// A request for counts. A message counts at the time at which it was first known, as in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsRequest {
    /// The properties by which to count, in the order of the answer.
    pub by: Vec<Dimension>,
    /// First known at or after this time, which is the beginning of an hour.
    pub since: Option<Timestamp>,
    /// First known before this time, which is the beginning of an hour.
    pub until: Option<Timestamp>,
}

impl Default for StatsRequest {
    fn default() -> Self {
        Self { by: vec![Dimension::Channel, Dimension::Status], since: None, until: None }
    }
}

/// The number of messages with equal properties. A property is `None` if the request does not name it, or if the
/// messages do not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsRow {
    pub channel: Option<String>,
    pub status: Option<String>,
    pub code: Option<String>,
    pub sender: Option<String>,
    /// The beginning of the day or hour.
    pub begin: Option<Timestamp>,
    /// The number of messages, at least 1.
    pub count: i64,
}

impl StatsRequest {
    /// Parses names and values, and reports all errors at once.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<FieldError>> {
        let mut request = Self::default();
        let mut errors = Vec::new();
        for (name, value) in pairs {
            if let Err(detail) = request.set(name, value) {
                errors.push(FieldError { pointer: format!("/{name}"), detail });
            }
        }
        if errors.is_empty() { Ok(request) } else { Err(errors) }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "by" => self.by = dimensions(value)?,
            "since" => self.since = Some(beginning_of_an_hour(value)?),
            "until" => self.until = Some(beginning_of_an_hour(value)?),
            _ => return Err("is not a parameter; the parameters are by, since, until".to_owned()),
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
                return Err(format!(
                    "must be any of {}, separated by commas",
                    Dimension::ALL.map(Dimension::as_str).join(", ")
                ));
            }
        }
    }
    Ok(by)
}

/// Counts are stored for each hour, so a finer limit would not be exact.
fn beginning_of_an_hour(value: &str) -> Result<Timestamp, String> {
    let at = Timestamp::parse_time_or_date(value)
        .ok_or("must be a time such as 2026-05-20T13:00:00Z, or a date (in a URL, write + as %2B)")?;
    let is_whole = at.as_micros() % Timestamp::HOUR == 0;
    is_whole
        .then_some(at)
        .ok_or_else(|| "must be the beginning of an hour in UTC: counts are stored for each hour".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_the_properties_and_the_period() {
        let request =
            [("by", "status, day"), ("since", "2026-05-20T14:00:00+01:00"), ("until", "2026-05-21T00:00:00Z")];
        let request = StatsRequest::parse(request).unwrap();
        assert_eq!(request.by, [Dimension::Status, Dimension::Day]);
        assert_eq!(request.since.unwrap().to_string(), "2026-05-20T13:00:00.000Z");
        assert_eq!(StatsRequest::parse([]).unwrap().by, [Dimension::Channel, Dimension::Status]);
    }

    #[test]
    fn all_errors_are_reported() {
        let bad =
            [("by", "status,colour"), ("since", "yesterday"), ("until", "2026-05-20T13:30:00Z"), ("channel", "sms")];
        let errors = StatsRequest::parse(bad).unwrap_err();
        let details: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), &error.detail[..20])).collect();
        let expected = [
            ("/by", "must be any of chann"),
            ("/since", "must be a time such "),
            ("/until", "must be the beginnin"),
            ("/channel", "is not a parameter; "),
        ];
        assert_eq!(details, expected);
        assert_eq!(StatsRequest::parse([("by", "day,day")]).unwrap_err()[0].detail, "names day twice");
    }
}
