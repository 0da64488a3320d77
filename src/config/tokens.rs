//! The API tokens.

use secrecy::{ExposeSecret, SecretString};

use super::{
    errors::ConfigErrors,
    layers::{Files, items},
    raw::Token,
    secret_length::MinimumLength,
};
use crate::secret::{InvalidSecret, ReloadableSecret};

/// A permission of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Reading messages, stats and other stored data.
    Read,
    /// Reading what receiptd sent: the texts of messages.
    Content,
    /// Sending.
    Send,
    /// Reading the metrics, which hold no personal data.
    Metrics,
    /// Everything.
    Admin,
}

impl Scope {
    pub const ALL: [Self; 5] = [Self::Read, Self::Content, Self::Send, Self::Metrics, Self::Admin];

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "read" => Some(Self::Read),
            "content" => Some(Self::Content),
            "send" => Some(Self::Send),
            "metrics" => Some(Self::Metrics),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }

    /// The word for it in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Content => "content",
            Self::Send => "send",
            Self::Metrics => "metrics",
            Self::Admin => "admin",
        }
    }
}

/// A client of the API.
#[derive(Clone, Debug)]
pub struct ApiToken {
    pub name: String,
    pub scopes: Vec<Scope>,
    pub secret: SecretString,
}

impl ApiToken {
    /// Returns whether the token permits `scope`.
    pub fn admits(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }
}

/// The current API tokens.
pub type ApiTokens = ReloadableSecret<Vec<ApiToken>>;

/// Reads the tokens from the settings, in either form. Tokens from a file are reloaded from it. `None` if there are none.
pub(super) fn tokens(
    given: &[Token],
    minimum: MinimumLength,
    files: &Files,
    errors: &mut ConfigErrors,
) -> Option<ApiTokens> {
    let mut tokens = Vec::new();
    for (n, token) in given.iter().enumerate() {
        let token = match token {
            Token::Long { name, scopes, secret } => token_of(name, scopes.iter().map(String::as_str), secret),
            Token::Short(text) => short(text.expose_secret()),
        };
        match token.ok_or(InvalidSecret(MALFORMED)).and_then(|token| long_enough(token, minimum)) {
            Ok(token) => tokens.push(token),
            // The error names the token by its position, since the text before the first colon may be a secret.
            Err(error) => errors.check(false, &format!("api.tokens: number {} {error}", n + 1)),
        }
    }
    match files.get("api.tokens") {
        // A file that is set is meant to contain a token, so an empty one is an error.
        Some(source) => {
            let token = move |text: &str| {
                short(text).ok_or(InvalidSecret(MALFORMED)).and_then(|token| long_enough(token, minimum))
            };
            let all = move |text: &str| items(text).map(token).collect();
            let report_blank = |error: InvalidSecret| errors.check(!given.is_empty(), &format!("api.tokens {error}"));
            ReloadableSecret::new(source.clone(), all).map_err(report_blank).ok()
        }
        None => (!tokens.is_empty()).then(|| ReloadableSecret::fixed(tokens)),
    }
}

const MALFORMED: &str = "must be name:scopes:secret, with the scopes read, send, metrics, admin";

fn long_enough(token: ApiToken, minimum: MinimumLength) -> Result<ApiToken, InvalidSecret> {
    minimum.check(&token.secret).map(|()| token)
}

fn short(text: &str) -> Option<ApiToken> {
    let mut parts = text.splitn(3, ':');
    let (name, scopes, secret) = (parts.next()?, parts.next()?, parts.next()?);
    token_of(name, scopes.split('+'), &secret.into())
}

fn token_of<'a>(name: &str, scopes: impl Iterator<Item = &'a str>, secret: &SecretString) -> Option<ApiToken> {
    let scopes = scopes.map(Scope::from_word).collect::<Option<_>>()?;
    let is_complete = !name.is_empty() && !secret.expose_secret().is_empty();
    is_complete.then(|| ApiToken { name: name.to_owned(), scopes, secret: secret.clone() })
}
