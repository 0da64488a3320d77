//! The settings as the program uses them. All checks are done when they are created.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};

use super::{
    authentication::authentication,
    connections::{ConnectionLimits, connection_limits},
    deadlines::deadlines,
    dispatch_limits::dispatch_limits,
    errors::{ConfigError, ConfigErrors},
    exposure::{self, Exposure},
    layers::Files,
    networks::{Networks, Proxies, networks, proxies},
    public_url::PublicUrl,
    purpose::Purpose,
    raw::Raw,
    retention::periods,
    sending::{SendSettings, sending},
    sessions::session_limits,
    signing::signing_key,
    tls::certificate,
    tokens::{ApiTokens, tokens},
};
use crate::{
    audit::SigningKey,
    domain::SessionLimits,
    maintenance::Periods,
    notify::{Authentication, Limits},
    observe::{LogFilter, LogFormat, causes},
    query::Deadlines,
    storage::{Access, DatabaseKind, OpenOptions, check_url},
    tls::Certificate,
    webex::TimeZone,
};

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The limits of connections: how many per address, how long they may be idle, and how long an answer may stay
    /// unread.
    pub connections: ConnectionLimits,
    /// The certificate for HTTPS; `None` for HTTP without encryption.
    pub certificate: Option<Certificate>,
    /// The proxies in front of the server.
    pub proxies: Proxies,
    pub database_url: SecretString,
    /// The options with which the database is opened.
    pub database: OpenOptions,
    /// The API tokens; `None` if the API is open to every client that can connect.
    pub tokens: Option<ApiTokens>,
    /// How long people stay logged in.
    pub sessions: SessionLimits,
    /// The secrets that the notify URL requires.
    pub authentication: Authentication,
    /// The addresses that may use the notify URL; empty if all may.
    pub allowed_addresses: Networks,
    /// The largest body of a notification, in bytes.
    pub body_limit: usize,
    /// The limits for queueing and committing notifications.
    pub commit: Limits,
    /// The maximum time that a notification may wait for its commit.
    pub answer_within: Duration,
    /// The tenant's time zone.
    pub zone: TimeZone,
    /// The settings for sending; `None` if no platform is configured.
    pub send: Option<SendSettings>,
    /// The periods for which data is kept.
    pub retention: Periods,
    /// When messages are overdue.
    pub deadlines: Deadlines,
    /// The maximum time that a look-up waits for the projection.
    pub catch_up: Duration,
    /// The period for which a view can be used.
    pub keep_views: Duration,
    /// The period for which status events are kept.
    pub keep_events: Duration,
    /// Whether the audit log records look-ups of messages and persons.
    pub record_reads: bool,
    /// The key that signs the links of the hash chain.
    pub signing_key: Option<Arc<SigningKey>>,
    pub log_filter: LogFilter,
    pub log_format: LogFormat,
    /// Environment variables with our prefix that Kubernetes created.
    pub foreign_variables: Vec<String>,
    /// Warnings about settings that are valid.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Reads the files of secrets and certificates again. Called on SIGHUP. Changed files are picked up on use anyway;
    /// this reports errors immediately.
    pub fn reread(&self) {
        self.authentication.reread();
        if let Some(tokens) = &self.tokens {
            tokens.reread();
        }
        if let Some(certificate) = &self.certificate {
            certificate.reread();
        }
        if let Some(send) = &self.send {
            send.credentials.reread();
        }
    }

    pub(super) fn new(
        raw: Raw,
        purpose: Purpose,
        files: &Files,
        foreign_variables: Vec<String>,
    ) -> Result<Self, ConfigError> {
        let mut errors = ConfigErrors::default();
        let settings = Self::collect(raw, purpose, files, &mut errors);
        errors.finish(settings).map(|settings| Self { foreign_variables, ..settings })
    }

    fn collect(raw: Raw, purpose: Purpose, files: &Files, errors: &mut ConfigErrors) -> Option<Self> {
        let listen = errors.parse::<SocketAddr>("listen", &raw.listen, "an address and a port, as in 127.0.0.1:8080");
        let proxies = proxies(&raw.trusted_proxies, &raw.proxy_header, errors);
        let public_url = PublicUrl::read(&raw.public_url, purpose, raw.public_url_rewritten, errors);
        let exposure = match (purpose, listen) {
            (Purpose::Serve, Some(listen)) => Exposure::of(&raw, listen, public_url.as_ref()),
            _ => None,
        };
        let minimum = exposure::minimum_length(exposure.as_ref());
        let tokens = tokens(&raw.api.tokens, minimum, files, errors);
        let authentication = authentication(&raw.notify, public_url.as_ref(), minimum, files, errors);
        for (name, number) in [
            ("notify.body_limit_bytes", raw.notify.body_limit_bytes),
            ("notify.queue_requests", raw.notify.queue_requests),
            ("notify.queue_bytes", raw.notify.queue_bytes),
            ("notify.batch_rows", raw.notify.batch_rows),
            ("notify.writers", raw.notify.writers),
        ] {
            errors.check(number > 0, &format!("{name} must be at least 1"));
        }
        errors.check(raw.database.connections > 0, "database.connections must be at least 1");
        errors.check(raw.database.timeout_seconds > 0, "database.timeout_seconds must be at least 1");
        errors.check(raw.notify.backlog_bytes > 0, "notify.backlog_bytes must be at least 1");
        errors.check(raw.query.catch_up_seconds <= 60, "query.catch_up_seconds must be at most 60");
        errors.check((1..=3_650).contains(&raw.query.view_days), "query.view_days must be 1 to 3650");
        errors.check((1..=36_500).contains(&raw.events.keep_days), "events.keep_days must be 1 to 36500");
        errors.check(
            (1..=9).contains(&raw.notify.answer_within_seconds),
            "notify.answer_within_seconds must be 1 to 9: the platform gives up after 10 s, and may not retry",
        );
        // Only to check the URL. For `Purpose::Store`, `open_for` sets the real access later, so this checks for the
        // weakest.
        let access = if purpose == Purpose::Store { Access::Read } else { Access::Write };
        let database = check_url(raw.database_url.expose_secret(), access);
        let database = database.map_err(|error| errors.check(false, &format!("database_url: {}", causes(&error)))).ok();
        let one_writer = database == Some(DatabaseKind::Sqlite) && raw.notify.writers > 1;
        errors.check(!one_writer, "notify.writers: SQLite has one writer; set it to 1, or use Postgres");
        if let Some(exposure) = exposure {
            exposure.check(&raw, errors);
        }
        let certificate = certificate(&raw.tls, files, errors);
        let allowed_addresses = networks("notify.allowed_addresses", &raw.notify.allowed_addresses, errors);
        let zone = TimeZone::from_name(&raw.webex.time_zone);
        errors.check(zone.is_some(), "webex.time_zone must be an IANA name, as in Europe/London");
        let answer_within = Duration::from_secs(raw.notify.answer_within_seconds);
        let limits = dispatch_limits(&raw.send, errors);
        let send = sending(&raw.webex, &raw.send, limits, public_url.map(PublicUrl::into_url), files, errors);
        let needs_no_header = authentication.basic.is_none() && authentication.bearer.is_none();
        errors.check(
            purpose != Purpose::Serve || send.is_none() || needs_no_header || !raw.webex.notify_auth_id.is_empty(),
            "webex.notify_auth_id must be set: notify.basic and notify.bearer require an Authorization \
             header, which the platform sends only for the authorization object with this id",
        );
        let warnings = exposure::warnings(tokens.as_ref(), &authentication);
        let log_filter = LogFilter::new(&raw.log.filter);
        errors.check(log_filter.is_some(), "log.filter is not a valid log filter; write it as in receiptd=debug,warn");
        let format = match raw.log.format.as_str() {
            "auto" => Some(LogFormat::Auto),
            "plain" => Some(LogFormat::Plain),
            "json" => Some(LogFormat::Json),
            _ => None,
        };
        errors.check(format.is_some(), "log.format must be auto, plain or json");
        Some(Self {
            listen: listen?,
            connections: connection_limits(&raw.http, errors),
            certificate,
            proxies: proxies?,
            database_url: raw.database_url,
            database: OpenOptions {
                connections: raw.database.connections,
                timeout: Duration::from_secs(raw.database.timeout_seconds),
                access: if raw.database.migrate { Access::Create } else { Access::Write },
            },
            tokens,
            sessions: session_limits(&raw.sessions, errors),
            authentication,
            allowed_addresses,
            body_limit: raw.notify.body_limit_bytes,
            commit: Limits {
                queue_requests: raw.notify.queue_requests,
                queue_bytes: raw.notify.queue_bytes,
                batch_rows: raw.notify.batch_rows,
                writers: raw.notify.writers,
                backlog_bytes: raw.notify.backlog_bytes,
                patience: answer_within,
            },
            answer_within,
            zone: zone?,
            send,
            retention: periods(&raw.retention, errors),
            deadlines: deadlines(&raw.overdue, errors),
            catch_up: Duration::from_secs(raw.query.catch_up_seconds),
            keep_views: Duration::from_secs(raw.query.view_days.saturating_mul(86_400)),
            keep_events: Duration::from_secs(raw.events.keep_days.saturating_mul(86_400)),
            record_reads: raw.audit.record_reads,
            signing_key: signing_key(&raw.audit.signing_key_file, errors),
            log_filter: log_filter?,
            log_format: format?,
            foreign_variables: Vec::new(),
            warnings,
        })
    }
}
