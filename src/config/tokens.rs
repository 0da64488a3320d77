//! Who may use the API.

use secrecy::{ExposeSecret, SecretString};

use super::{raw::Token, settings::Faults};

/// What a token admits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Looking things up.
    Read,
    /// Sending.
    Send,
    /// Everything.
    Admin,
}

impl Scope {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "read" => Some(Self::Read),
            "send" => Some(Self::Send),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }

    /// The word of the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Send => "send",
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

/// Reads the tokens of the settings, in either form.
pub(super) fn tokens(raw: Vec<Token>, faults: &mut Faults) -> Vec<ApiToken> {
    let mut tokens = Vec::new();
    for (n, token) in raw.into_iter().enumerate() {
        let (name, scopes, secret) = match token {
            Token::Long { name, scopes, secret } => (name, scopes, secret),
            Token::Short(text) => {
                let mut parts = text.expose_secret().splitn(3, ':').map(str::to_owned);
                let (name, scopes) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                let scopes = scopes.split('+').map(str::to_owned).collect();
                (name, scopes, SecretString::from(parts.next().unwrap_or_default()))
            }
        };
        let scopes: Option<Vec<Scope>> = scopes.iter().map(|word| Scope::from_word(word)).collect();
        // By position, since what stands at the place of the name may be a secret.
        let whole = !name.is_empty() && !secret.expose_secret().is_empty();
        match scopes {
            Some(scopes) if whole => tokens.push(ApiToken { name, scopes, secret }),
            _ => faults.check(
                false,
                &format!("api.tokens: number {} is not name:scopes:secret with scopes out of read, send, admin", n + 1),
            ),
        }
    }
    tokens
}
