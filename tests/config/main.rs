//! The settings: their sources, and the errors in them, which name the reason and reveal no secret.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod authentication;
mod credentials;
mod dispatch_limits;
mod exposure;
mod layers;
mod networks;
mod secrets;
mod tls;
mod tokens;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use credentials::{SERVICE, shown};
use receiptd::{
    config::{self, ConfigError, DEFAULTS, Flags, Settings},
    domain::Channel,
};
use secrecy::ExposeSecret;
use tempfile::NamedTempFile;
use toml::{Table, Value};

/// The settings of a platform to send to.
const PLATFORM: [(&str, &str); 3] = [
    ("RECEIPTD_WEBEX__BASE_URL", "https://api.example.com"),
    ("RECEIPTD_WEBEX__SERVICE_KEY", "k3y-s3cret"),
    ("RECEIPTD_PUBLIC_URL", "http://127.0.0.1:8080/notify"),
];

fn load(flags: &Flags, environment: &[(&str, &str)], file: &str) -> Result<Settings, ConfigError> {
    let path = NamedTempFile::new().unwrap().into_temp_path();
    fs::write(&path, file).unwrap();
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    config::load(flags, environment, Some(path.to_path_buf()))
}

fn from_environment(environment: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    load(&Flags::default(), environment, "")
}

fn from_file(file: &str) -> Result<Settings, ConfigError> {
    load(&Flags::default(), &[], file)
}

/// Checks that there are exactly these errors in this order. Each must contain one of `words`.
#[track_caller]
fn refuses(result: Result<Settings, ConfigError>, words: &[&str]) {
    let ConfigError(faults) = result.unwrap_err();
    assert_eq!(faults.len(), words.len(), "{faults:#?}");
    for (fault, words) in faults.iter().zip(words) {
        assert!(fault.contains(words), "{words:?} is not in {fault:?}");
    }
}

#[test]
fn the_defaults_alone_are_enough() {
    let settings = from_environment(&[]).unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.database_url.expose_secret(), "sqlite://receiptd.db");
    assert!(settings.tokens.is_none() && settings.authentication.is_open() && settings.send.is_none());
    assert_eq!(settings.deadlines.by_channel[&Channel::Voice], Duration::from_hours(1));
    // Variables of other programs are ignored.
    assert!(from_environment(&[("PATH", "/bin"), ("RECEIPT_LISTEN", "x"), ("receiptd_listen", "x")]).is_ok());
}

#[test]
fn flags_override_the_environment_the_file_and_the_defaults() {
    let file =
        "listen = '127.0.0.1:1'\ndatabase_url = 'sqlite://file.db'\n[notify]\nqueue_requests = 1\nbatch_rows = 1";
    let environment = [("RECEIPTD_LISTEN", "127.0.0.1:2"), ("RECEIPTD_NOTIFY__QUEUE_REQUESTS", "2")];
    let flags = Flags { listen: Some("127.0.0.1:3".to_owned()), ..Flags::default() };
    let settings = load(&flags, &environment, file).unwrap();
    assert_eq!(settings.listen.port(), 3);
    assert_eq!((settings.commit.queue_requests, settings.commit.batch_rows), (2, 1));
    assert_eq!(settings.database_url.expose_secret(), "sqlite://file.db");
    assert_eq!(settings.body_limit, 1024 * 1024);
    assert_eq!(load(&Flags::default(), &environment, file).unwrap().listen.port(), 2);
    assert_eq!(from_file(file).unwrap().listen.port(), 1);
    let flags = Flags {
        database_url: Some("sqlite://flag.db".to_owned()),
        public_url: Some("https://status.example.com/notify".to_owned()),
        insecure: true,
        listen: Some("0.0.0.0:8080".to_owned()),
    };
    let settings = load(&flags, &PLATFORM[..2], file).unwrap();
    assert_eq!(settings.database_url.expose_secret(), "sqlite://flag.db");
    assert_eq!(settings.send.unwrap().tenant.tracking.notify_url.as_str(), "https://status.example.com/notify");
}

/// The file of a key that signs the hash chain.
static SIGNING_KEY: LazyLock<String> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("signing-key.pem");
    fs::write(&file, receiptd::audit::SigningKey::create().unwrap()).unwrap();
    file.to_str().unwrap().to_owned()
});

/// A value other than the default for a key, and the settings that it needs.
fn sample(key: &str) -> (&'static str, &'static [(&'static str, &'static str)]) {
    match key {
        "listen" => ("127.0.0.1:1234", &[]),
        "database_url" => ("postgres://elsewhere/db", &[]),
        "database.migrate" => ("false", &[]),
        "public_url" => ("http://127.0.0.1:9090/notify", &PLATFORM),
        "public_url_rewritten" => ("true", &[("RECEIPTD_PUBLIC_URL", "http://127.0.0.1:8080/elsewhere")]),
        "insecure" => ("true", &[("RECEIPTD_LISTEN", "0.0.0.0:8080")]),
        "trusted_proxies" => ("192.0.2.0/24, ::1", &[("RECEIPTD_INSECURE", "true")]),
        "notify.allowed_addresses" => ("192.0.2.0/24, ::1", &[]),
        "proxy_header" => ("forwarded", &[]),
        "tls.certificate" => (tls::SAMPLE[0].1, &tls::SAMPLE[1..]),
        "tls.key" => (tls::SAMPLE[1].1, &tls::SAMPLE[..1]),
        "api.tokens" => ("ops:admin:s3cret", &[]),
        "notify.path_token" => ("t0ken", &[]),
        "notify.hub_secrets" => ("old-secret, new-secret", &[]),
        "notify.basic" => ("user:password", &[]),
        "notify.bearer" => ("b34rer", &[]),
        "notify.writers" => ("4", &[("RECEIPTD_DATABASE_URL", "postgres://elsewhere/db")]),
        "notify.answer_within_seconds" => ("3", &[]),
        "query.catch_up_seconds" | "query.view_days" => ("7", &[]),
        "webex.region" => ("eu", &[PLATFORM[1], PLATFORM[2]]),
        "webex.base_url" => ("https://api.example.org", &PLATFORM),
        "webex.service_key" => ("another", &PLATFORM),
        "webex.service_id" => ("service-1", &[PLATFORM[0], PLATFORM[2], SERVICE[1]]),
        "webex.service_secret" => ("bjN3", &[PLATFORM[0], PLATFORM[2], SERVICE[0], SERVICE[1]]),
        "webex.notify_auth_id" => ("TN0EXMPL7A", &PLATFORM),
        "webex.plus_sign" => ("true", &PLATFORM),
        "webex.time_zone" => ("Europe/London", &[]),
        "send.sms_api" => ("v1", &PLATFORM),
        "send.on_unknown_outcome" => ("resend", &PLATFORM),
        "audit.record_reads" => ("true", &[]),
        "audit.signing_key_file" => (SIGNING_KEY.as_str(), &[]),
        "log.filter" => ("trace", &[]),
        "log.format" => ("json", &[]),
        key => match key.split('.').next() {
            Some("send") => ("7", &PLATFORM),
            Some("overdue" | "notify" | "http" | "database" | "events" | "retention" | "sessions") => ("77", &[]),
            _ => panic!("give {key} a sample"),
        },
    }
}

/// The effective settings, with the secrets that `Debug` does not show.
fn whole(mut settings: Settings) -> String {
    let mut deadlines: Vec<_> = settings.deadlines.by_channel.drain().collect();
    deadlines.sort_unstable_by_key(|(channel, _)| channel.to_string());
    let shown = settings.send.as_ref().map(|send| shown(&send.credentials));
    format!("{settings:?} {deadlines:?} {} {shown:?}", settings.database_url.expose_secret())
}

#[test]
fn every_setting_can_be_set_by_a_variable_and_a_secret_file() {
    let defaults: Table = DEFAULTS.parse().unwrap();
    let keys = defaults.iter().flat_map(|(name, value)| match value {
        // A section within it is keyed by channels, and has no defaults.
        Value::Table(section) => {
            let settings = section.iter().filter(|(_, value)| !value.is_table());
            settings.map(|(key, _)| format!("{name}.{key}")).collect()
        }
        _ => vec![name.clone()],
    });
    for key in keys {
        let variable = match key.as_str() {
            "api.tokens" => "RECEIPTD_API_TOKENS".to_owned(),
            key => format!("RECEIPTD_{}", key.to_uppercase().replace('.', "__")),
        };
        let (value, needed) = sample(&key);
        let with = |last: Option<(&str, &str)>| {
            let before = needed.iter().copied().filter(|(name, _)| *name != variable);
            from_environment(&before.chain(last).collect::<Vec<_>>())
        };
        let changed = whole(with(Some((&variable, value))).unwrap_or_else(|error| panic!("{key}: {error}")));
        let before = needed.iter().find(|(name, _)| *name == variable).copied();
        if let Ok(settings) = with(before) {
            assert_ne!(whole(settings), changed, "{variable} changes nothing");
        }
        // The value read from a file, as is common for secrets.
        let path = NamedTempFile::new().unwrap().into_temp_path();
        fs::write(&path, format!("{value}\r\n")).unwrap();
        let from_file = with(Some((&format!("{variable}_FILE"), path.to_str().unwrap())));
        assert_eq!(whole(from_file.unwrap_or_else(|error| panic!("{key}: {error}"))), changed, "{variable}_FILE");
    }
    let whatsapp = from_environment(&[("RECEIPTD_OVERDUE__WHATSAPP", "60")]).unwrap();
    assert_eq!(whatsapp.deadlines.by_channel[&Channel::Whatsapp], Duration::from_mins(1));
}

#[test]
fn unknown_names_are_refused_with_a_suggestion() {
    for (variable, nearest) in [
        ("RECEIPTD_LISTN", "RECEIPTD_LISTEN"),
        ("RECEIPTD_NOTIFY_PATH_TOKEN", "RECEIPTD_NOTIFY__PATH_TOKEN"),
        ("RECEIPTD_API_TOKEN", "RECEIPTD_API_TOKENS"),
        ("RECEIPTD_WEBEX__SERVICEKEY", "RECEIPTD_WEBEX__SERVICE_KEY"),
        ("RECEIPTD_NOTIFY", "RECEIPTD_"),
        ("RECEIPTD_TOKENS", "RECEIPTD_API_TOKENS"),
        ("RECEIPTD_WEBEX__SERVCE_KEY", "RECEIPTD_WEBEX__SERVICE_KEY"),
        ("RECEIPTD_WEBEX__REGION__X", "RECEIPTD_WEBEX__REGION"),
    ] {
        let ConfigError(faults) = from_environment(&[(variable, "/dev/null")]).unwrap_err();
        assert!(faults[0].starts_with(&format!("there is no setting {variable}; ")), "{faults:?}");
        assert!(faults[0].contains(nearest), "{faults:?}");
    }
    let file = "lisen = 'x'\n[notify]\npath_tokn = 's3cret'\n[notfy]\nbasic = 's3cret'\n[log.format]\nx = 1";
    let ConfigError(faults) = from_file(file).unwrap_err();
    for words in
        ["lisen in ", "did you mean listen?", "notify.path_tokn in ", "did you mean notify.path_token?", "notfy in "]
    {
        assert!(faults.iter().any(|fault| fault.contains(words)), "{words} is not in {faults:#?}");
    }
    assert!(from_file("zzz = 1").unwrap_err().0[0].ends_with("; see config.default.toml for all settings"));
}

#[test]
fn wrong_types_are_refused() {
    for (variable, value, wanted) in [
        ("RECEIPTD_INSECURE", "yes", "true or false"),
        ("RECEIPTD_NOTIFY__QUEUE_REQUESTS", "many", "a whole number"),
        ("RECEIPTD_DATABASE__CONNECTIONS", "1.5", "a whole number"),
        ("RECEIPTD_OVERDUE__SMS", "1d", "a whole number"),
    ] {
        refuses(from_environment(&[(variable, value)]), &[&format!("{variable} must be {wanted}")]);
    }
    for (file, name) in [
        ("listen = 8080", "listen"),
        ("insecure = 'true'", "insecure"),
        ("notify = 7", "notify"),
        ("[notify]\nqueue_requests = '7'", "notify.queue_requests"),
        ("[notify]\nqueue_requests = -1", "notify.queue_requests"),
        ("[notify]\nhub_secrets = [true]", "notify.hub_secrets"),
        ("[overdue]\nwhatsapp = 'soon'", "overdue.whatsapp"),
        ("[send.channel_rates]\nsms = -1", "send.channel_rates.sms"),
        ("[api]\ntokens = true", "api.tokens"),
        ("[api]\ntokens = [7]", "api.tokens"),
        ("[database]\nconnections = 5000000000", "database.connections in "),
        ("[notify]\nbatch_rows = 9223372036854775807", "a whole number from 0 to 4294967295"),
        ("[send]\nattempts = -1", "a whole number from 0 to 4294967295"),
        ("[[api.tokens]]\nname = 'ops'\nscope = ['admin']\nsecret = 's3cret'", "api.tokens in "),
        ("[[api.tokens]]\nname = 'ops'\nscopes = 'admin'\nsecret = 's3cret'", "the members name, scopes and secret"),
    ] {
        let ConfigError(faults) = from_file(file).unwrap_err();
        assert!(faults.len() == 1 && faults[0].contains(name), "{name} is not in {faults:?}");
    }
    let not_toml = from_file("insecure = false\nlisten = ").unwrap_err().0;
    assert!(not_toml[0].contains(", line 2: this is not TOML: "), "{not_toml:?}");
    for number in ["-1", "5000000000", "1e3", "seven"] {
        let ConfigError(faults) = from_environment(&[("RECEIPTD_DATABASE__CONNECTIONS", number)]).unwrap_err();
        assert_eq!(faults, ["RECEIPTD_DATABASE__CONNECTIONS must be a whole number from 0 to 4294967295"]);
    }
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let missing = config::load(&Flags::default(), [], Some(PathBuf::from("/nowhere/receiptd.toml")));
    refuses(missing, &["/nowhere/receiptd.toml cannot be read: "]);
    let secret = [("RECEIPTD_WEBEX__SERVICE_KEY_FILE", "/nowhere/key")];
    refuses(from_environment(&secret), &["RECEIPTD_WEBEX__SERVICE_KEY_FILE: the file cannot be read: "]);
}

#[test]
fn contradictory_or_unsafe_settings_are_refused_with_the_reason() {
    for (settings, words) in [
        ("LISTEN=8080", "listen must be an address and a port"),
        ("LISTEN=0.0.0.0:80", "so api.tokens must be set|so one of notify.path_token, notify.hub_secrets"),
        ("LISTEN=[::]:80&API_TOKENS=ops:admin:0123456789abcdef", "so one of notify.path_token, notify.hub_secrets"),
        ("LISTEN=192.0.2.1:80&NOTIFY__BEARER=0123456789abcdef", "so api.tokens must be set (or --insecure given)"),
        (
            "NOTIFY__BASIC=ab&NOTIFY__WRITERS=2",
            "notify.basic must be user:password|notify.writers: SQLite has one writer",
        ),
        ("NOTIFY__ANSWER_WITHIN_SECONDS=0", "notify.answer_within_seconds must be 1 to 9"),
        ("NOTIFY__ANSWER_WITHIN_SECONDS=10", "the platform gives up after 10 s"),
        ("SEND__IN_FLIGHT=0&SEND__ATTEMPTS=0", "send.in_flight must be|send.attempts must be"),
        ("EVENTS__KEEP_DAYS=0&SEND__BATCH=1001", "events.keep_days must be 1 to 36500|send.batch must be 1 to 1000"),
        ("SEND__ON_UNKNOWN_OUTCOME=retry", "send.on_unknown_outcome must be hold or resend"),
        ("SEND__CHANNEL_RATES__PIGEON=1", "send.channel_rates.pigeon: there is no such channel"),
        ("SEND__CHANNEL_RATES__SMS=fast", "RECEIPTD_SEND__CHANNEL_RATES__SMS must be a whole number"),
        ("SEND__CHANNEL_RATES=1", "there is no setting RECEIPTD_SEND__CHANNEL_RATES"),
        ("WEBEX__TIME_ZONE=Narnia", "webex.time_zone must be an IANA name"),
        ("WEBEX__REGION=mars&WEBEX__SERVICE_KEY=x", "webex.region must be one of ca, eu, uk, us"),
        ("WEBEX__REGION=eu", "webex.service_key must be set if|public_url must be set: the platform posts"),
        ("WEBEX__BASE_URL=eu&WEBEX__SERVICE_KEY=x", "webex.base_url must be a URL"),
        ("WEBEX__BASE_URL=http://api.example.com&WEBEX__SERVICE_KEY=x", "webex.base_url must begin with https://"),
        ("WEBEX__BASE_URL=ftp://127.0.0.1&WEBEX__SERVICE_KEY=x", "webex.base_url must begin with https://"),
        ("WEBEX__BASE_URL=https://a/webex&WEBEX__SERVICE_KEY=x", "webex.base_url must be only a host"),
        ("WEBEX__BASE_URL=https://a/?x&WEBEX__SERVICE_KEY=x", "webex.base_url must be only a host"),
        ("WEBEX__BASE_URL=https://u:p@a&WEBEX__SERVICE_KEY=x", "webex.base_url must be only a host"),
        (
            "WEBEX__REGION=eu&WEBEX__BASE_URL=https://a&WEBEX__SERVICE_KEY=x&PUBLIC_URL=http://127.0.0.1/notify",
            "exclude each other",
        ),
        ("LOG__FILTER=receiptd==bad[", "log.filter is not a valid log filter"),
        ("DATABASE_URL=mysql://x", "database_url: the database URL must begin with sqlite:// or postgres://"),
        ("DATABASE_URL=/tmp/x.db", "database_url: the database URL must begin with sqlite:// or postgres://"),
        ("DATABASE_URL=sqlite://", "database_url: the database URL names no file"),
        ("DATABASE_URL=postgres://h/db?channel_binding=require", "channel_binding of the database URL asks for"),
        ("PUBLIC_URL=status.example.com", "public_url is not a well-formed URL"),
        ("PUBLIC_URL=http://status.example.com/notify", "public_url must begin with https://"),
        ("PUBLIC_URL= https://status.example.com/notify", "public_url has a blank before or after it"),
        ("LOG__FORMAT=xml&OVERDUE__PIGEON=60", "log.format must be auto|overdue.pigeon: there is no such channel"),
        ("NOTIFY__BEARER=abcd&NOTIFY__BEARER_FILE=/x", "and RECEIPTD_NOTIFY__BEARER_FILE exclude each other"),
    ] {
        let pairs = settings.split('&').map(|pair| pair.split_once('=').unwrap());
        let pairs: Vec<_> = pairs.map(|(name, value)| (format!("RECEIPTD_{name}"), value)).collect();
        let environment: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        refuses(from_environment(&environment), &words.split('|').collect::<Vec<_>>());
    }
    for key in [
        "notify.body_limit_bytes",
        "notify.queue_requests",
        "notify.queue_bytes",
        "notify.batch_rows",
        "notify.writers",
    ]
    .into_iter()
    .chain(["database.connections", "database.timeout_seconds", "send.timeout_seconds", "send.attempts"])
    {
        refuses(from_file(&format!("{key} = 0")), &[&format!("{key} must be at least 1")]);
    }
    // With authentication, or on a local address, the server may be open.
    let open = "listen = '0.0.0.0:80'\napi.tokens = ['ops:admin:0123456789abcdef']\nnotify.bearer = '0123456789abcdef'";
    assert!(from_file(open).is_ok() && from_file("listen = '[::1]:80'").is_ok());
}
