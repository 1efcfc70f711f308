//! The authority that vouches for the platform under the names of AWS, inside execution environments alone.
//!
//! It is made once for an installation. The certificate of a name is made when the name is first asked for, and kept in
//! memory. The key never leaves this process but for its file, which only its owner may read.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

/// Name of the file in the data directory: the certificate, then its key.
const FILE: &str = "environments-authority.pem";
/// Longest file that is read, in bytes; it has about 900.
const FILE_BYTES_MAX: u64 = 16 * 1024;
/// Certificates of names that are kept, some 2 KB each.
const NAMES_MAX: NonZeroUsize = NonZeroUsize::new(256).expect("the number is not zero");
/// Years in which certificates begin and end to be good: whatever the machine's clock says. Nobody else trusts them.
const YEARS: (i32, i32) = (2020, 2120);
const BEGIN_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";
const BEGIN_KEY: &str = "-----BEGIN PRIVATE KEY-----";

/// An authority. Its methods may block: they read or write a small file at first need.
pub struct Authority {
    directory: Option<PathBuf>,
    ready: Mutex<Option<Arc<Ready>>>,
}

/// An authority that was made.
struct Ready {
    certificate: String,
    acceptor: TlsAcceptor,
}

/// Makes certificates of names.
struct Names {
    issuer: Issuer<'static, KeyPair>,
    /// One key for all names: who has one has them all.
    key: KeyPair,
    made: Mutex<LruCache<String, Arc<CertifiedKey>>>,
}

impl Authority {
    /// The authority of a data directory, made when it is first needed; without a directory, one of this process alone.
    pub fn new(directory: Option<PathBuf>) -> Authority {
        Authority { directory, ready: Mutex::default() }
    }

    /// Its certificate, in PEM.
    ///
    /// # Errors
    /// When its file cannot be used.
    pub fn certificate(&self) -> io::Result<String> {
        Ok(self.ready()?.certificate.clone())
    }

    /// Accepts connections under any name.
    pub(crate) fn acceptor(&self) -> io::Result<TlsAcceptor> {
        Ok(self.ready()?.acceptor.clone())
    }

    fn ready(&self) -> io::Result<Arc<Ready>> {
        let mut ready = self.ready.lock();
        if let Some(ready) = &*ready {
            return Ok(Arc::clone(ready));
        }
        let made = Arc::new(Ready::open(self.directory.as_deref())?);
        *ready = Some(Arc::clone(&made));
        Ok(made)
    }
}

impl Ready {
    fn open(directory: Option<&Path>) -> io::Result<Ready> {
        let kept = directory.map(read).transpose()?.flatten();
        let (certificate, key) = match kept {
            Some((certificate, key)) => (certificate, KeyPair::from_pem(&key).map_err(io::Error::other)?),
            None => {
                let key = KeyPair::generate().map_err(io::Error::other)?;
                let certificate = parameters().self_signed(&key).map_err(io::Error::other)?.pem();
                if let Some(directory) = directory {
                    write(directory, &format!("{certificate}{}", key.serialize_pem()))?;
                }
                (certificate, key)
            }
        };
        let names = Names {
            issuer: Issuer::new(parameters(), key),
            key: KeyPair::generate().map_err(io::Error::other)?,
            made: Mutex::new(LruCache::new(NAMES_MAX)),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = builder.map_err(io::Error::other)?.with_no_client_auth().with_cert_resolver(Arc::new(names));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Ready { certificate, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

/// What the authority's own certificate says; always the same, so that its key is all that has to be kept.
fn parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, "Traca execution environments");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    within_years(&mut parameters);
    parameters
}

fn within_years(parameters: &mut CertificateParams) {
    parameters.not_before = date_time_ymd(YEARS.0, 1, 1);
    parameters.not_after = date_time_ymd(YEARS.1, 1, 1);
}

impl Names {
    fn certify(&self, name: &str) -> Result<CertifiedKey, Box<dyn std::error::Error>> {
        let mut parameters = CertificateParams::new([name.to_owned()])?;
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.use_authority_key_identifier_extension = true;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        within_years(&mut parameters);
        let certificate = parameters.signed_by(&self.key, &self.issuer)?;
        let key = PrivateKeyDer::try_from(self.key.serialize_der())?;
        let key = rustls::crypto::ring::sign::any_supported_type(&key)?;
        Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name()?.to_ascii_lowercase();
        if let Some(known) = self.made.lock().get(&name) {
            return Some(Arc::clone(known));
        }
        match self.certify(&name) {
            Ok(certified) => {
                let certified = Arc::new(certified);
                self.made.lock().put(name, Arc::clone(&certified));
                Some(certified)
            }
            Err(error) => {
                tracing::debug!(error, "no certificate can be made for a name");
                None
            }
        }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Names").finish_non_exhaustive()
    }
}

/// The certificate and the key of a directory, if they are there.
fn read(directory: &Path) -> io::Result<Option<(String, String)>> {
    let path = directory.join(FILE);
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let unusable = |why: &str| Err(io::Error::other(format!("{} {why}", path.display())));
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        return unusable("is readable by others than its owner: remove it, and another is made");
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    match text.find(BEGIN_KEY) {
        Some(at) if text.starts_with(BEGIN_CERTIFICATE) => Ok(Some((text[..at].to_owned(), text[at..].to_owned()))),
        _ => unusable("is damaged: remove it, and another is made"),
    }
}

/// Writes the file whole or not at all.
fn write(directory: &Path, text: &str) -> io::Result<()> {
    let draft = directory.join(format!("{FILE}.new"));
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, directory.join(FILE))?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_made_once_and_only_for_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let tell = || Authority::new(Some(directory.path().to_owned())).certificate();
        let first = tell().unwrap();
        assert!(first.starts_with(BEGIN_CERTIFICATE) && !first.contains(BEGIN_KEY));
        assert_eq!(tell().unwrap(), first);
        let path = directory.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(tell().unwrap_err().to_string().contains("readable by others"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "something else").unwrap();
        assert!(tell().unwrap_err().to_string().contains("is damaged"));
        assert_ne!(Authority::new(None).certificate().unwrap(), first);
    }
}
