//! The platform's APIs for sending messages.

use receiptd_domain::{Channel, Content, Object, Submission};

/// An API of the platform that accepts messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Api {
    /// Messaging API v1 (developers.webexconnect.io/reference/send-message-v1).
    V1,
    /// Messaging API v2 (developers.webexconnect.io/reference/send-message-v2).
    V2,
    /// SMS API v1 (developers.webexconnect.io/reference/send-sms-api-v1).
    SmsV1,
    /// Voice API v1 (developers.webexconnect.io/reference/voice-only-api-v1-make-outbound-calls).
    VoiceV1,
    /// Instagram API v1 (developers.webexconnect.io/reference/instagram-api), deprecated by the platform.
    InstagramV1,
}

/// The APIs for text messages. The platform recommends each of them somewhere (the page `sms-apis` of
/// developers.webexconnect.io).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SmsApi {
    /// Messaging API v2.
    #[default]
    V2,
    /// Messaging API v1.
    V1,
    /// SMS API v1.
    SmsV1,
}

impl Api {
    /// The APIs for voice, each with the content members that only it has. The first API with such a member is used.
    /// Any other content uses Messaging API v2.
    pub const VOICE: [(Self, &[&str]); 2] =
        [(Self::VoiceV1, &["audio"]), (Self::V1, &["callflowid", "promptid", "media"])];

    /// The API for a message on `channel`. For voice it depends on the content. `None` for a channel that cannot be
    /// sent on.
    pub fn of(channel: &Channel, content: Option<&Object>, sms: SmsApi) -> Option<Self> {
        let has = |name: &&str| content.is_some_and(|content| content.contains_key(*name));
        Some(match channel {
            Channel::Sms => match sms {
                SmsApi::V2 => Self::V2,
                SmsApi::V1 => Self::V1,
                SmsApi::SmsV1 => Self::SmsV1,
            },
            Channel::Voice => {
                let special = Self::VOICE.iter().find(|(_, members)| members.iter().any(has));
                special.map_or(Self::V2, |(api, _)| *api)
            }
            Channel::Mms | Channel::Rcs | Channel::Email => Self::V2,
            Channel::Whatsapp | Channel::Messenger | Channel::Apple | Channel::Push | Channel::InApp => Self::V1,
            Channel::Instagram => Self::InstagramV1,
            Channel::Other(_) => return None,
        })
    }

    /// The API for `message`.
    pub fn of_submission(message: &Submission, sms: SmsApi) -> Self {
        let content = match &message.content {
            Content::Native(content) => Some(content),
            Content::Template { content, .. } => content.as_ref(),
            Content::Plain { .. } => None,
        };
        // The channel of a submission is always known.
        Self::of(&message.channel, content, sms).unwrap_or(Self::V2)
    }

    /// The path below the base URL.
    pub fn path(self) -> &'static str {
        match self {
            Self::V1 => "/resources/v1/messaging",
            Self::V2 => "/v2/messages",
            Self::SmsV1 => "/v1/sms/messages",
            Self::VoiceV1 => "/v1/voice/messages",
            Self::InstagramV1 => "/v1/instagram/messages",
        }
    }
}

impl SmsApi {
    /// The API with this name: `v2`, `v1` or `sms-v1`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "v2" => Some(Self::V2),
            "v1" => Some(Self::V1),
            "sms-v1" => Some(Self::SmsV1),
            _ => None,
        }
    }
}
