//! What the program uses. Whoever holds one of these need not check anything again.

use std::{net::SocketAddr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    ConfigError,
    authentication::authentication,
    credentials::credentials,
    deadlines::deadlines,
    layers::Files,
    networks::{Networks, Proxies, networks, proxies},
    pace::pace,
    raw::Raw,
    retention::periods,
    tls::certificate,
    tokens::{ApiTokens, tokens},
};
use crate::{
    audit::Periods,
    notify::{Authentication, Limits},
    observe::LogFormat,
    query::Deadlines,
    send::{Credentials, Pace},
    storage::OpenOptions,
    tls::Certificate,
    webex::{
        NotifyUrl, Region, SmsApi, TimeZone,
        request::{Tenant, Tracking},
    },
};

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What makes it TLS; `None`: requests come in the clear.
    pub certificate: Option<Certificate>,
    /// The proxies in front.
    pub proxies: Proxies,
    /// Which database.
    pub database_url: SecretString,
    /// How to open it.
    pub database: OpenOptions,
    /// Who may use the API. Without any, everybody on this machine may.
    pub tokens: Option<ApiTokens>,
    /// What the notify URL asks for.
    pub authentication: Authentication,
    /// Who may come to the notify URL at all; empty: everybody.
    pub allowed_addresses: Networks,
    /// The largest body of a notification, in bytes.
    pub body_limit: usize,
    /// How notifications are committed.
    pub commit: Limits,
    /// How long a notification may wait for its commit.
    pub answer_within: Duration,
    /// The tenant's time zone.
    pub zone: TimeZone,
    /// How to send; `None` if there is no platform to send to.
    pub send: Option<SendSettings>,
    /// For how long things are kept.
    pub retention: Periods,
    /// When messages are overdue.
    pub deadlines: Deadlines,
    /// How long the events of the live feed are kept.
    pub keep_events: Duration,
    /// Which log lines.
    pub log_filter: String,
    /// In which form.
    pub log_format: LogFormat,
}

/// How to send.
#[derive(Clone, Debug)]
pub struct SendSettings {
    /// Where the platform is.
    pub base_url: Url,
    /// Who we are there.
    pub credentials: Credentials,
    /// How our tenant there is set up.
    pub tenant: Tenant,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// How to go about it.
    pub pace: Pace,
}

impl Settings {
    pub(super) fn new(raw: Raw, files: &Files) -> Result<Self, ConfigError> {
        let mut faults = Faults::default();
        let settings = Self::collect(raw, files, &mut faults);
        match settings {
            Some(settings) if faults.0.is_empty() => Ok(settings),
            _ => Err(ConfigError(faults.0)),
        }
    }

    fn collect(raw: Raw, files: &Files, faults: &mut Faults) -> Option<Self> {
        let listen = faults.parse::<SocketAddr>("listen", &raw.listen, "an address and a port, as in 127.0.0.1:8080");
        let tokens = tokens(&raw.api.tokens, files, faults);
        let notify_url = notify_url(&raw.public_url, faults);
        let authentication = authentication(&raw.notify, notify_url.as_ref(), files, faults);
        for (name, number) in [
            ("notify.body_limit_bytes", raw.notify.body_limit_bytes),
            ("notify.queue_rows", raw.notify.queue_rows),
            ("notify.queue_bytes", raw.notify.queue_bytes),
            ("notify.batch_rows", raw.notify.batch_rows),
            ("notify.writers", raw.notify.writers),
        ] {
            faults.check(number > 0, &format!("{name} must be at least 1"));
        }
        faults.check(raw.database.connections > 0, "database.connections must be at least 1");
        faults.check(raw.database.timeout_seconds > 0, "database.timeout_seconds must be at least 1");
        faults.check((1..=36_500).contains(&raw.events.keep_days), "events.keep_days must be 1 to 36500");
        faults.check(
            (1..=9).contains(&raw.notify.answer_within_seconds),
            "notify.answer_within_seconds must be 1 to 9: the platform gives up after 10 s, and may not try again",
        );
        let one_writer = raw.database_url.expose_secret().starts_with("sqlite:") && raw.notify.writers > 1;
        faults.check(!one_writer, "notify.writers: SQLite has one writer; set it to 1, or use Postgres");
        safe(listen, raw.insecure, tokens.is_none(), authentication.is_open(), faults);
        let certificate = certificate(&raw.tls, files, faults);
        let proxies = proxies(&raw.trusted_proxies, &raw.proxy_header, faults);
        let allowed_addresses = networks("notify.allowed_addresses", &raw.notify.allowed_addresses, faults);
        let zone = TimeZone::from_name(&raw.webex.time_zone);
        faults.check(zone.is_some(), "webex.time_zone must be an IANA name, as in Europe/London");
        let answer_within = Duration::from_secs(raw.notify.answer_within_seconds);
        let pace = pace(&raw.send, faults);
        let send = send(&raw.webex, &raw.send, pace, notify_url, files, faults);
        let format = match raw.log.format.as_str() {
            "auto" => Some(LogFormat::Auto),
            "plain" => Some(LogFormat::Plain),
            "json" => Some(LogFormat::Json),
            _ => None,
        };
        faults.check(format.is_some(), "log.format must be auto, plain or json");
        Some(Self {
            listen: listen?,
            certificate,
            proxies: proxies?,
            database_url: raw.database_url,
            database: OpenOptions {
                connections: raw.database.connections,
                timeout: Duration::from_secs(raw.database.timeout_seconds),
                create: true,
            },
            tokens,
            authentication,
            allowed_addresses,
            body_limit: raw.notify.body_limit_bytes,
            commit: Limits {
                queue_rows: raw.notify.queue_rows,
                queue_bytes: raw.notify.queue_bytes,
                batch_rows: raw.notify.batch_rows,
                writers: raw.notify.writers,
                patience: answer_within,
            },
            answer_within,
            zone: zone?,
            send,
            retention: periods(&raw.retention, faults),
            deadlines: deadlines(&raw.overdue, faults),
            keep_events: Duration::from_secs(raw.events.keep_days.saturating_mul(86_400)),
            log_filter: raw.log.filter,
            log_format: format?,
        })
    }
}

/// Collects everything that is wrong.
#[derive(Default)]
pub(super) struct Faults(Vec<String>);

impl Faults {
    pub(super) fn check(&mut self, good: bool, otherwise: &str) {
        if !good {
            self.0.push(otherwise.to_owned());
        }
    }

    fn parse<T: std::str::FromStr>(&mut self, name: &str, text: &str, wanted: &str) -> Option<T> {
        let value = text.parse().ok();
        self.check(value.is_some(), &format!("{name} must be {wanted}"));
        value
    }
}

/// An address that others can reach must not be open.
fn safe(listen: Option<SocketAddr>, insecure: bool, is_api_open: bool, is_notify_open: bool, faults: &mut Faults) {
    if insecure || listen.is_none_or(|address| address.ip().is_loopback()) {
        return;
    }
    faults.check(
        !is_api_open,
        "listen is an address that others can reach, so api.tokens must be set (or --insecure given)",
    );
    faults.check(
        !is_notify_open,
        "listen is an address that others can reach, so one of notify.path_token, notify.hub_secrets, notify.basic and \
         notify.bearer must be set (or --insecure given)",
    );
}

/// Where the platform is told to post.
fn notify_url(text: &str, faults: &mut Faults) -> Option<NotifyUrl> {
    if text.is_empty() {
        return None;
    }
    NotifyUrl::new(text).map_err(|error| faults.check(false, &format!("public_url {error}"))).ok()
}

fn send(
    webex: &super::raw::Webex,
    send: &super::raw::Send,
    pace: Option<Pace>,
    notify_url: Option<NotifyUrl>,
    files: &Files,
    faults: &mut Faults,
) -> Option<SendSettings> {
    let region = Region::from_name(&webex.region);
    let names = || Region::names().collect::<Vec<_>>().join(", ");
    faults.check(webex.region.is_empty() || region.is_some(), &format!("webex.region must be one of {}", names()));
    faults.check(
        webex.region.is_empty() || webex.base_url.is_empty(),
        "webex.region and webex.base_url exclude each other",
    );
    let base = match region {
        Some(region) => Some(region.base_url().to_owned()),
        None => (!webex.base_url.is_empty()).then(|| webex.base_url.clone()),
    }?;
    let base_url = faults.parse::<Url>("webex.base_url", &base, "a URL, as in https://api.eu.webexconnect.io")?;
    let credentials = credentials(webex, files, faults);
    faults.check(notify_url.is_some(), "public_url must be set: without it nobody would hear what became of a message");
    let sms_api = SmsApi::from_name(&send.sms_api);
    faults.check(sms_api.is_some(), "send.sms_api must be v2, v1 or sms-v1");
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
        pace: pace?,
    })
}
