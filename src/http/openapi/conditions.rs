//! The settings that the API description depends on.

use crate::{http::state::App, notify::Authentication, webex::SmsApi};

/// The settings that the API description depends on.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// Whether the API requires no token.
    pub is_open: bool,
    /// What the notify URL requires; `None` if the settings of a server are not known.
    pub notify: Option<Authentication>,
    /// The API that text messages are sent with. The rules for them depend on it.
    pub sms_api: SmsApi,
}

impl Conditions {
    /// Returns the conditions of a server.
    pub(crate) fn of(app: &App) -> Self {
        Self {
            is_open: app.tokens.is_none(),
            notify: Some(app.intake.authentication.clone()),
            sms_api: app.sender.sms_api().unwrap_or_default(),
        }
    }
}
