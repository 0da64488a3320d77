//! Errors in the URL of a database.

/// An error in a database URL, without the URL, which may contain a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It names no file.
    #[error("the database URL names no file; write sqlite://receiptd.db, or sqlite:///var/lib/receiptd/receiptd.db")]
    NoPath,
    /// It names a file that was probably not meant.
    #[error(
        "the database URL has a # or a control character, or a blank at either end of the path; if the name of the file has \
         them, write %23 for # and %20 for a blank"
    )]
    OddPath,
    /// It is not a URL of Postgres.
    #[error("the database URL is not well-formed; write postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Malformed,
    /// Its parts are probably not where the user put them.
    #[error(
        "the database URL has an @ after its host: in a user name or a password write %2F for /, %3F for ?, %23 for # and \
         %40 for @"
    )]
    Unescaped,
    /// A parameter asks for a safety feature that is not supported.
    #[error("{0} asks for a protection that receiptd does not support, and would be ignored; remove it")]
    Unmet(String),
    /// A parameter has an unknown value.
    #[error("{0} has an unknown value")]
    Value(String),
}
