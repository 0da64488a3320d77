//! The URL of a server, and the parameters in it.
//!
//! The database library logs unknown parameters with their values, and then ignores them. A value may be a part of a
//! password, and a parameter may ask for safety. So parameters are checked here, before the library sees the URL.

use url::{Host, Url};

use crate::UrlError;

/// Parameters that the database library supports.
const KNOWN: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Parameters of libpq that ask for safety or for another server, and that are not supported: the name, its environment
/// variable, and the values that ask for nothing.
const UNMET: [(&str, &str, &[&str]); 13] = [
    ("channel_binding", "PGCHANNELBINDING", &["disable", "prefer"]),
    ("target_session_attrs", "PGTARGETSESSIONATTRS", &["any"]),
    ("require_auth", "PGREQUIREAUTH", &[]),
    ("gssencmode", "PGGSSENCMODE", &["disable", "prefer"]),
    ("sslcrl", "PGSSLCRL", &[]),
    ("sslcrldir", "PGSSLCRLDIR", &[]),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", &["TLSv1", "TLSv1.1", "TLSv1.2"]),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", &["TLSv1.3"]),
    ("sslcertmode", "PGSSLCERTMODE", &["disable", "allow"]),
    ("sslnegotiation", "PGSSLNEGOTIATION", &["postgres"]),
    ("requirepeer", "PGREQUIREPEER", &[]),
    ("requiressl", "PGREQUIRESSL", &["0"]),
    ("service", "PGSERVICE", &[]),
];

const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Ignored without harm, though their names look like safety parameters.
const HARMLESS: [&str; 3] = ["sslcompression", "sslsni", "sslpassword"];

/// Refuses a URL or an environment that asks for what is not supported. Does not connect.
pub(crate) fn check(url: &str) -> Result<(), UrlError> {
    Server::named_by(url)?;
    check_environment(|name| std::env::var(name).ok())
}

/// What is passed to the database library.
pub(crate) struct Server {
    /// The URL with the parameters that the library supports, and no others.
    pub(crate) url: String,
    /// The names of the other parameters.
    pub(crate) ignored: Vec<String>,
}

impl Server {
    /// Reads the URL of a Postgres server.
    pub(crate) fn named_by(text: &str) -> Result<Self, UrlError> {
        // The library would read a part of the password as the path, as parameters, or as a fragment.
        let (_, rest) = text.split_once("://").ok_or(UrlError::Malformed)?;
        if rest.find(['/', '?', '#']).is_some_and(|end| rest[end..].contains('@')) {
            return Err(UrlError::Unescaped);
        }
        let mut url = Url::parse(text).map_err(|_| UrlError::Malformed)?;
        if url.fragment().is_some() {
            return Err(UrlError::Malformed);
        }
        let (mut kept, mut ignored) = (Vec::new(), Vec::new());
        for (name, value) in url.query_pairs() {
            match Parameter::of(&name, &value)? {
                Parameter::Known => kept.push((name.into_owned(), value.into_owned())),
                Parameter::AsAlways => {}
                Parameter::Unknown(name) => ignored.push(name),
            }
        }
        // The library does not accept an address in brackets.
        let is_host = |(name, _): &(String, String)| matches!(name.as_str(), "host" | "hostaddr");
        if let Some(Host::Ipv6(address)) = url.host()
            && !kept.iter().any(is_host)
        {
            kept.push(("hostaddr".to_owned(), address.to_string()));
        }
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
        Ok(Self { url: url.into(), ignored })
    }
}

enum Parameter {
    Known,
    /// It asks for what receiptd always does.
    AsAlways,
    Unknown(String),
}

impl Parameter {
    fn of(name: &str, value: &str) -> Result<Self, UrlError> {
        let is_number = |most: u64| value.parse::<u64>().is_ok_and(|number| number <= most);
        let is_good = match name {
            "sslmode" | "ssl-mode" => SSL_MODES.contains(&value),
            "port" => is_number(u16::MAX.into()),
            "statement-cache-capacity" => is_number(u32::MAX.into()),
            "hostaddr" => value.parse::<std::net::IpAddr>().is_ok(),
            _ => true,
        };
        if KNOWN.contains(&name) || (name.starts_with("options[") && name.ends_with(']')) {
            return if is_good { Ok(Self::Known) } else { Err(UrlError::Value(in_url(name))) };
        }
        if let Some((_, _, harmless)) = UNMET.iter().find(|(known, ..)| *known == name) {
            let is_met = value.is_empty() || harmless.contains(&value);
            return if is_met { Ok(Self::AsAlways) } else { Err(UrlError::Unmet(in_url(name))) };
        }
        // A misspelled parameter may be one that asks for safety.
        let lower = name.to_lowercase().replace(['-', '_'], "");
        let is_about_safety = ["ssl", "tls", "gss", "channelbinding", "require", "targetsession"];
        if is_about_safety.iter().any(|word| lower.starts_with(word)) && !HARMLESS.contains(&name) {
            return Err(UrlError::Unmet(in_url(name)));
        }
        Ok(Self::Unknown(shown(name)))
    }
}

fn in_url(name: &str) -> String {
    format!("the parameter {} of the database URL", shown(name))
}

/// A name in a form that can be logged. A text that does not look like a name is not shown.
fn shown(name: &str) -> String {
    let is_name = name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if is_name { name.to_owned() } else { "(not a name)".to_owned() }
}

/// The library reads libpq's environment variables too, as far as it supports them.
fn check_environment(variable: impl Fn(&str) -> Option<String>) -> Result<(), UrlError> {
    for (_, name, harmless) in UNMET {
        if variable(name).is_some_and(|value| !value.is_empty() && !harmless.contains(&value.as_str())) {
            return Err(UrlError::Unmet(format!("the variable {name}")));
        }
    }
    // If the value is not readable, the library would ignore the variable.
    match variable("PGSSLMODE").filter(|value| !value.is_empty()) {
        Some(value) if !SSL_MODES.contains(&value.as_str()) => {
            Err(UrlError::Value("the variable PGSSLMODE".to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        check(url).unwrap_err().to_string()
    }

    #[test]
    fn an_unescaped_password_is_not_taken_for_a_host() {
        for url in [
            "postgres://app:1234?S3CRET=x@h/db",
            "postgres://app:12#S3CRET@h/db",
            "postgres://app:12/S3CRET@h/db",
            "postgres://app:S3CRET?@h/db?sslmode=require",
            "postgres://h/db?user=a@b",
        ] {
            let refused = refused(url);
            assert!(refused.contains("%3F for ?") && !refused.contains("S3CRET"), "{url}: {refused}");
        }
        assert!(check("postgres://app:S3CRET@p@h/db").is_ok());
        for url in ["postgres:h/db", "postgres://h:port/db", "postgres://h/db#x"] {
            assert!(refused(url).contains("not well-formed"), "{url}");
        }
    }

    #[test]
    fn unsupported_safety_parameters_are_refused() {
        for parameter in [
            "channel_binding=require",
            "target_session_attrs=read-write",
            "require_auth=scram-sha-256",
            "gssencmode=require",
            "sslcrl=S3CRET",
            "ssl_min_protocol_version=TLSv1.3",
            "requirepeer=postgres",
            "requiressl=1",
            "service=S3CRET",
            "SSLMODE=verify-full",
            "sslMode=S3CRET",
            "ssl_mode=verify-full",
            "tls=S3CRET",
            "sslmode=S3CRET",
            "port=S3CRET",
            "hostaddr=S3CRET",
        ] {
            let (name, refused) =
                (parameter.split('=').next().unwrap(), refused(&format!("postgres://h/db?{parameter}")));
            assert!(refused.contains(name) && !refused.contains("S3CRET"), "{parameter}: {refused}");
        }
        for parameter in ["channel_binding=prefer", "target_session_attrs=any", "ssl_min_protocol_version=TLSv1.2"] {
            let server = Server::named_by(&format!("postgres://h/db?{parameter}")).unwrap();
            assert_eq!((server.url.as_str(), server.ignored.len()), ("postgres://h/db", 0), "{parameter}");
        }
        let with = |name: &'static str, value: &'static str| {
            check_environment(move |variable| (variable == name).then(|| value.to_owned()))
        };
        for (name, value) in [("PGCHANNELBINDING", "require"), ("PGSSLMODE", "verify_full"), ("PGREQUIREAUTH", "md5")] {
            assert!(with(name, value).unwrap_err().to_string().contains(name), "{name}");
        }
        for (name, value) in [("PGCHANNELBINDING", "prefer"), ("PGSSLMODE", "verify-full"), ("PGSSLMODE", "")] {
            assert_eq!(with(name, value), Ok(()), "{name}={value}");
        }
    }

    #[test]
    fn unknown_parameters_are_removed_and_reported_without_their_values() {
        let url = "postgres://u:p%40ss@h:5/db?connect_timeout=S3CRET&sslmode=require&a%20b=S3CRET&options[x]=y%20z";
        let server = Server::named_by(url).unwrap();
        assert_eq!(server.ignored, ["connect_timeout", "(not a name)"]);
        assert_eq!(server.url, "postgres://u:p%40ss@h:5/db?sslmode=require&options%5Bx%5D=y+z");
    }

    #[test]
    fn an_ipv6_address_is_passed_without_its_brackets() {
        let of = |url: &str| Server::named_by(url).unwrap().url;
        assert_eq!(of("postgres://u@[::1]/db"), "postgres://u@[::1]/db?hostaddr=%3A%3A1");
        assert_eq!(of("postgres://u@[::1]/db?host=h"), "postgres://u@[::1]/db?host=h");
    }
}
