//! The schemas, compiled once.

use std::sync::LazyLock;

use jsonschema::{Draft, ReferencingError, Registry, ValidationError, Validator};
use receiptd_domain::{Channel, FieldError};
use serde_json::Value;

use super::{keywords, wording};
use crate::Api;

macro_rules! file {
    ($name:literal) => {
        ($name, include_str!(concat!("schema/", $name)))
    };
}

/// Definitions that several channels share. The other schemas refer to it.
pub(super) const COMMON: (&str, &str) = file!("common.json");

/// The file with the rules of each channel and API.
pub(super) const SCHEMAS: [(Api, Channel, (&str, &str)); 15] = [
    (Api::V1, Channel::Sms, file!("sms-v1.json")),
    (Api::V2, Channel::Sms, file!("sms-v2.json")),
    (Api::SmsV1, Channel::Sms, file!("sms-api-v1.json")),
    (Api::V2, Channel::Mms, file!("mms.json")),
    (Api::V2, Channel::Rcs, file!("rcs.json")),
    (Api::V2, Channel::Email, file!("email.json")),
    (Api::V1, Channel::Voice, file!("voice-v1.json")),
    (Api::V2, Channel::Voice, file!("voice-v2.json")),
    (Api::VoiceV1, Channel::Voice, file!("voice-api-v1.json")),
    (Api::V1, Channel::Whatsapp, file!("whatsapp.json")),
    (Api::V1, Channel::Messenger, file!("messenger.json")),
    (Api::V1, Channel::Apple, file!("apple.json")),
    (Api::V1, Channel::Push, file!("push.json")),
    (Api::V1, Channel::InApp, file!("in-app.json")),
    (Api::InstagramV1, Channel::Instagram, file!("instagram.json")),
];

/// The rules of one channel and one API.
pub(super) struct Schema {
    api: Api,
    channel: Channel,
    document: Value,
    validator: Validator,
}

/// The base URI of references between the files. Nothing is ever fetched: all referenced files are embedded.
const BASE: &str = "rules:///";

static COMMON_DOCUMENT: LazyLock<Value> = LazyLock::new(|| parse(COMMON.1));

/// A file that is not a valid schema is left out, and its channel is rejected. A test checks that there is no such
/// file.
static COMPILED: LazyLock<Vec<Schema>> = LazyLock::new(|| {
    let Ok(registry) = registry() else { return Vec::new() };
    SCHEMAS.into_iter().filter_map(|row| compile(row, &registry).ok()).collect()
});

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn registry() -> Result<Registry<'static>, ReferencingError> {
    Registry::new().add(format!("{BASE}{}", COMMON.0), &*COMMON_DOCUMENT)?.prepare()
}

fn compile(
    (api, channel, (name, text)): (Api, Channel, (&str, &str)),
    registry: &Registry<'_>,
) -> Result<Schema, ValidationError<'static>> {
    let document = parse(text);
    let options = jsonschema::options().with_draft(Draft::Draft202012);
    let validator =
        keywords::add(options).with_base_uri(format!("{BASE}{name}")).with_registry(registry).build(&document)?;
    Ok(Schema { api, channel, document, validator })
}

/// The rules of `channel` by `api`, if the API has this channel.
pub(super) fn of(api: Api, channel: &Channel) -> Option<&'static Schema> {
    COMPILED.iter().find(|schema| schema.api == api && schema.channel == *channel)
}

impl Schema {
    /// The errors in `message`, one for each rule that it violates.
    pub(super) fn errors(&self, message: &Value) -> Vec<FieldError> {
        let errors = self.validator.iter_errors(message);
        errors.flat_map(|error| wording::errors(&error, self.detail(&error))).collect()
    }

    /// The `x-detail` beside the keyword that failed.
    fn detail(&self, error: &ValidationError<'_>) -> Option<&str> {
        let (file, keyword) = error.absolute_keyword_location()?.as_str().split_once('#')?;
        let document = if file.ends_with(COMMON.0) { &*COMMON_DOCUMENT } else { &self.document };
        let (place, _) = keyword.rsplit_once('/')?;
        document.pointer(place)?.get("x-detail")?.as_str()
    }
}
