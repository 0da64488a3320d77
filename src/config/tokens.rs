//! Who may use the API.

use secrecy::{ExposeSecret, SecretString};

use super::{
    errors::ConfigErrors,
    layers::{Files, items},
    raw::Token,
    secret_length::MinimumLength,
};
use crate::secret::{InvalidSecret, ReloadableSecret};

/// What a token admits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Looking things up.
    Read,
    /// Sending.
    Send,
    /// Reading the metrics, which hold no personal data.
    Metrics,
    /// Everything.
    Admin,
}

impl Scope {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "read" => Some(Self::Read),
            "send" => Some(Self::Send),
            "metrics" => Some(Self::Metrics),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }

    /// The word of the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Send => "send",
            Self::Metrics => "metrics",
            Self::Admin => "admin",
        }
    }
}

/// Somebody who may use the API.
#[derive(Clone, Debug)]
pub struct ApiToken {
    /// Who.
    pub name: String,
    /// For what.
    pub scopes: Vec<Scope>,
    /// What they show.
    pub secret: SecretString,
}

impl ApiToken {
    /// Whether the token admits to `scope`.
    pub fn admits(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }
}

/// Everybody who may use the API, as it is at the time.
pub type ApiTokens = ReloadableSecret<Vec<ApiToken>>;

/// Reads the tokens of the settings, in either form. Those that came from a file are renewed from it. `None` if there are
/// none.
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
        match token.ok_or(InvalidSecret(UNFIT)).and_then(|token| long_enough(token, minimum)) {
            Ok(token) => tokens.push(token),
            // By position, since what stands at the place of the name may be a secret.
            Err(unfit) => errors.check(false, &format!("api.tokens: number {} {unfit}", n + 1)),
        }
    }
    match files.get("api.tokens") {
        // A file is meant to name somebody, so an empty one is a fault.
        Some(source) => {
            let token =
                move |text: &str| short(text).ok_or(InvalidSecret(UNFIT)).and_then(|token| long_enough(token, minimum));
            let all = move |text: &str| items(text).map(token).collect();
            let blank = |unfit: InvalidSecret| errors.check(!given.is_empty(), &format!("api.tokens {unfit}"));
            ReloadableSecret::new(source.clone(), all).map_err(blank).ok()
        }
        None => (!tokens.is_empty()).then(|| ReloadableSecret::fixed(tokens)),
    }
}

const UNFIT: &str = "must be name:scopes:secret, with the scopes read, send, metrics, admin";

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
    let whole = !name.is_empty() && !secret.expose_secret().is_empty();
    whole.then(|| ApiToken { name: name.to_owned(), scopes, secret: secret.clone() })
}
