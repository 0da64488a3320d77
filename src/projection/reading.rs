//! Turns the records of the journal into arrivals.

use crate::{
    domain::{Arrival, JournalBatch, JournalRecord, Unreadable},
    storage::StorageError,
    webex::{Posted, TimeZone},
};

/// What the records of a batch mean that are not projected. Fails if the time zone is unknown.
pub(super) fn arrivals(batch: JournalBatch) -> Result<Vec<Arrival>, StorageError> {
    let zone = TimeZone::from_name(&batch.zone).ok_or_else(|| StorageError::Corrupt {
        table: "journal",
        column: "zone",
        row: format!("{} {}", batch.position.writer, batch.position.sequence),
    })?;
    Ok(batch.records.into_iter().skip(batch.projected).map(|record| arrival(record, zone)).collect())
}

/// A record is one body, or one element of a body that is an array.
fn arrival(record: JournalRecord, zone: TimeZone) -> Arrival {
    let JournalRecord { received_at, source, body, signature } = record;
    let mut read: Vec<_> = Posted::read_all(&body, zone).into_iter().map(|(posted, _)| posted).collect();
    let posted = match (read.pop(), read.is_empty()) {
        (Some(posted), true) => posted,
        _ => Posted::Unreadable(Unreadable("the body has several elements".to_owned())),
    };
    posted.arrival(body, source, received_at).signed(signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{JournalPosition, Source, Timestamp, Writer};

    const NOTIFICATION: &str =
        r#"{"deliveryInfoNotification":{"deliveryInfo":{"deliveryStatus":"Read","code":"7502"},"transid":"t"}}"#;
    const FOREIGN: &str = r#"{"deliveryInfoNotification":{"deliveryInfo":{"deliveryStatus":"DeliveredToTerminal"}}}"#;

    fn record(body: &str) -> JournalRecord {
        let received_at = Timestamp::from_micros(7);
        JournalRecord { received_at, source: Source::Notify, body: body.into(), signature: None }
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
        let at = |zone| match &arrivals(batch(zone)).unwrap()[..] {
            [Arrival::Notification(stored)] => stored.notification.at,
            other => panic!("{other:?}"),
        };
        assert_ne!(at("UTC"), None);
        assert_ne!(at("Asia/Kolkata"), at("UTC"));
        assert!(matches!(arrivals(batch("Mars/Olympus")), Err(StorageError::Corrupt { column: "zone", .. })));
    }
}
