//! What the settings make of the API.

use crate::{http::state::App, notify::Authentication, webex::SmsApi};

/// What the settings make of the API.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// Whether no token is asked for.
    pub is_open: bool,
    /// What the notify URL asks for; `None` where no server's settings are known.
    pub notify: Option<Authentication>,
    /// By which API text messages go, which have other rules by each.
    pub sms_api: SmsApi,
}

impl Conditions {
    /// Those of a server.
    pub(crate) fn of(app: &App) -> Self {
        Self {
            is_open: app.tokens.is_none(),
            notify: Some(app.intake.authentication.clone()),
            sms_api: app.sender.sms_api().unwrap_or_default(),
        }
    }
}
