//! Credentials of registries, in the form in which Docker keeps them: `{"auths": {"HOST": {"auth": "BASE64"}}}`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::limits::CREDENTIALS_BYTES_MAX;

/// Who asks which registry.
#[derive(Clone, Default)]
pub struct Credentials(BTreeMap<String, String>);

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is no such file. What stands in it is a secret and is not shown.
    #[error("it is not a file of credentials in Docker's form")]
    Malformed,
    /// Credentials that only another program could give out.
    #[error("credentials of {0} are kept by another program or as an identity token, which is not supported")]
    Elsewhere(String),
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

impl Credentials {
    /// Those of a file like `~/.docker/config.json`.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn read(path: &Path) -> Result<Credentials, CredentialsError> {
        let mut text = String::new();
        File::open(path)?.take(CREDENTIALS_BYTES_MAX).read_to_string(&mut text)?;
        Credentials::parse(&text)
    }

    fn parse(text: &str) -> Result<Credentials, CredentialsError> {
        let document: Document = serde_json::from_str(text).map_err(|_| CredentialsError::Malformed)?;
        let entries = document.auths.into_iter().map(|(name, entry)| {
            let host = host(&name).to_owned();
            let basic = match (entry.auth.filter(|auth| !auth.is_empty()), entry.username, entry.password) {
                (Some(auth), _, _) if STANDARD.decode(&auth).is_ok_and(|pair| pair.contains(&b':')) => auth,
                (Some(_), _, _) => return Err(CredentialsError::Malformed),
                (None, Some(name), Some(password)) => STANDARD.encode(format!("{name}:{password}")),
                (None, _, _) => return Err(CredentialsError::Elsewhere(host)),
            };
            Ok((host, basic))
        });
        entries.collect::<Result<_, _>>().map(Credentials)
    }

    /// Name and password for a registry, as the header `Authorization: Basic` carries them.
    pub(crate) fn basic(&self, registry: &str) -> Option<&str> {
        self.0.get(registry).map(String::as_str)
    }
}

/// Docker writes some hosts as addresses.
fn host(name: &str) -> &str {
    let name = name.split_once("://").map_or(name, |(_, rest)| rest);
    name.split('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_file_is_read() {
        let text = r#"{"auths": {"localhost:5000": {"auth": "YTpi"}, "https://index.docker.io/v1/":
            {"username": "a", "password": "c"}}, "credsStore": ""}"#;
        let credentials = Credentials::parse(text).unwrap();
        assert_eq!(credentials.basic("localhost:5000"), Some("YTpi"));
        assert_eq!(credentials.basic("index.docker.io"), Some("YTpj"));
        assert_eq!(credentials.basic("other"), None);
        assert_eq!(format!("{credentials:?}"), r#"{"index.docker.io", "localhost:5000"}"#);
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        let refusal = |text: &str| Credentials::parse(text).unwrap_err().to_string();
        assert!(refusal("secret").contains("not a file of credentials") && !refusal("secret").contains("secret"));
        assert!(refusal(r#"{"auths": {"a": {"auth": "%"}}}"#).contains("not a file"));
        assert!(refusal(r#"{"auths": {"a": {}}}"#).contains("another program"));
    }
}
