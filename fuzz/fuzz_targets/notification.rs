//! Bodies that are posted to the notify URL. A body is read in the same way each time, and no text that is stored contains what a
//! database would refuse. White space around a body changes nothing, and the time zone of the tenant changes only times.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::{
    domain::{Address, Arrival, Notification, Reference, Source, Timestamp, TransactionId},
    webex::{Posted, TimeZone},
};

fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

fn check(notification: &Notification) {
    let Notification { reference, channel, recipient, status_text, code, reason, detail, .. } = notification;
    let texts = [code, reason, detail, &notification.callback_data].into_iter().flatten();
    assert!(texts.chain([status_text]).all(|text| is_storable(text)));
    assert!(channel.as_ref().is_none_or(|channel| is_storable(channel.as_str())));
    let recipient = recipient.as_ref().map(Address::as_str);
    let ids =
        [Some(reference.correlation_id().as_str().to_owned()), reference.transaction_id().map(|id| id.to_string())];
    for id in recipient.map(str::to_owned).into_iter().chain(ids.into_iter().flatten()) {
        assert!(is_storable(&id) && !id.is_empty());
    }
    if let Reference::Transaction(id) = reference {
        assert_eq!(reference.correlation_id().as_str(), format!("txn:{id}"));
    }
    assert!(reference.transaction_id().is_none_or(|id| TransactionId::new(id.as_str()).as_ref() == Ok(id)));
    assert!(notification.segments.is_none_or(|count| count > 0));
    assert!(notification.at.is_none_or(|at| (0..=253_402_300_799_999_999).contains(&at.as_micros())));
}

fuzz_target!(|body: &[u8]| {
    let read = Posted::read(body, TimeZone::UTC);
    assert_eq!(read, Posted::read(body, TimeZone::UTC));
    match &read {
        Posted::Notification(notification, _) => check(notification),
        Posted::Inbound(inbound) => {
            let texts = [Some(&inbound.event), inbound.transaction_id.as_ref()];
            assert!(texts.into_iter().flatten().all(|text| is_storable(text)));
            assert!(inbound.sender.as_ref().is_none_or(|sender| is_storable(sender.as_str())));
        }
        Posted::Foreign => {}
        Posted::Unreadable(why) => assert!(!why.0.is_empty() && is_storable(&why.0)),
    }
    if !matches!(read, Posted::Unreadable(_)) {
        let framed = [b"\xef\xbb\xbf", body, b"\r\n"].concat();
        assert_eq!(Posted::read(&framed, TimeZone::UTC), read);
    }
    // The time zone of the tenant changes only the time.
    let mut elsewhere = Posted::read(body, TimeZone::from_name("Asia/Kolkata").expect("a time zone"));
    if let (Posted::Notification(here, _), Posted::Notification(there, _)) = (&read, &mut elsewhere)
        && here.at.is_some()
        && there.at.is_some()
    {
        there.at = here.at;
        assert_eq!(read, elsewhere);
    }
    let is_understood = !matches!(read, Posted::Foreign | Posted::Unreadable(_));
    let arrival = read.arrival(body.to_vec(), Source::Notify, Timestamp::default());
    assert_eq!(arrival.as_posted().2, body);
    assert_eq!(!matches!(arrival, Arrival::Quarantined(_)), is_understood);
});
