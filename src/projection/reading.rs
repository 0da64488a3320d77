//! Turns the records of the journal into arrivals, and cuts them into chunks.

use crate::{
    domain::{Arrival, JournalBatch, JournalRecord, JournalSpan, Unreadable},
    storage::StorageError,
    webex::{Posted, TimeZone},
};

/// The next `most` records of these batches: where they are, and what they mean. Fails if a time zone is unknown.
pub(super) fn chunk(batches: Vec<JournalBatch>, most: usize) -> Result<(Vec<JournalSpan>, Vec<Arrival>), StorageError> {
    let (mut spans, mut arrivals) = (Vec::new(), Vec::new());
    for batch in batches {
        if arrivals.len() == most {
            break;
        }
        let zone = TimeZone::from_name(&batch.zone).ok_or_else(|| StorageError::Corrupt {
            table: "journal",
            column: "zone",
            row: format!("{} {}", batch.position.writer, batch.position.sequence),
        })?;
        let (from, of) = (batch.projected, batch.records.len());
        let to = of.min(from + most - arrivals.len());
        let bytes = batch.records[from..to].iter().map(JournalRecord::size).sum();
        spans.push(JournalSpan { position: batch.position, from, to, of, bytes });
        let records = batch.records.into_iter().take(to).skip(from);
        arrivals.extend(records.map(|record| arrival(record, zone)));
    }
    Ok((spans, arrivals))
}

/// A record is one body, or one element of a body that is an array.
fn arrival(record: JournalRecord, zone: TimeZone) -> Arrival {
    let JournalRecord { received_at, source, body } = record;
    let mut read: Vec<_> = Posted::read_all(&body, zone).into_iter().map(|(posted, _)| posted).collect();
    let posted = match (read.pop(), read.is_empty()) {
        (Some(posted), true) => posted,
        _ => Posted::Unreadable(Unreadable("the body has several elements".to_owned())),
    };
    posted.arrival(body, source, received_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{JournalPosition, Source, Timestamp, Writer};

    const NOTIFICATION: &str =
        r#"{"deliveryInfoNotification":{"deliveryInfo":{"deliveryStatus":"Read","code":"7502"},"transid":"t"}}"#;
    const FOREIGN: &str = r#"{"deliveryInfoNotification":{"deliveryInfo":{"deliveryStatus":"DeliveredToTerminal"}}}"#;

    fn record(body: &str) -> JournalRecord {
        JournalRecord { received_at: Timestamp::from_micros(7), source: Source::Notify, body: body.into() }
    }

    #[test]
    fn a_record_means_what_its_body_meant_when_it_arrived() {
        let body = format!(r#"[{NOTIFICATION},{FOREIGN},{{"event":"MO","tid":"7"}},{{"a" 1}},7]"#);
        for body in [body.as_str(), NOTIFICATION, "[]", "", "{"] {
            for (posted, element) in Posted::read_all(body.as_bytes(), TimeZone::UTC) {
                let arrived = posted.arrival(element.to_vec(), Source::Notify, Timestamp::from_micros(7));
                let element = std::str::from_utf8(element).unwrap();
                assert_eq!(arrival(record(element), TimeZone::UTC), arrived, "{element}");
            }
        }
    }

    #[test]
    fn times_without_an_offset_are_read_in_the_zone_of_their_batch() {
        let body = NOTIFICATION.replace("\"code\"", "\"timeStamp\":\"2026-05-20T10:00:00\",\"code\"");
        let batch = |zone: &str| JournalBatch {
            position: JournalPosition::first(Writer::new([7; 16])),
            appended_at: Timestamp::default(),
            zone: zone.to_owned(),
            projected: 0,
            records: vec![record(&body)],
        };
        let at = |zone| match &chunk(vec![batch(zone)], 9).unwrap().1[..] {
            [Arrival::Notification(stored)] => stored.notification.at,
            other => panic!("{other:?}"),
        };
        assert_ne!(at("UTC"), None);
        assert_ne!(at("Asia/Kolkata"), at("UTC"));
        assert!(matches!(chunk(vec![batch("Mars/Olympus")], 9), Err(StorageError::Corrupt { column: "zone", .. })));
    }

    #[test]
    fn a_chunk_begins_where_the_last_one_ended_and_every_record_is_in_one() {
        let writer = Writer::new([7; 16]);
        for most in 1..8 {
            let mut journal: Vec<_> = [3, 0, 1, 4]
                .iter()
                .scan(JournalPosition::first(writer), |position, records| {
                    let (this, projected) = (*position, 0);
                    *position = position.next();
                    let zone = "UTC".to_owned();
                    let records = (0..*records).map(|n| record(&format!("{}-{n}", this.sequence))).collect();
                    Some(JournalBatch { position: this, appended_at: Timestamp::default(), zone, projected, records })
                })
                .collect();
            let mut read = Vec::new();
            while !journal.is_empty() {
                let (spans, arrivals) = chunk(journal.clone(), most).unwrap();
                assert!(!spans.is_empty() && arrivals.len() <= most);
                read.extend(arrivals.iter().map(|arrival| String::from_utf8(arrival.as_posted().2.to_vec()).unwrap()));
                for span in spans {
                    assert_eq!((journal[0].position, journal[0].projected), (span.position, span.from));
                    journal[0].projected = span.to;
                    if span.to == span.of {
                        journal.remove(0);
                    }
                }
            }
            assert_eq!(read, ["1-0", "1-1", "1-2", "3-0", "4-0", "4-1", "4-2", "4-3"]);
        }
    }
}
