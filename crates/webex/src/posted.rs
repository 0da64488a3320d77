//! Classifies a body that was posted to the notify URL.

use receiptd_domain::{
    Archived, Arrival, Fingerprint, Inbound, Notification, Source, StoredNotification, Timestamp, Unreadable,
};
use serde_json::value::RawValue;

use super::{
    TimeZone,
    elements::elements,
    fields::Fields,
    inbound, json,
    notification::{self, NotANotification},
};

/// A body that was posted to the notify URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// A notification, and the fingerprint of what was posted.
    Notification(Box<Notification>, Fingerprint),
    /// A message or event that an end user sent to the tenant.
    Inbound(Inbound),
    /// A delivery report of the GSMA OneAPI family. It has the same root key but is not from the platform.
    Foreign,
    /// Anything else; it goes to quarantine.
    Unreadable(Unreadable),
}

/// Maximum number of elements of one body. Each element takes a row, and all of them are committed together.
const MOST_ELEMENTS: usize = 10_000;

impl Posted {
    /// Reads a body with a single value. Never fails: a body that is not understood is a result too.
    pub fn read(body: &[u8], zone: TimeZone) -> Self {
        json::read(body, |root| Self::of(root, zone)).unwrap_or_else(|why| Self::Unreadable(Unreadable(why)))
    }

    /// Reads a body that may be an array, and returns each element with its own bytes. Any other body is returned as a
    /// whole. There is always at least one result.
    ///
    /// An array within the array is read in the same way.
    pub fn read_all(body: &[u8], zone: TimeZone) -> Vec<(Self, &[u8])> {
        let unreadable = |why: &str| Self::Unreadable(Unreadable(why.to_owned()));
        let Some(elements) = elements(body) else { return vec![(Self::read(body, zone), body)] };
        match elements.len() {
            0 => vec![(unreadable("the array is empty"), body)],
            1..=MOST_ELEMENTS => {
                elements.into_iter().map(|element| (Self::read(element, zone).as_element(), element)).collect()
            }
            length => {
                let why = format!("the array has {length} elements; the maximum is {MOST_ELEMENTS}");
                vec![(unreadable(&why), body)]
            }
        }
    }

    fn of(root: &RawValue, zone: TimeZone) -> Self {
        let Some(root) = Fields::of(root) else {
            return Self::Unreadable(Unreadable("the body is not a JSON object".to_owned()));
        };
        match notification::read(&root, zone) {
            Ok((notification, fingerprint)) => Self::Notification(Box::new(notification), fingerprint),
            Err(NotANotification::Foreign) => Self::Foreign,
            Err(NotANotification::Unreadable(why)) => Self::Unreadable(why),
            Err(NotANotification::UnknownFormat) => match inbound::read(&root) {
                Some(inbound) => Self::Inbound(inbound),
                None => Self::Unreadable(Unreadable("the body has no known format".to_owned())),
            },
        }
    }

    /// The same as a part of something larger. A report of another API that is posted alone is refused with 422. Within
    /// an array or an import, refusing it would refuse its neighbours too, so it goes to quarantine.
    #[must_use]
    pub fn as_element(self) -> Self {
        match self {
            Self::Foreign => {
                Self::Unreadable(Unreadable("it is a delivery report of another API (GSMA OneAPI)".to_owned()))
            }
            posted => posted,
        }
    }

    /// The arrival to store, with the original body. A report of another API goes to quarantine.
    pub fn arrival(self, body: Vec<u8>, source: Source, received_at: Timestamp) -> Arrival {
        match self {
            Self::Notification(notification, fingerprint) => Arrival::Notification(StoredNotification::first_arrival(
                *notification,
                fingerprint,
                body,
                source,
                received_at,
            )),
            Self::Inbound(inbound) => Arrival::Inbound(Archived::first_arrival(inbound, body, source, received_at)),
            Self::Unreadable(why) => Arrival::Quarantined(Archived::first_arrival(why, body, source, received_at)),
            Self::Foreign => self.as_element().arrival(body, source, received_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn read(body: &str) -> Posted {
        Posted::read(body.as_bytes(), TimeZone::UTC)
    }

    fn unreadable(body: &str) -> bool {
        matches!(read(body), Posted::Unreadable(_))
    }

    const ONE: &str =
        r#"{"deliveryInfoNotification":{"deliveryInfo":{"deliveryStatus":"Read","code":"7502"},"transid":"t"}}"#;

    #[test]
    fn a_missing_last_brace_and_a_byte_order_mark_are_tolerated() {
        let whole = read(ONE);
        assert!(matches!(whole, Posted::Notification(..)));
        assert_eq!(read(&ONE[..ONE.len() - 1]), whole);
        assert_eq!(read(&format!("\u{FEFF}{ONE}")), whole);
        assert!(unreadable(&ONE[..ONE.len() - 2]));
    }

    #[test]
    fn one_or_several_one_api_reports_are_foreign() {
        let info = r#"{"address":"tel:+447700900123","deliveryStatus":"DeliveredToTerminal"}"#;
        for info in [info.to_owned(), format!("[{info},{info}]")] {
            let body = format!(r#"{{"deliveryInfoNotification":{{"deliveryInfo":{info},"callbackData":"A"}}}}"#);
            assert_eq!(read(&body), Posted::Foreign);
        }
    }

    #[test]
    fn a_body_that_is_not_understood_is_unreadable() {
        for body in ["", "null", "[]", "[{}]", "{}", "{", "\"x\"", "1e999", r#"{"deliveryInfoNotification":[]}"#] {
            assert!(unreadable(body), "{body}");
        }
        assert!(unreadable(
            r#"{"deliveryInfoNotification":{"deliveryInfo":{"code":"7500","deliveryStatus":"Delivered"}}}"#
        ));
        let long = "x".repeat(513);
        assert!(unreadable(&ONE.replace("\"t\"", &format!("\"t\",\"correlationid\":\"{long}\""))));
        assert!(matches!(Posted::read(b"\xff{}", TimeZone::UTC), Posted::Unreadable(_)));
        assert!(unreadable(&"[".repeat(100_000)));
    }

    #[test]
    fn numbers_are_accepted_where_texts_are_documented() {
        let body = ONE.replace("\"7502\"", "7502").replace("Read", "?");
        let Posted::Notification(notification, _) = read(&body) else { panic!("not read") };
        assert_eq!(notification.status_text, "?");
        assert_eq!(notification.code.as_deref(), Some("7502"));
    }

    fn notification(body: &str) -> Notification {
        let Posted::Notification(notification, _) = read(body) else { panic!("not read: {body}") };
        *notification
    }

    fn with(member: &str) -> String {
        ONE.replace("\"transid\"", &format!("{member},\"transid\""))
    }

    #[test]
    fn ids_that_are_numbers_keep_their_own_digits() {
        for id in ["98765432109876543210987", "98765432109876543210988", "1.10", "1.1", "1e2", "100", "-7"] {
            let body = with(&format!("\"correlationid\":{id}")).replace("\"t\"", id);
            let reference = notification(&body).reference;
            assert_eq!((reference.correlation_id().as_str(), reference.transaction_id().unwrap().as_str()), (id, id));
        }
    }

    #[test]
    fn half_of_a_surrogate_pair_becomes_one_replacement_character() {
        assert_eq!(
            notification(&with(r#""callbackData":"order 12 \ud83d""#)).callback_data.unwrap(),
            "order 12 \u{FFFD}"
        );
        for member in [r#""unknown":"\ude00""#, r#""\ud83d":1"#, r#""deep":[{"\udfff\ud800":"\udbff"}]"#] {
            assert_eq!(notification(&with(member)), notification(ONE), "{member}");
        }
        let Posted::Inbound(inbound) = read(r#"{"event":"MO","tid":"7\ud83d","message":"\ude00"}"#) else { panic!() };
        assert_eq!(inbound.transaction_id.as_deref(), Some("7\u{FFFD}"));
    }

    #[test]
    fn unused_members_may_be_deep_and_large() {
        let deep = format!("\"unknown\":{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for member in [deep.as_str(), r#""unknown":1e999"#] {
            assert_eq!(notification(&with(member)), notification(ONE));
        }
    }

    #[test]
    fn each_element_of_an_array_is_an_arrival_with_its_own_bytes() {
        let foreign = r#"{"deliveryInfoNotification":{"deliveryInfo":{"deliveryStatus":"DeliveredToTerminal"}}}"#;
        let inbound = r#"{"event":"MO","tid":"7"}"#;
        let elements = [ONE, inbound, foreign, "{\"a\" 1}", "7"];
        let [one, moved, other, broken, number] = elements;
        let body = format!("\u{FEFF}[{one}, [{moved}],\n{other},{broken},{number}]");
        let read = Posted::read_all(body.as_bytes(), TimeZone::UTC);
        assert_eq!(read.iter().map(|(_, bytes)| *bytes).collect::<Vec<_>>(), elements.map(str::as_bytes));
        let kinds = read.iter().map(|(posted, _)| match posted {
            Posted::Notification(..) => "notification",
            Posted::Inbound(_) => "inbound",
            Posted::Unreadable(_) => "unreadable",
            Posted::Foreign => "foreign",
        });
        assert_eq!(kinds.collect::<Vec<_>>(), ["notification", "inbound", "unreadable", "unreadable", "unreadable"]);
    }

    #[test]
    fn any_other_body_is_one_arrival() {
        let many = format!("[{}1]", "1,".repeat(MOST_ELEMENTS));
        for body in [ONE, "", "[]", "[[], []]", "[{}", "[{}] x", many.as_str()] {
            let all = Posted::read_all(body.as_bytes(), TimeZone::UTC);
            assert_eq!((all.len(), all[0].1), (1, body.as_bytes()));
            assert_eq!(matches!(all[0].0, Posted::Notification(..)), body == ONE);
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let names = prop_oneof![
            Just("deliveryInfoNotification".to_owned()),
            Just("deliveryInfo".to_owned()),
            Just("transid".to_owned()),
            Just("event".to_owned()),
            Just("status".to_owned()),
            Just("messageId".to_owned()),
            ".{0,6}",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(names.clone(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_bytes_cause_a_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Posted::read(&body, TimeZone::UTC);
        }

        #[test]
        fn no_json_causes_a_panic(value in any_json()) {
            let _ = read(&value.to_string());
        }

        #[test]
        fn no_truncated_body_causes_a_panic(at in 0..ONE.len()) {
            let _ = read(&ONE[..at]);
        }
    }
}
