//! The sources of settings: empty texts, byte order marks, variables of other programs, and the settings that a command
//! needs.

use std::fs;

use receiptd::config::{self, ConfigError, Flags, Purpose, Setting, Settings};
use secrecy::ExposeSecret;
use tempfile::NamedTempFile;

use super::{PLATFORM, credentials::shown, from_environment, from_file, load, refuses};

fn loaded(purpose: Purpose, environment: &[(&str, &str)], file: &str) -> Result<(Settings, Vec<Setting>), ConfigError> {
    let path = NamedTempFile::new().unwrap().into_temp_path();
    fs::write(&path, file).unwrap();
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    config::load_for(purpose, &Flags::default(), environment, Some(path.to_path_buf()))
}

/// For every type of setting.
#[test]
fn an_empty_text_means_that_a_setting_is_not_set() {
    let (_, all) = loaded(Purpose::Serve, &[], "").unwrap();
    for Setting { name, .. } in &all {
        let variable = format!("RECEIPTD_{}", name.to_uppercase().replace('.', "__"));
        let expected = format!("{:?}", from_environment(&[]).unwrap().pace_and_more());
        for variable in [variable.clone(), format!("{variable}_FILE")] {
            let settings = from_environment(&[(&variable, "")]).unwrap_or_else(|error| panic!("{variable}: {error}"));
            assert_eq!(format!("{:?}", settings.pace_and_more()), expected, "{variable}");
        }
        let settings = from_file(&format!("{name} = ''")).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(format!("{:?}", settings.pace_and_more()), expected, "{name}");
    }
}

/// The settings whose source is compared.
trait Ordered {
    fn pace_and_more(self) -> Settings;
}

impl Ordered for Settings {
    fn pace_and_more(mut self) -> Settings {
        self.deadlines.by_channel.clear();
        self
    }
}

#[test]
fn an_empty_source_falls_back_to_the_next_one() {
    let file = "listen = '127.0.0.1:1'\npublic_url = 'http://127.0.0.1/notify'\nnotify.queue_requests = 7";
    let environment = [
        ("RECEIPTD_LISTEN", ""),
        ("RECEIPTD_NOTIFY__QUEUE_REQUESTS", ""),
        ("RECEIPTD_NOTIFY__QUEUE_REQUESTS_FILE", ""),
    ];
    let flags = Flags { listen: Some(String::new()), database_url: Some(String::new()), ..Flags::default() };
    let settings = load(&flags, &environment, file).unwrap();
    assert_eq!((settings.listen.port(), settings.commit.queue_requests), (1, 7));
    assert_eq!(settings.database_url.expose_secret(), "sqlite://receiptd.db");
    // One of two names may be empty.
    let environment = [("RECEIPTD_NOTIFY__BEARER", "b34rer"), ("RECEIPTD_NOTIFY__BEARER_FILE", "")];
    assert!(from_environment(&environment).unwrap().authentication.bearer.is_some());
}

/// Otherwise an empty list of secrets would disable authentication.
#[test]
fn a_list_of_only_blanks_is_refused() {
    for blank in [" ", ",", "\n", " , "] {
        refuses(from_environment(&[("RECEIPTD_NOTIFY__PATH_TOKEN", blank)]), &["RECEIPTD_NOTIFY__PATH_TOKEN is blank"]);
        refuses(from_environment(&[("RECEIPTD_API_TOKENS", blank)]), &["RECEIPTD_API_TOKENS is blank"]);
    }
}

#[test]
fn a_byte_order_mark_does_not_belong_to_a_value() {
    let path = NamedTempFile::new().unwrap().into_temp_path();
    let settings = |setting: (&str, &str)| from_environment(&[PLATFORM[0], PLATFORM[2], setting]).unwrap();
    fs::write(&path, "\u{FEFF}k3y-s3cret\r\n").unwrap();
    for setting in [
        ("RECEIPTD_WEBEX__SERVICE_KEY_FILE", path.to_str().unwrap()),
        ("RECEIPTD_WEBEX__SERVICE_KEY", "\u{FEFF}k3y-s3cret"),
    ] {
        assert_eq!(shown(&settings(setting).send.unwrap().credentials), "key: k3y-s3cret");
    }
    // Two concatenated files have two byte order marks.
    fs::write(&path, "\u{FEFF}first-secret\n\u{FEFF}second-secret\n").unwrap();
    let keys = from_environment(&[("RECEIPTD_NOTIFY__BEARER_FILE", path.to_str().unwrap())]).unwrap();
    let keys = keys.authentication.bearer.unwrap().current();
    assert_eq!(["first-secret", "second-secret"].map(|secret| keys.position(secret)), [Some(0), Some(1)]);
    assert_eq!(from_file("\u{FEFF}listen = '127.0.0.1:9'").unwrap().listen.port(), 9);
    fs::write(&path, b"\xFF\xFEk\0e\0y\0").unwrap();
    refuses(
        from_environment(&[("RECEIPTD_NOTIFY__BEARER_FILE", path.to_str().unwrap())]),
        &["RECEIPTD_NOTIFY__BEARER_FILE: the file cannot be read: it is not UTF-8"],
    );
}

#[test]
fn variables_of_kubernetes_services_are_reported_and_ignored() {
    let links = [
        ("RECEIPTD_PORT", "tcp://10.0.0.1:8080"),
        ("RECEIPTD_SERVICE_HOST", "10.0.0.1"),
        ("RECEIPTD_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("RECEIPTD_DB_PORT", "tcp://10.0.0.2:5432"),
    ];
    let mut named = from_environment(&links).unwrap().foreign_variables;
    named.sort_unstable();
    let mut expected = links.map(|(name, _)| name);
    expected.sort_unstable();
    assert_eq!(named, expected);
    let meant = "there is no setting RECEIPTD_PORT; did you mean RECEIPTD_LISTEN?";
    refuses(from_environment(&[("RECEIPTD_PORT", "8080")]), &[meant]);
    for ours in [("RECEIPTD_WEBEX__SERVICE_HOST", "10.0.0.1"), ("RECEIPTD_WEBEX__SERVICE_PORT", "8080")] {
        refuses(from_environment(&[ours]), &[&format!("there is no setting {}", ours.0)]);
    }
    refuses(from_environment(&[("RECEIPTD_LISTN", "tcp://10.0.0.1:8080")]), &["did you mean RECEIPTD_LISTEN?"]);
}

/// Neither settings that a server would refuse, nor secrets that only the server can read.
#[test]
fn other_commands_do_not_require_settings_of_the_server() {
    let environment = [
        ("RECEIPTD_LISTEN", "0.0.0.0:80"),
        ("RECEIPTD_PUBLIC_URL", "https://hooks.example.com"),
        ("RECEIPTD_WEBEX__REGION", "mars"),
        ("RECEIPTD_WEBEX__SERVICE_KEY_FILE", "/nowhere/key"),
        ("RECEIPTD_API_TOKENS_FILE", "/nowhere/tokens"),
        ("RECEIPTD_NOTIFY__HUB_SECRETS", "x"),
        ("RECEIPTD_TLS__CERTIFICATE", "/nowhere/certificate.pem"),
        ("RECEIPTD_SEND__IN_FLIGHT", "many"),
        ("RECEIPTD_WEBEX__TIME_ZONE", "Europe/London"),
        ("RECEIPTD_OVERDUE__SMS", "77"),
    ];
    assert!(loaded(Purpose::Serve, &environment, "").is_err());
    let (settings, _) = loaded(Purpose::Store, &environment, "send.batch = -1").unwrap();
    assert_eq!(settings.deadlines.by_channel[&receiptd::domain::Channel::Sms].as_secs(), 77);
    assert!(settings.send.is_none() && settings.tokens.is_none());
    // The settings that the command needs must be valid, and misspelled names are reported nevertheless.
    refuses(from_environment(&[("RECEIPTD_OVERDUE__SMS", "soon")]), &["RECEIPTD_OVERDUE__SMS must be a whole number"]);
    assert!(loaded(Purpose::Store, &[("RECEIPTD_WEBEX__SERVCE_KEY", "x")], "").is_err());
    assert!(loaded(Purpose::Store, &[], "webex.servce_key = 'x'").is_err());
}

#[test]
fn sending_from_the_command_line_requires_only_settings_for_sending() {
    let platform = [PLATFORM[0], PLATFORM[1], ("RECEIPTD_PUBLIC_URL", "https://status.example.com/notify/t0ken")];
    let server = [("RECEIPTD_LISTEN", "0.0.0.0:80"), ("RECEIPTD_NOTIFY__PATH_TOKEN_FILE", "/nowhere/token")];
    let (settings, _) = loaded(Purpose::Send, &[&platform[..], &server].concat(), "").unwrap();
    let notify_url = settings.send.unwrap().tenant.tracking.notify_url;
    assert_eq!(notify_url.as_str(), "https://status.example.com/notify/t0ken");
    let (_, faults) = (loaded(Purpose::Send, &platform, ""), loaded(Purpose::Send, &platform[..1], ""));
    assert!(faults.unwrap_err().0[0].contains("webex.service_key must be set"));
}

#[test]
fn each_setting_is_shown_with_its_origin_and_without_secrets() {
    let secret = NamedTempFile::new().unwrap().into_temp_path();
    fs::write(&secret, "planted-bearer-token").unwrap();
    let environment = [
        ("RECEIPTD_NOTIFY__BEARER_FILE", secret.to_str().unwrap()),
        ("RECEIPTD_API_TOKENS", "ops:admin:planted-api-token"),
        ("RECEIPTD_DATABASE_URL", "postgres://app:planted-password@db.example.com/receiptd?sslmode=require"),
        ("RECEIPTD_OVERDUE__WHATSAPP", "60"),
    ];
    let file = "# ours\n[notify]\n\npath_token = 'planted-path-token'\n[overdue]\nsms = 7\n";
    let (_, all) = loaded(Purpose::Serve, &environment, file).unwrap();
    let of = |name: &str| {
        let setting = all.iter().find(|setting| setting.name == name).unwrap();
        (setting.value.as_str(), setting.origin.to_string())
    };
    assert_eq!(of("listen"), ("127.0.0.1:8080", "default".to_owned()));
    assert_eq!(of("notify.bearer"), ("set", format!("RECEIPTD_NOTIFY__BEARER_FILE ({})", secret.display())));
    assert_eq!(of("api.tokens"), ("set", "RECEIPTD_API_TOKENS".to_owned()));
    assert_eq!(of("webex.service_key"), ("not set", "default".to_owned()));
    assert_eq!(of("database_url").0, "postgres://app:***@db.example.com/receiptd?sslmode=***");
    assert_eq!(of("overdue.whatsapp"), ("60", "RECEIPTD_OVERDUE__WHATSAPP".to_owned()));
    let (value, origin) = of("notify.path_token");
    assert!(value == "set" && origin.ends_with(", line 4"), "{origin}");
    assert!(of("overdue.sms").1.ends_with(", line 6"), "{:?}", of("overdue.sms"));
    assert!(!format!("{all:?}").contains("planted"), "{all:?}");
}
