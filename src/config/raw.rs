//! The merged table as types of the file format.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) listen: String,
    pub(super) database_url: SecretString,
    pub(super) public_url: String,
    pub(super) public_url_rewritten: bool,
    pub(super) insecure: bool,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) proxy_header: String,
    pub(super) http: Http,
    pub(super) tls: Tls,
    pub(super) api: Api,
    pub(super) sessions: Sessions,
    pub(super) notify: Notify,
    pub(super) database: Database,
    pub(super) webex: Webex,
    pub(super) send: Send,
    pub(super) overdue: BTreeMap<String, u64>,
    pub(super) query: Query,
    pub(super) events: Events,
    pub(super) retention: Retention,
    pub(super) audit: Audit,
    pub(super) log: Log,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Http {
    pub(super) keep_alive_seconds: u64,
    pub(super) write_timeout_seconds: u64,
    pub(super) connections_per_address: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) certificate: SecretString,
    pub(super) key: SecretString,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Api {
    pub(super) tokens: Vec<Token>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sessions {
    pub(super) idle_minutes: u64,
    pub(super) longest_hours: u64,
}

/// A token in either form.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Token {
    Short(SecretString),
    Long { name: String, scopes: Vec<String>, secret: SecretString },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Notify {
    pub(super) path_token: Vec<SecretString>,
    pub(super) hub_secrets: Vec<SecretString>,
    pub(super) basic: Vec<SecretString>,
    pub(super) bearer: Vec<SecretString>,
    pub(super) allowed_addresses: Vec<String>,
    pub(super) body_limit_bytes: usize,
    pub(super) queue_requests: usize,
    pub(super) queue_bytes: usize,
    pub(super) batch_rows: usize,
    pub(super) writers: usize,
    pub(super) backlog_bytes: u64,
    pub(super) answer_within_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Database {
    pub(super) connections: u32,
    pub(super) timeout_seconds: u64,
    pub(super) migrate: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Webex {
    pub(super) region: String,
    pub(super) base_url: String,
    pub(super) service_key: SecretString,
    pub(super) service_id: SecretString,
    pub(super) service_secret: SecretString,
    pub(super) notify_auth_id: String,
    pub(super) time_zone: String,
    pub(super) plus_sign: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Send {
    pub(super) sms_api: String,
    pub(super) in_flight: usize,
    pub(super) batch: usize,
    pub(super) rate_per_second: u32,
    pub(super) channel_rates: BTreeMap<String, u32>,
    pub(super) timeout_seconds: u64,
    pub(super) attempts: i64,
    pub(super) on_unknown_outcome: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    pub(super) catch_up_seconds: u64,
    pub(super) view_days: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Events {
    pub(super) keep_days: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names are those of the settings, and say the unit")]
pub(super) struct Retention {
    pub(super) bodies_days: u32,
    pub(super) notifications_days: u32,
    pub(super) messages_days: u32,
    pub(super) inbound_days: u32,
    pub(super) quarantine_days: u32,
    pub(super) audit_log_days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Audit {
    pub(super) record_reads: bool,
    pub(super) signing_key_file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) filter: String,
    pub(super) format: String,
}
