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

/// What several channels have in common; the others refer to it.
pub(super) const COMMON: (&str, &str) = file!("common.json");

/// Which file has the rules of which channel by which API.
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

/// The rules of one channel by one API.
pub(super) struct Schema {
    api: Api,
    channel: Channel,
    document: Value,
    validator: Validator,
}

/// Where the files lie for each other's references. Nothing is ever fetched: all that they refer to is embedded.
const BASE: &str = "rules:///";

static COMMON_DOCUMENT: LazyLock<Value> = LazyLock::new(|| parse(COMMON.1));

/// A file that is no schema is left out, and its channel refused; a test finds that there is none.
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

/// The rules of `channel` by `api`, if messages of that channel go by it.
pub(super) fn of(api: Api, channel: &Channel) -> Option<&'static Schema> {
    COMPILED.iter().find(|schema| schema.api == api && schema.channel == *channel)
}

impl Schema {
    /// What is wrong with `message`, one fault for each rule that it breaks.
    pub(super) fn faults(&self, message: &Value) -> Vec<FieldError> {
        let errors = self.validator.iter_errors(message);
        errors.flat_map(|error| wording::faults(&error, self.detail(&error))).collect()
    }

    /// The `x-detail` that stands beside the keyword that failed.
    fn detail(&self, error: &ValidationError<'_>) -> Option<&str> {
        let (file, keyword) = error.absolute_keyword_location()?.as_str().split_once('#')?;
        let document = if file.ends_with(COMMON.0) { &*COMMON_DOCUMENT } else { &self.document };
        let (place, _) = keyword.rsplit_once('/')?;
        document.pointer(place)?.get("x-detail")?.as_str()
    }
}
