//! The formats of delivery notifications.
//!
//! | Format | Recognized by | Described on |
//! | --- | --- | --- |
//! | nested, also the Data Streams copy and the formats of 2016 | `deliveryInfoNotification` | developers.webexconnect.io/reference/sms-outbound-webhooks and similar pages |
//! | flat, SMS API v1 | `messageId` and `status` | developers.webexconnect.io/reference/sandbox-post_v1-sms-messages |
//! | flat, Voice API v1 | `sessionId` and `event` | developers.webexconnect.io/reference/sandbox-post_v1-voice-messages |

use std::borrow::Cow;

use receiptd_domain::{
    Address, Channel, CorrelationId, EventIdentity, Fingerprint, Notification, Reference, Timestamp, TransactionId,
    Unreadable,
};

use super::{TimeZone, fields::Fields, json, meaning::StatusFields};

const CORRELATION: [&str; 3] = ["correlationid", "correlationId", "corelationid"];
const CALLBACK: [&str; 1] = ["callbackData"];

/// A notification, and the fingerprint of what was posted.
pub(super) type Read = (Notification, Fingerprint);

/// Why a body is not one of our notifications.
pub(super) enum NotANotification {
    UnknownFormat,
    Foreign,
    Unreadable(Unreadable),
}

/// Reads any of the formats.
pub(super) fn read(root: &Fields<'_>, zone: TimeZone) -> Result<Read, NotANotification> {
    if let Some(envelope) = root.get(&["deliveryInfoNotification"]) {
        let envelope = Fields::of(envelope).ok_or_else(|| unreadable("deliveryInfoNotification is not an object"))?;
        nested(&envelope, zone)
    } else if root.has(&["messageId"]) && root.has(&["status"]) {
        flat_sms(root, zone)
    } else if root.has(&["sessionId"]) && root.has(&["event"]) {
        flat_voice(root, zone)
    } else {
        Err(NotANotification::UnknownFormat)
    }
}

fn unreadable(why: &str) -> NotANotification {
    NotANotification::Unreadable(Unreadable(why.to_owned()))
}

fn nested(envelope: &Fields<'_>, zone: TimeZone) -> Result<Read, NotANotification> {
    let Some(info) = envelope.object(&["deliveryInfo"]) else {
        return Err(if is_one_api_list(envelope) {
            NotANotification::Foreign
        } else {
            unreadable("deliveryInfo is not an object")
        });
    };
    // In an in-app click these four members are one level deeper.
    let text = |names: &[&str]| envelope.text(names).or_else(|| info.text(names));
    let transaction = text(&["transid"]);
    if transaction.is_none() && is_one_api(&info) {
        return Err(NotANotification::Foreign);
    }
    let carrier = info.text(&["carrierSubmitTimeStamp"]).map(|at| format!("submitted to the carrier at {at}"));
    // The button or link that was clicked in an app.
    let pressed = info.object(&["interactiveData"]);
    let pressed = |name| pressed.as_ref().and_then(|pressed| pressed.text(&[name]));
    let clicked = joined([pressed("title"), pressed("url"), pressed("identifier")]);
    let more = clicked.as_deref().map(Cow::Borrowed);
    let additional = joined([info.text(&["additionalInfo"]), carrier.map(Cow::Owned), more]);
    let recipient = info.text(&["waid"]).or_else(|| info.text(&["destination"]));
    Shape {
        channel: info.text(&["deliveryChannel"]).map(|name| Channel::from_name(&name)),
        correlation: text(&CORRELATION).as_deref(),
        transaction: transaction.as_deref(),
        recipient: recipient.as_deref(),
        status: info.text(&["deliveryStatus"]).as_deref(),
        code: info.text(&["code"]).as_deref(),
        description: info.text(&["Description"]).as_deref(),
        additional: additional.as_deref(),
        clicked: clicked.as_deref(),
        at: info.shown(&["timeStamp"]).as_deref(),
        segments: info.text(&["messageCount"]).as_deref(),
        callback: text(&CALLBACK).as_deref(),
    }
    .notification(zone)
}

/// The GSMA OneAPI family uses the same root key for something else: it has an address instead of a destination, and no
/// code.
fn is_one_api(info: &Fields<'_>) -> bool {
    info.has(&["deliveryStatus"]) && !info.has(&["code"]) && !info.has(&["destination"])
}

/// An array with several reports of that family.
fn is_one_api_list(envelope: &Fields<'_>) -> bool {
    let list = envelope.get(&["deliveryInfo"]).and_then(json::array).unwrap_or_default();
    !envelope.has(&["transid"]) && list.into_iter().filter_map(Fields::of).any(|info| is_one_api(&info))
}

fn flat_sms(root: &Fields<'_>, zone: TimeZone) -> Result<Read, NotANotification> {
    let error = root.object(&["error"]);
    Shape {
        channel: Some(Channel::Sms),
        correlation: root.text(&CORRELATION).as_deref(),
        transaction: root.text(&["messageId"]).as_deref(),
        recipient: root.text(&["to"]).as_deref(),
        status: root.text(&["status"]).as_deref(),
        code: error.as_ref().and_then(|error| error.text(&["code"])).as_deref(),
        description: error.as_ref().and_then(|error| error.text(&["message"])).as_deref(),
        additional: None,
        clicked: None,
        at: root.shown(&["statusTime"]).as_deref(),
        segments: None,
        callback: root.text(&CALLBACK).as_deref(),
    }
    .notification(zone)
}

fn flat_voice(root: &Fields<'_>, zone: TimeZone) -> Result<Read, NotANotification> {
    Shape {
        channel: Some(Channel::Voice),
        correlation: root.text(&CORRELATION).as_deref(),
        transaction: root.text(&["transactionId"]).or_else(|| root.text(&["sessionId"])).as_deref(),
        recipient: root.text(&["dialedNumber"]).as_deref(),
        status: root.text(&["event"]).as_deref(),
        code: None,
        description: None,
        additional: None,
        clicked: None,
        at: root.shown(&["eventTime"]).as_deref(),
        segments: None,
        callback: root.text(&CALLBACK).as_deref(),
    }
    .notification(zone)
}

/// Joins several texts, if there are any.
fn joined<'a>(texts: impl IntoIterator<Item = Option<Cow<'a, str>>>) -> Option<String> {
    let texts: Vec<_> = texts.into_iter().flatten().collect();
    (!texts.is_empty()).then(|| texts.join(" | "))
}

/// The members of any format.
struct Shape<'a> {
    channel: Option<Channel>,
    correlation: Option<&'a str>,
    transaction: Option<&'a str>,
    recipient: Option<&'a str>,
    status: Option<&'a str>,
    code: Option<&'a str>,
    description: Option<&'a str>,
    additional: Option<&'a str>,
    /// The button or link that was clicked in an app. It is part of `additional`.
    clicked: Option<&'a str>,
    at: Option<&'a str>,
    segments: Option<&'a str>,
    callback: Option<&'a str>,
}

impl Shape<'_> {
    fn notification(self, zone: TimeZone) -> Result<Read, NotANotification> {
        let reference = self.reference()?;
        let words = StatusFields {
            channel: self.channel.as_ref(),
            status: self.status.unwrap_or_default(),
            code: self.code,
            description: self.description,
            additional: self.additional,
        };
        let event = words.event();
        let at = self.at_in(zone);
        let recipient = self.recipient.and_then(Address::new);
        let fingerprint = self.fingerprint(&reference, recipient.as_ref());
        let unread = self.at.filter(|_| at.is_none());
        let unread = unread.map(|text| format!("the time of the event cannot be read: {text}"));
        let notification = Notification {
            reference,
            event,
            status_text: words.status.to_owned(),
            reason: words.reason(event),
            detail: joined([words.detail(event), unread].map(|text| text.map(Cow::Owned))),
            recipient,
            code: self.code.map(str::to_owned),
            at,
            segments: self.segments.and_then(|text| text.parse().ok()).filter(|count| *count > 0),
            callback_data: self.callback.map(str::to_owned),
            channel: self.channel,
        };
        Ok((notification, fingerprint))
    }

    fn at_in(&self, zone: TimeZone) -> Option<Timestamp> {
        self.at.and_then(|text| zone.read(text))
    }

    /// The fingerprint of what was posted. It must not depend on the time zone of the tenant, or on the meaning of texts
    /// and codes, since both may be corrected later.
    fn fingerprint(&self, reference: &Reference, recipient: Option<&Address>) -> Fingerprint {
        let at = self.at_in(TimeZone::UTC);
        let without_time = || joined([self.additional, self.at].map(|text| text.map(Cow::Borrowed)));
        let detail = if at.is_some() { self.clicked.map(Cow::Borrowed) } else { without_time().map(Cow::Owned) };
        let identity = EventIdentity {
            transaction_id: reference.transaction_id(),
            recipient,
            status_text: self.status.unwrap_or_default(),
            code: self.code,
            at,
            description: self.description,
            detail: detail.as_deref(),
        };
        identity.fingerprint()
    }

    fn reference(&self) -> Result<Reference, NotANotification> {
        let transaction = self.transaction.map(TransactionId::new).transpose();
        let transaction = transaction.map_err(|error| unreadable(&format!("its transaction id {error}")))?;
        let correlation = self.correlation.map(CorrelationId::new).transpose();
        let correlation = correlation.map_err(|error| unreadable(&format!("its correlation id {error}")))?;
        match (correlation, transaction) {
            (Some(id), transaction) => Ok(Reference::Correlated(id, transaction)),
            (None, Some(transaction)) => Ok(Reference::Transaction(transaction)),
            (None, None) => Err(unreadable("it has neither a correlation id nor a transaction id")),
        }
    }
}
