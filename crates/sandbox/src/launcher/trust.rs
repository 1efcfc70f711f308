//! Whom programs inside believe: those the machine believes, and the platform's own authority.

use std::fs;
use std::path::{Path, PathBuf};

use super::failure::{NameStep, Step};
use super::mounts;
use crate::network::{AUTHORITY_FILE, BUNDLE_FILE};

/// Where systems keep the certificates of all authorities they trust in one file, and programs look for it.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/lib/ssl/cert.pem",
];

/// Bytes of a bundle that are taken over; they have some 250,000. A larger one is left as it is.
const BUNDLE_BYTES_MAX: u64 = 1024 * 1024;

/// What is trusted inside environments.
pub(crate) struct Trust {
    authority: String,
}

impl Trust {
    pub(crate) fn new(authority: String) -> Trust {
        Trust { authority }
    }

    /// Writes both files into a template, and shows the bundle where the machine has its own.
    pub(crate) fn establish(&self, template: &Path) -> Step<()> {
        self.write(template)?;
        let bundle = template.join(BUNDLE_FILE.trim_start_matches('/'));
        for path in systems_bundles() {
            let target = template.join(path.strip_prefix("/").unwrap_or(&path));
            if target.is_file() {
                mounts::bind_read_only(&bundle, &target)?;
            }
        }
        Ok(())
    }

    /// Writes both files into a template.
    pub(crate) fn write(&self, template: &Path) -> Step<()> {
        let inside = |path: &str| template.join(path.trim_start_matches('/'));
        let (authority, bundle) = (inside(AUTHORITY_FILE), inside(BUNDLE_FILE));
        if let Some(directory) = authority.parent() {
            fs::create_dir_all(directory).step("make a directory for certificates")?;
        }
        fs::write(&authority, &self.authority).step("write the platform's certificate")?;
        let systems = systems_bundles();
        let mut trusted = systems.first().and_then(|path| fs::read(path).ok()).unwrap_or_default();
        if trusted.last().is_some_and(|byte| *byte != b'\n') {
            trusted.push(b'\n');
        }
        trusted.extend(self.authority.as_bytes());
        fs::write(&bundle, trusted).step("write the trusted certificates")
    }
}

/// The bundles of this machine, each once, however many names it has.
fn systems_bundles() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for path in BUNDLES.iter().filter_map(|path| fs::canonicalize(path).ok()) {
        let is_bundle = fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() <= BUNDLE_BYTES_MAX);
        if is_bundle && !found.contains(&path) {
            found.push(path);
        }
    }
    found
}
