//! The URL of the platform, and how to send.

use std::time::Duration;

use url::Url;

use super::{
    credentials::credentials,
    errors::ConfigErrors,
    layers::Files,
    raw::{self, Webex},
};
use crate::{
    send::{Credentials, DispatchLimits},
    webex::{
        NotifyUrl, Region, SmsApi, authority_follows_scheme, is_loopback,
        request::{Tenant, Tracking},
    },
};

/// The settings for sending.
#[derive(Clone, Debug)]
pub struct SendSettings {
    /// The URL of the platform.
    pub base_url: Url,
    pub credentials: Credentials,
    /// How our tenant is set up on the platform.
    pub tenant: Tenant,
    /// The maximum time to wait for an answer of the platform.
    pub timeout: Duration,
    pub limits: DispatchLimits,
}

/// Reads the settings for sending; `None` if no platform is configured, or if a setting is not valid.
pub(super) fn sending(
    webex: &Webex,
    send: &raw::Send,
    limits: Option<DispatchLimits>,
    notify_url: Option<NotifyUrl>,
    files: &Files,
    errors: &mut ConfigErrors,
) -> Option<SendSettings> {
    let region = Region::from_name(&webex.region);
    let names = || Region::names().collect::<Vec<_>>().join(", ");
    errors.check(webex.region.is_empty() || region.is_some(), &format!("webex.region must be one of {}", names()));
    errors.check(
        webex.region.is_empty() || webex.base_url.is_empty(),
        "webex.region and webex.base_url exclude each other; set only one of them",
    );
    let base = match region {
        Some(region) => region.base_url().to_owned(),
        None if webex.base_url.is_empty() => return None,
        None => webex.base_url.clone(),
    };
    let base_url = base_url(&base).map_err(|error| errors.check(false, &format!("webex.base_url {error}"))).ok()?;
    let credentials = credentials(webex, files, errors);
    let message = "public_url must be set: the platform posts notifications there";
    errors.check(notify_url.is_some(), message);
    let sms_api = SmsApi::from_name(&send.sms_api);
    errors.check(sms_api.is_some(), "send.sms_api must be v2, v1 or sms-v1");
    Some(SendSettings {
        base_url,
        credentials: credentials?,
        tenant: Tenant {
            tracking: Tracking {
                notify_url: notify_url?,
                auth_id: (!webex.notify_auth_id.is_empty()).then(|| webex.notify_auth_id.clone()),
            },
            sms_api: sms_api?,
            plus_sign: webex.plus_sign,
        },
        timeout: Duration::from_secs(send.timeout_seconds),
        limits: limits?,
    })
}

/// Parses the URL of the platform. It must be HTTPS, since the credentials are sent there. It must not have a path, since
/// each API of the platform has its own.
fn base_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).ok().filter(|url| url.has_host() && authority_follows_scheme(text));
    let url = url.ok_or("must be a URL, as in https://api.eu.webexconnect.io")?;
    let has_more = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        _ => return Err("must begin with https:// (http:// is allowed on a loopback address, for tests)"),
    }
    if url.path() != "/" || url.fragment().is_some() || has_more {
        return Err("must be only a host, as in https://api.eu.webexconnect.io: receiptd adds the path of \
                    each API");
    }
    Ok(url)
}
