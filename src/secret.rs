//! Secrets that may be renewed while the program runs.
//!
//! A secret is renewed by replacing its file; Kubernetes does so by changing a symbolic link. So a file
//! is read again by its path where the secret is used, and a renewal is told by the content: neither the time of a file
//! nor its place on the disk would tell it reliably.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::time::{Instant, sleep};

/// A file is read again at most this often.
const EVERY: Duration = Duration::from_secs(1);

/// What is wrong with a secret, in words that do not show it, to be read after its name: `is blank`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSecret(pub &'static str);

/// Reads a text as what it has to be, or tells why it cannot be that.
type Parse<T> = Box<dyn Fn(&str) -> Result<T, InvalidSecret> + Send + Sync>;

/// A secret as it was given.
#[derive(Clone)]
pub struct SecretSource {
    /// What it is now.
    pub value: SecretString,
    /// Where it is renewed, if anywhere.
    pub file: Option<PathBuf>,
}

/// One that stays as it is.
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

/// A secret, or what was read out of it, as it is at the time when it is asked for.
pub struct ReloadableSecret<T = SecretString>(Arc<Held<T>>);

struct Held<T> {
    renewal: Option<Renewal<T>>,
    state: Mutex<State<T>>,
}

/// Where a secret is renewed, and how its text is read.
struct Renewal<T> {
    file: PathBuf,
    parse: Parse<T>,
}

struct State<T> {
    value: Arc<T>,
    /// What the value was read from.
    text: SecretString,
    read_at: Instant,
    /// What is wrong with the file at present.
    fault: Option<String>,
    /// Whether the value has not been read yet.
    is_fresh: bool,
}

impl<T> ReloadableSecret<T> {
    /// Takes a secret that `parse` can read. What comes later must be readable too, or the last good one is kept.
    pub fn new(
        source: SecretSource,
        parse: impl Fn(&str) -> Result<T, InvalidSecret> + Send + Sync + 'static,
    ) -> Result<Self, InvalidSecret> {
        let value = fit(source.value.expose_secret(), &parse)?;
        let renewal = source.file.map(|file| Renewal { file, parse: Box::new(parse) });
        Ok(Self::held(value, source.value, renewal))
    }

    /// One that was read already, and stays as it is.
    pub fn fixed(value: T) -> Self {
        Self::held(value, SecretString::default(), None)
    }

    fn held(value: T, text: SecretString, renewal: Option<Renewal<T>>) -> Self {
        let value = Arc::new(value);
        let state = State { value, text, read_at: Instant::now(), fault: None, is_fresh: false };
        Self(Arc::new(Held { renewal, state: Mutex::new(state) }))
    }

    /// The secret. As long as it is not renewed, it is the very same allocation.
    pub fn current(&self) -> Arc<T> {
        let mut state = self.look();
        state.is_fresh = false;
        state.value.clone()
    }

    /// Waits until the secret is another one than [`ReloadableSecret::current`] told last. Without a file, forever.
    pub async fn renewed(&self) {
        if self.0.renewal.is_none() {
            return std::future::pending().await;
        }
        while !self.look().is_fresh {
            sleep(EVERY).await;
        }
    }

    /// Reads the file again, if there is one.
    pub fn reread(&self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(renewal) = &self.0.renewal {
            state.read_at = Instant::now();
            state.take(renewal);
        }
    }

    /// Reads the file again, if it is time to.
    fn look(&self) -> MutexGuard<'_, State<T>> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(renewal) = &self.0.renewal
            && state.read_at.elapsed() >= EVERY
        {
            state.read_at = Instant::now();
            state.take(renewal);
        }
        state
    }
}

impl<T> State<T> {
    fn take(&mut self, renewal: &Renewal<T>) {
        let file = renewal.file.display();
        let fault = match read(&renewal.file) {
            Ok(text) if bool::from(text.as_bytes().ct_eq(self.text.expose_secret().as_bytes())) => None,
            Ok(text) => match fit(&text, &renewal.parse) {
                Ok(value) => {
                    tracing::info!(%file, "a secret was renewed");
                    (self.value, self.text, self.is_fresh) = (Arc::new(value), text.into(), true);
                    None
                }
                Err(unfit) => Some(unfit.to_string()),
            },
            Err(error) => Some(error.to_string()),
        };
        if let Some(fault) = fault.as_deref().filter(|_| fault != self.fault) {
            tracing::error!(%file, fault, "a secret cannot be renewed; the previous one stays active");
        }
        self.fault = fault;
    }
}

/// The secret in a file: its text without the end of the line and without the byte order mark, which editors put there.
pub fn read(file: &Path) -> io::Result<String> {
    let bytes = fs::read(file)?;
    let text = String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))?;
    Ok(without_mark(&text).trim_end_matches(['\r', '\n']).to_owned())
}

/// A text without the byte order mark (U+FEFF) that some editors put before it.
pub fn without_mark(text: &str) -> &str {
    text.trim_start_matches('\u{FEFF}')
}

fn fit<T>(text: &str, parse: impl Fn(&str) -> Result<T, InvalidSecret>) -> Result<T, InvalidSecret> {
    if text.trim().is_empty() { Err(InvalidSecret("is blank")) } else { parse(text) }
}

/// The same secret, once more.
impl<T> Clone for ReloadableSecret<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Shows nothing of it.
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
    struct Kept {
        folder: TempDir,
        secret: ReloadableSecret,
    }

    impl Kept {
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

        async fn is_soon(&self) -> String {
            advance(EVERY).await;
            self.is_now()
        }

        async fn tells_of_a_renewal(&self) -> bool {
            timeout(EVERY * 5, self.secret.renewed()).await.is_ok()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_is_read_again_when_it_changes_and_not_at_every_use() {
        let kept = Kept::as_text("first\r\n");
        assert_eq!(kept.is_now(), "first");
        kept.becomes("second\n");
        assert_eq!(kept.is_now(), "first");
        assert_eq!(kept.is_soon().await, "second");
        let next = kept.folder.path().join("next");
        fs::write(&next, "by-renaming").unwrap();
        fs::rename(next, kept.file()).unwrap();
        assert_eq!(kept.is_soon().await, "by-renaming");
    }

    /// As Kubernetes does it: `secret` leads through `data`, and `data` is turned to another folder.
    #[tokio::test(start_paused = true)]
    async fn a_link_on_the_way_may_be_turned() {
        let kept = Kept::as_text("first");
        let at = |name: &str| kept.folder.path().join(name);
        fs::remove_file(kept.file()).unwrap();
        for version in ["first", "second"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("secret"), version).unwrap();
            symlink(version, at("turning")).unwrap();
            fs::rename(at("turning"), at("data")).unwrap();
            if version == "first" {
                symlink("data/secret", kept.file()).unwrap();
            }
            assert_eq!(kept.is_soon().await, version);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_used_does_not_replace_what_can() {
        let kept = Kept::as_text("good");
        for text in ["", " \n", "bad"] {
            kept.becomes(text);
            assert_eq!(kept.is_soon().await, "good", "{text:?}");
        }
        fs::remove_file(kept.file()).unwrap();
        assert_eq!(kept.is_soon().await, "good");
        kept.becomes("better");
        assert_eq!(kept.is_soon().await, "better");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_told_of_a_renewal_that_was_not_seen_yet() {
        let kept = Kept::as_text("first");
        assert!(!kept.tells_of_a_renewal().await);
        kept.becomes("second");
        assert!(kept.tells_of_a_renewal().await);
        assert!(kept.tells_of_a_renewal().await, "as long as nobody has it");
        assert_eq!(kept.is_now(), "second");
        assert!(!kept.tells_of_a_renewal().await);
        let fixed = ReloadableSecret::fixed(SecretString::from("x"));
        assert!(timeout(EVERY * 5, fixed.renewed()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_the_same_allocation_until_it_is_renewed() {
        let kept = Kept::as_text("first");
        let first = kept.secret.current();
        kept.becomes("first\n");
        advance(EVERY).await;
        assert!(Arc::ptr_eq(&first, &kept.secret.current()));
        kept.becomes("second");
        advance(EVERY).await;
        assert!(!Arc::ptr_eq(&first, &kept.secret.current()));
    }

    #[test]
    fn an_unfit_one_is_refused_and_none_is_shown() {
        let of =
            |text: &str| ReloadableSecret::<()>::new(SecretString::from(text).into(), |_| Err(InvalidSecret("is bad")));
        assert_eq!(of(" ").unwrap_err(), InvalidSecret("is blank"));
        assert_eq!(of("x").unwrap_err(), InvalidSecret("is bad"));
        let secret = ReloadableSecret::fixed(SecretString::from("s3cret"));
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
