//! The database that a URL names. Each database reads its own URLs.

#[cfg(not(prepare_only = "sqlite"))]
use crate::postgres::{self, Server};
#[cfg(not(prepare_only = "postgres"))]
use crate::sqlite::Location;
use crate::{Access, OpenError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    Sqlite,
    Postgres,
}

/// The database that a URL names, or the error in it for `access`. Does not connect.
pub fn check_url(url: &str, access: Access) -> Result<DatabaseKind, OpenError> {
    match url.split_once(':') {
        #[cfg(not(prepare_only = "postgres"))]
        Some(("sqlite", _)) => Location::of(url, access).map(|_| DatabaseKind::Sqlite),
        #[cfg(not(prepare_only = "sqlite"))]
        Some(("postgres" | "postgresql", _)) => {
            postgres::check_url(url)?;
            Ok(DatabaseKind::Postgres)
        }
        _ => Err(OpenError::Scheme),
    }
}

/// The names of parameters of a URL that are ignored.
pub fn ignored_parameters(url: &str) -> Vec<String> {
    match url.split_once(':') {
        #[cfg(not(prepare_only = "sqlite"))]
        Some(("postgres" | "postgresql", _)) => Server::named_by(url).map(|server| server.ignored).unwrap_or_default(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        check_url(url, Access::Read).unwrap_err().to_string()
    }

    #[test]
    fn both_databases_are_recognized_and_others_are_refused() {
        for url in ["sqlite://receiptd.db", "sqlite:receiptd.db", "sqlite:///var/lib/receiptd.db?mode=rwc"] {
            assert_eq!(check_url(url, Access::Read).unwrap(), DatabaseKind::Sqlite, "{url}");
        }
        for url in
            ["postgres://u@h/db", "postgresql://h", "postgres:///db?host=/run/postgresql", "postgres://u@[::1]/db"]
        {
            assert_eq!(check_url(url, Access::Read).unwrap(), DatabaseKind::Postgres, "{url}");
        }
        for url in ["mysql://x", "/tmp/x.db", "receiptd.db", "", "SQLITE://x", "file:x.db"] {
            assert!(refused(url).contains("must begin with sqlite:// or postgres://"), "{url}");
        }
        for url in
            ["sqlite:", "sqlite://", "sqlite://?mode=rwc", "sqlite://  ", "sqlite: \t", "sqlite://\u{A0}?mode=rw"]
        {
            assert!(refused(url).contains("names no file"), "{url}");
        }
        for url in
            ["sqlite://x.db#frag", "sqlite://x#y?mode=rwc", "sqlite://x.db ", "sqlite:// x.db", "sqlite://x\ny.db"]
        {
            assert!(refused(url).contains("%23 for #"), "{url}");
        }
        for url in ["sqlite://x.db%23frag", "sqlite://a b.db", "sqlite://%20"] {
            assert_eq!(check_url(url, Access::Write).unwrap(), DatabaseKind::Sqlite, "{url}");
        }
        for url in ["sqlite::memory:", "sqlite://x?mode=memory"] {
            assert!(refused(url).contains("in memory would lose"), "{url}");
        }
    }

    #[test]
    fn ignored_parameters_are_named() {
        assert_eq!(ignored_parameters("postgres://h/db?connect_timeout=S3CRET&sslmode=require"), ["connect_timeout"]);
        assert_eq!(ignored_parameters("sqlite://receiptd.db"), [""; 0]);
    }
}
