//! Certificates, generated for a test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

/// The authority that signs them.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

/// The files of a pair.
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, "the authority of a test");
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for this machine, valid until the beginning of this year.
    pub fn issues(&self, until: i32) -> Pair {
        let mut parameters = CertificateParams::new(["localhost", "127.0.0.1"].map(str::to_owned)).unwrap();
        parameters.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Files {
    pub fn of(pair: &Pair, folder: &Path) -> Self {
        let files = Self { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
        files.become_those_of(pair);
        files
    }

    /// Replaces each file atomically, one after the other.
    pub fn become_those_of(&self, pair: &Pair) {
        for (file, text) in [(&self.certificate, &pair.certificate), (&self.key, &pair.key)] {
            let next = file.with_extension("next");
            fs::write(&next, text).unwrap();
            fs::rename(next, file).unwrap();
        }
    }

    /// The paths, in the form of the settings.
    pub fn names(&self) -> (&str, &str) {
        (self.certificate.to_str().unwrap(), self.key.to_str().unwrap())
    }
}
