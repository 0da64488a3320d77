//! Secrets that may be renewed while the program runs.
//!
//! A secret is renewed by replacing its file. Kubernetes does so by changing a symbolic link. So the file is read again by
//! its path when the secret is used, and a renewal is detected by the content. Neither the modification time nor the inode
//! of a file would show it reliably.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::time::{Instant, sleep};

/// The minimum time between two reads of a file.
const EVERY: Duration = Duration::from_secs(1);

/// Why a secret is not valid. The text follows the name of the secret, as in `is blank`, and does not contain the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSecret(pub &'static str);

/// Parses the text of a secret, or returns why it is not valid.
type Parse<T> = Box<dyn Fn(&str) -> Result<T, InvalidSecret> + Send + Sync>;

/// A secret and its file.
#[derive(Clone)]
pub struct SecretSource {
    /// The text at the start.
    pub value: SecretString,
    /// The file from which it is reloaded, if there is one.
    pub file: Option<PathBuf>,
}

/// A secret without a file never changes.
impl From<String> for SecretSource {
    fn from(value: String) -> Self {
        SecretString::from(value).into()
    }
}

impl From<SecretString> for SecretSource {
    fn from(value: SecretString) -> Self {
        Self { value, file: None }
    }
}

/// The current version of a secret, or of the value that was parsed from it.
pub struct ReloadableSecret<T = SecretString>(Arc<Inner<T>>);

struct Inner<T> {
    renewal: Option<Renewal<T>>,
    state: Mutex<State<T>>,
}

/// The file of a secret, and the parser of its text.
struct Renewal<T> {
    file: PathBuf,
    parse: Parse<T>,
}

struct State<T> {
    value: Arc<T>,
    /// The text from which the value was parsed.
    text: SecretString,
    read_at: Instant,
    /// The error of the last read of the file, if it failed.
    fault: Option<String>,
    /// Whether the value was renewed since [`ReloadableSecret::current`] returned it.
    is_renewed: bool,
}

impl<T> ReloadableSecret<T> {
    /// Creates a secret, which `parse` must accept. If a later text is not valid, the error is logged, and the last valid
    /// value stays active.
    pub fn new(
        source: SecretSource,
        parse: impl Fn(&str) -> Result<T, InvalidSecret> + Send + Sync + 'static,
    ) -> Result<Self, InvalidSecret> {
        let value = parse_text(source.value.expose_secret(), &parse)?;
        let renewal = source.file.map(|file| Renewal { file, parse: Box::new(parse) });
        Ok(Self::with_value(value, source.value, renewal))
    }

    /// A secret that never changes.
    pub fn fixed(value: T) -> Self {
        Self::with_value(value, SecretString::default(), None)
    }

    fn with_value(value: T, text: SecretString, renewal: Option<Renewal<T>>) -> Self {
        let value = Arc::new(value);
        let state = State { value, text, read_at: Instant::now(), fault: None, is_renewed: false };
        Self(Arc::new(Inner { renewal, state: Mutex::new(state) }))
    }

    /// The current value. Until it is renewed, each call returns the same allocation.
    pub fn current(&self) -> Arc<T> {
        let mut state = self.refresh();
        state.is_renewed = false;
        state.value.clone()
    }

    /// Waits until the value differs from the one that [`ReloadableSecret::current`] returned last. Without a file, it waits
    /// forever.
    pub async fn renewed(&self) {
        if self.0.renewal.is_none() {
            return std::future::pending().await;
        }
        while !self.refresh().is_renewed {
            sleep(EVERY).await;
        }
    }

    /// Reads the file again, if there is one.
    pub fn reread(&self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(renewal) = &self.0.renewal {
            state.read_at = Instant::now();
            state.reload(renewal);
        }
    }

    /// Reads the file again if `EVERY` has passed since the last read.
    fn refresh(&self) -> MutexGuard<'_, State<T>> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(renewal) = &self.0.renewal
            && state.read_at.elapsed() >= EVERY
        {
            state.read_at = Instant::now();
            state.reload(renewal);
        }
        state
    }
}

impl<T> State<T> {
    fn reload(&mut self, renewal: &Renewal<T>) {
        let file = renewal.file.display();
        let fault = match read(&renewal.file) {
            Ok(text) if bool::from(text.as_bytes().ct_eq(self.text.expose_secret().as_bytes())) => None,
            Ok(text) => match parse_text(&text, &renewal.parse) {
                Ok(value) => {
                    tracing::info!(%file, "a secret was renewed");
                    (self.value, self.text, self.is_renewed) = (Arc::new(value), text.into(), true);
                    None
                }
                Err(error) => Some(error.to_string()),
            },
            Err(error) => Some(error.to_string()),
        };
        if let Some(fault) = fault.as_deref().filter(|_| fault != self.fault) {
            tracing::error!(%file, fault, "a secret cannot be renewed; the previous one stays active");
        }
        self.fault = fault;
    }
}

/// Reads the secret in a file: its text without the byte order mark and the line end that editors add.
pub fn read(file: &Path) -> io::Result<String> {
    let bytes = fs::read(file)?;
    let text = String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))?;
    Ok(without_mark(&text).trim_end_matches(['\r', '\n']).to_owned())
}

/// Returns a text without the byte order mark (U+FEFF) that some editors put before it.
pub fn without_mark(text: &str) -> &str {
    text.trim_start_matches('\u{FEFF}')
}

fn parse_text<T>(text: &str, parse: impl Fn(&str) -> Result<T, InvalidSecret>) -> Result<T, InvalidSecret> {
    if text.trim().is_empty() { Err(InvalidSecret("is blank")) } else { parse(text) }
}

/// A clone shares the secret with its original.
impl<T> Clone for ReloadableSecret<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Does not show the secret.
impl<T> fmt::Debug for ReloadableSecret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use tempfile::TempDir;
    use tokio::time::{advance, timeout};

    use super::*;

    /// A secret in a file, which must not be `bad`.
    struct Fixture {
        folder: TempDir,
        secret: ReloadableSecret,
    }

    impl Fixture {
        fn as_text(text: &str) -> Self {
            let folder = TempDir::new().unwrap();
            let file = folder.path().join("secret");
            fs::write(&file, text).unwrap();
            let source = SecretSource { value: read(&file).unwrap().into(), file: Some(file) };
            let parse = |text: &str| if text == "bad" { Err(InvalidSecret("is bad")) } else { Ok(text.into()) };
            Self { secret: ReloadableSecret::new(source, parse).unwrap(), folder }
        }

        fn file(&self) -> PathBuf {
            self.folder.path().join("secret")
        }

        fn becomes(&self, text: &str) {
            fs::write(self.file(), text).unwrap();
        }

        fn is_now(&self) -> String {
            self.secret.current().expose_secret().to_owned()
        }

        async fn is_next(&self) -> String {
            advance(EVERY).await;
            self.is_now()
        }

        async fn ends_waiting(&self) -> bool {
            timeout(EVERY * 5, self.secret.renewed()).await.is_ok()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_is_read_again_when_it_changes_and_not_at_every_use() {
        let fixture = Fixture::as_text("first\r\n");
        assert_eq!(fixture.is_now(), "first");
        fixture.becomes("second\n");
        assert_eq!(fixture.is_now(), "first");
        assert_eq!(fixture.is_next().await, "second");
        let next = fixture.folder.path().join("next");
        fs::write(&next, "by-renaming").unwrap();
        fs::rename(next, fixture.file()).unwrap();
        assert_eq!(fixture.is_next().await, "by-renaming");
    }

    /// As in Kubernetes: `secret` is a link through `data`, and `data` is changed to another folder.
    #[tokio::test(start_paused = true)]
    async fn a_symbolic_link_in_the_path_may_change() {
        let fixture = Fixture::as_text("first");
        let at = |name: &str| fixture.folder.path().join(name);
        fs::remove_file(fixture.file()).unwrap();
        for version in ["first", "second"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("secret"), version).unwrap();
            symlink(version, at("next")).unwrap();
            fs::rename(at("next"), at("data")).unwrap();
            if version == "first" {
                symlink("data/secret", fixture.file()).unwrap();
            }
            assert_eq!(fixture.is_next().await, version);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_invalid_secret_does_not_replace_a_valid_one() {
        let fixture = Fixture::as_text("good");
        for text in ["", " \n", "bad"] {
            fixture.becomes(text);
            assert_eq!(fixture.is_next().await, "good", "{text:?}");
        }
        fs::remove_file(fixture.file()).unwrap();
        assert_eq!(fixture.is_next().await, "good");
        fixture.becomes("better");
        assert_eq!(fixture.is_next().await, "better");
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_at_a_renewal_that_was_not_read_yet() {
        let fixture = Fixture::as_text("first");
        assert!(!fixture.ends_waiting().await);
        fixture.becomes("second");
        assert!(fixture.ends_waiting().await);
        assert!(fixture.ends_waiting().await, "as long as it was not read");
        assert_eq!(fixture.is_now(), "second");
        assert!(!fixture.ends_waiting().await);
        let fixed = ReloadableSecret::fixed(SecretString::from("x"));
        assert!(timeout(EVERY * 5, fixed.renewed()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_is_the_same_allocation_until_it_is_renewed() {
        let fixture = Fixture::as_text("first");
        let first = fixture.secret.current();
        fixture.becomes("first\n");
        advance(EVERY).await;
        assert!(Arc::ptr_eq(&first, &fixture.secret.current()));
        fixture.becomes("second");
        advance(EVERY).await;
        assert!(!Arc::ptr_eq(&first, &fixture.secret.current()));
    }

    #[test]
    fn an_invalid_secret_is_refused_and_no_secret_is_shown() {
        let of =
            |text: &str| ReloadableSecret::<()>::new(SecretString::from(text).into(), |_| Err(InvalidSecret("is bad")));
        assert_eq!(of(" ").unwrap_err(), InvalidSecret("is blank"));
        assert_eq!(of("x").unwrap_err(), InvalidSecret("is bad"));
        let secret = ReloadableSecret::fixed(SecretString::from("s3cret"));
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
