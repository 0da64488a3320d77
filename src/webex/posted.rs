//! What a body posted to the notify URL is.

use serde_json::Value;

use super::{TimeZone, fields::Fields, inbound, notification};
use crate::domain::{Inbound, Notification, Unreadable};

/// A body that was posted to the notify URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// A delivery notification.
    Notification(Box<Notification>),
    /// A customer's own message or event.
    Inbound(Inbound),
    /// A delivery report of the GSMA OneAPI family, which has the same root key and is not the platform's.
    Foreign,
    /// None of these; kept whole all the same.
    Unreadable(Unreadable),
}

/// Why a body is no notification of ours.
pub(super) enum Unclaimed {
    NoNotification,
    Foreign,
    Unreadable(Unreadable),
}

impl Posted {
    /// Reads a body. Never fails: what nobody understands is a result too.
    pub fn read(body: &[u8], zone: TimeZone) -> Self {
        let value = match parse(body) {
            Ok(value) => value,
            Err(why) => return Self::Unreadable(Unreadable(why)),
        };
        let Some(root) = Fields::of(&value) else {
            return Self::Unreadable(Unreadable("the body is not a JSON object".to_owned()));
        };
        match notification::read(root, zone) {
            Ok(notification) => Self::Notification(Box::new(notification)),
            Err(Unclaimed::Foreign) => Self::Foreign,
            Err(Unclaimed::Unreadable(why)) => Self::Unreadable(why),
            Err(Unclaimed::NoNotification) => match inbound::read(root) {
                Some(inbound) => Self::Inbound(inbound),
                None => Self::Unreadable(Unreadable("the body has no known shape".to_owned())),
            },
        }
    }
}

/// JSON, with or without a byte order mark. The documented voice samples lack their last brace; should the platform
/// lack it too, that is mended.
fn parse(body: &[u8]) -> Result<Value, String> {
    let text = str::from_utf8(body).map_err(|error| format!("the body is not UTF-8: {error}"))?;
    let text = text.trim_start_matches('\u{FEFF}');
    serde_json::from_str(text)
        .or_else(|error| {
            let cut = error.is_eof() && text.contains("deliveryInfoNotification");
            if cut { serde_json::from_str(&format!("{text}}}")) } else { Err(error) }
        })
        // Where and in what way, but none of the body.
        .map_err(|error| {
            format!(
                "the body is not JSON: {:?} error at line {}, column {}",
                error.classify(),
                error.line(),
                error.column()
            )
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    fn a_lost_last_brace_and_a_byte_order_mark_are_mended() {
        let whole = read(ONE);
        assert!(matches!(whole, Posted::Notification(_)));
        assert_eq!(read(&ONE[..ONE.len() - 1]), whole);
        assert_eq!(read(&format!("\u{FEFF}{ONE}")), whole);
        assert!(unreadable(&ONE[..ONE.len() - 2]));
    }

    #[test]
    fn one_api_reports_are_foreign_one_or_several() {
        let info = r#"{"address":"tel:+447700900123","deliveryStatus":"DeliveredToTerminal"}"#;
        for info in [info.to_owned(), format!("[{info},{info}]")] {
            let body = format!(r#"{{"deliveryInfoNotification":{{"deliveryInfo":{info},"callbackData":"A"}}}}"#);
            assert_eq!(read(&body), Posted::Foreign);
        }
    }

    #[test]
    fn what_nobody_understands_is_unreadable() {
        for body in ["", "null", "[]", "{}", "{", "\"x\"", "1e999", r#"{"deliveryInfoNotification":[]}"#] {
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
    fn numbers_will_do_where_texts_are_documented() {
        let body = ONE.replace("\"7502\"", "7502").replace("Read", "?");
        let Posted::Notification(notification) = read(&body) else { panic!("not read") };
        assert_eq!(notification.status_text, "?");
        assert_eq!(notification.code.as_deref(), Some("7502"));
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
        fn no_bytes_are_a_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Posted::read(&body, TimeZone::UTC);
        }

        #[test]
        fn no_json_is_a_panic(value in any_json()) {
            let _ = read(&value.to_string());
        }

        #[test]
        fn no_cut_is_a_panic(at in 0..ONE.len()) {
            let _ = read(&ONE[..at]);
        }
    }
}
