//! The certificate of the server, and its key. Both are renewed while the program runs.
//!
//! A new connection uses the newest certificate. An open connection keeps the one with which it started.

mod kind;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::DateTime;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use secrecy::{ExposeSecret, SecretString};
use x509_cert::der::Decode;

use crate::{
    domain::Timestamp,
    secret::{InvalidSecret, ReloadableSecret, SecretSource},
};

/// A certificate with the chain up to its authority, and its key.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    chain: ReloadableSecret,
    key: ReloadableSecret,
    shown: Mutex<Shown>,
}

/// The certificate that is in use, and the texts from which it was read.
struct Shown {
    certified: Arc<CertifiedKey>,
    good_until: Timestamp,
    chain: Arc<SecretString>,
    key: Arc<SecretString>,
}

/// Why a certificate cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The certificate or its chain is not valid.
    #[error("tls.certificate {0}")]
    Chain(InvalidSecret),
    /// The key is not valid.
    #[error("tls.key {0}")]
    Key(InvalidSecret),
    /// The key belongs to another certificate.
    #[error(
        "tls.key is not the key of the first certificate in tls.certificate; the server's certificate must come before its chain"
    )]
    Mismatch,
}

/// Accepts any text, since only the certificate and the key together can be checked.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a parser of secrets")]
fn plain(text: &str) -> Result<SecretString, InvalidSecret> {
    // Files that were concatenated may have a byte order mark in the middle, too.
    Ok(SecretString::from(text.replace('\u{FEFF}', "")))
}

impl Certificate {
    /// Creates it from a certificate with its chain, and from its key, each in PEM. If a later pair is not valid, the error
    /// is logged, and the last valid pair stays active.
    pub fn new(chain: SecretSource, key: SecretSource) -> Result<Self, CertificateError> {
        let chain = ReloadableSecret::new(chain, plain).map_err(CertificateError::Chain)?;
        let key = ReloadableSecret::new(key, plain).map_err(CertificateError::Key)?;
        let shown = Mutex::new(Shown::of(chain.current(), key.current())?);
        Ok(Self(Arc::new(Inner { chain, key, shown })))
    }

    /// The time at which the current certificate expires.
    pub fn good_until(&self) -> Timestamp {
        self.0.shown().good_until
    }

    /// Reads the files again.
    pub fn reread(&self) {
        self.0.chain.reread();
        self.0.key.reread();
        drop(self.0.shown());
    }

    /// The configuration of a server: TLS 1.3 and 1.2, without client certificates.
    pub fn server_config(&self) -> Result<ServerConfig, rustls::Error> {
        let versions = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        Ok(versions.with_no_client_auth().with_cert_resolver(self.0.clone()))
    }
}

impl Inner {
    fn shown(&self) -> MutexGuard<'_, Shown> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let (chain, key) = (self.chain.current(), self.key.current());
        if !(Arc::ptr_eq(&chain, &shown.chain) && Arc::ptr_eq(&key, &shown.key)) {
            match Shown::of(chain.clone(), key.clone()) {
                Ok(renewed) => {
                    tracing::info!(good_until = %renewed.good_until, "new connections use a new certificate");
                    *shown = renewed;
                }
                Err(error) => {
                    // This also happens for a moment while only one of the two files is replaced.
                    tracing::error!(%error, "a new certificate cannot be used; the previous one stays active");
                    // Prevents another attempt before one of the texts changes again.
                    (shown.chain, shown.key) = (chain, key);
                }
            }
        }
        shown
    }
}

impl Shown {
    fn of(chain: Arc<SecretString>, key: Arc<SecretString>) -> Result<Self, CertificateError> {
        let certificates = CertificateDer::pem_slice_iter(chain.expose_secret().as_bytes());
        let certificates = certificates.collect::<Result<Vec<_>, _>>();
        // The error of the library is dropped, since it may quote the file.
        let certificates =
            certificates.map_err(|_| CertificateError::Chain(InvalidSecret("is not well-formed PEM")))?;
        let Some(first) = certificates.first() else {
            return Err(CertificateError::Chain(InvalidSecret("contains no certificate in PEM")));
        };
        let good_until =
            good_until(first).ok_or(CertificateError::Chain(InvalidSecret("contains no X.509 certificate")))?;
        let private = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes());
        let private = private.map_err(|_| {
            CertificateError::Key(InvalidSecret(
                "contains no private key in PEM, or one that is encrypted with a password",
            ))
        })?;
        let unusable = kind::unusable(private.secret_der());
        let certified = CertifiedKey::from_der(certificates, private, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => CertificateError::Mismatch,
            rustls::Error::InvalidCertificate(_) => {
                CertificateError::Chain(InvalidSecret("contains no X.509 certificate"))
            }
            _ => CertificateError::Key(unusable),
        })?;
        Ok(Self { certified: Arc::new(certified), good_until, chain, key })
    }
}

fn good_until(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let not_after = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    Some(DateTime::from_timestamp(not_after.as_secs().try_into().ok()?, 0)?.into())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Every client gets the same certificate, whichever name it requests.
impl ResolvesServerCert for Inner {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown().certified.clone())
    }
}

/// Does not show the key.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inner")
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate until {}", self.good_until())
    }
}
