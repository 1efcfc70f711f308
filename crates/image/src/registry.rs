//! Registries: what is asked of them, and as whom.

use std::fmt;
use std::str::FromStr;

use blob::{BlobStore, Digest};
use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use outbound::{Bounds, Download, Egress, Outgoing};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::challenge::{self, Challenge};
use crate::credentials::Credentials;
use crate::document::{ACCEPT, Document, Image, Layer, assemble, check_config, choose};
use crate::error::ImageError;
use crate::limits::{CONFIG_BYTES_MAX, MANIFEST_BYTES_MAX, REDIRECTS_MAX, REGISTRY_PATIENCE, TOKEN_BYTES_MAX};
use crate::reference::Reference;

/// Where a registry really is: `HOST=URL`, in which a `*` of the host stands for any letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    host: String,
    base: String,
}

/// Why a text is no [`Mapping`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a registry looks like HOST=http://ADDRESS or HOST=https://ADDRESS, with * for any letters of the host")]
pub struct NotAMapping;

impl FromStr for Mapping {
    type Err = NotAMapping;

    fn from_str(text: &str) -> Result<Mapping, NotAMapping> {
        let (host, base) = text.split_once('=').ok_or(NotAMapping)?;
        let base = base.trim_end_matches('/');
        let uri: Uri = base.parse().map_err(|_| NotAMapping)?;
        let is_web = uri.scheme().is_some_and(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS);
        let is_plain = uri.path().trim_end_matches('/').is_empty() && uri.query().is_none();
        if host.is_empty() || !is_web || !is_plain || base.contains('@') {
            return Err(NotAMapping);
        }
        Ok(Mapping { host: host.to_owned(), base: base.to_owned() })
    }
}

impl Mapping {
    fn is_of(&self, registry: &str) -> bool {
        let mut parts = self.host.split('*');
        let Some(mut rest) = registry.strip_prefix(parts.next().unwrap_or_default()) else { return false };
        let parts: Vec<&str> = parts.collect();
        let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
        for part in middle {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

/// The registries that images come from.
#[derive(Debug, Clone)]
pub struct Registries {
    egress: Egress,
    mappings: Vec<Mapping>,
    credentials: Credentials,
}

/// One registry, asked for the parts of one image.
struct Session<'a> {
    registries: &'a Registries,
    reference: &'a Reference,
    /// `http://` or `https://` and the address.
    base: String,
    authorization: Option<HeaderValue>,
}

impl Registries {
    /// Registries at addresses that may be reached; the first mapping for a host tells where it is, any other host is
    /// where its name says: over TLS unless it is this machine.
    pub fn new(egress: Egress, mappings: Vec<Mapping>, credentials: Credentials) -> Registries {
        Registries { egress, mappings, credentials }
    }

    /// What an image is: its documents, checked against their digests. `architecture` is Lambda's name of one.
    ///
    /// # Errors
    /// [`ImageError`].
    pub async fn resolve(&self, reference: &Reference, architecture: &str) -> Result<Image, ImageError> {
        let mut session = self.session(reference);
        let (mut manifest, mut document) = session.manifest(&reference.target(), reference.digest).await?;
        if let Document::Index(manifests) = &document {
            let chosen = choose(manifests, architecture)?.digest()?;
            (manifest, document) = session.manifest(&format!("sha256:{chosen}"), Some(chosen)).await?;
        }
        let Document::Manifest { config, layers } = document else {
            return Err(ImageError::malformed("an index in an index"));
        };
        check_config(&config)?;
        let digest = config.digest()?;
        let mut download = session.blob(&digest).await?;
        let content = collect(&mut download, CONFIG_BYTES_MAX, "its configuration has more than 4 MB").await?;
        check_digest(&content, &digest)?;
        assemble(manifest, &layers, &content)
    }

    /// Brings a layer into the blob store, unless it is there.
    ///
    /// # Errors
    /// [`ImageError`]; nothing is kept then.
    pub async fn fetch(&self, reference: &Reference, layer: &Layer, blobs: &BlobStore) -> Result<(), ImageError> {
        if blobs.keep(&layer.digest).await? {
            return Ok(());
        }
        let mut download = self.session(reference).blob(&layer.digest).await?;
        let mut writer = blobs.writer(layer.size_bytes).await?;
        while let Some(piece) = download.next(REGISTRY_PATIENCE).await? {
            writer.write(&piece).await.map_err(|error| match error {
                blob::BlobError::TooLarge(_) => ImageError::malformed("a layer is longer than its manifest says"),
                other => other.into(),
            })?;
        }
        if writer.length() != layer.size_bytes {
            return Err(ImageError::Registry("a layer ended early".to_owned()));
        }
        let written = writer.finish().await?;
        if written.digest == layer.digest {
            Ok(())
        } else {
            Err(ImageError::malformed(format!("a layer is not what its digest sha256:{} says", layer.digest)))
        }
    }

    fn session<'a>(&'a self, reference: &'a Reference) -> Session<'a> {
        let registry = &reference.registry;
        let mapped = self.mappings.iter().find(|mapping| mapping.is_of(registry));
        let base = mapped.map_or_else(
            || format!("{}://{registry}", if is_local(registry) { "http" } else { "https" }),
            |mapping| mapping.base.clone(),
        );
        Session { registries: self, reference, base, authorization: None }
    }
}

impl Session<'_> {
    async fn manifest(&mut self, target: &str, expected: Option<Digest>) -> Result<(Bytes, Document), ImageError> {
        let url = format!("{}/v2/{}/manifests/{target}", self.base, self.reference.repository);
        let mut download = self.ask(url).await?;
        let kind = download.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let content = collect(&mut download, MANIFEST_BYTES_MAX, "its manifest has more than 4 MB").await?;
        if let Some(expected) = expected {
            check_digest(&content, &expected)?;
        }
        let document = Document::parse(&content, kind.as_deref())?;
        Ok((content, document))
    }

    async fn blob(&mut self, digest: &Digest) -> Result<Download, ImageError> {
        self.ask(format!("{}/v2/{}/blobs/sha256:{digest}", self.base, self.reference.repository)).await
    }

    /// Asks the registry, as whom it wants to be asked, and goes where it points to.
    async fn ask(&mut self, url: String) -> Result<Download, ImageError> {
        let mut url = url;
        let mut is_authorised = self.authorization.is_some();
        for _ in 0..=REDIRECTS_MAX {
            // Elsewhere nobody needs to know who we are.
            let is_own = url.strip_prefix(&self.base).is_some_and(|rest| rest.starts_with('/'));
            let authorization = self.authorization.clone().filter(|_| is_own);
            let download = self.send(&url, authorization).await?;
            match download.status {
                200 => return Ok(download),
                301 | 302 | 303 | 307 | 308 => url = self.redirect(&url, &download)?,
                401 if is_own && !is_authorised => {
                    self.authorization = Some(self.authorise(&download.headers).await?);
                    is_authorised = true;
                }
                401 | 403 => return Err(ImageError::Denied),
                404 => return Err(ImageError::NotFound),
                status => return Err(ImageError::Registry(format!("it answers with status {status}"))),
            }
        }
        Err(ImageError::Registry("it points to too many other places".to_owned()))
    }

    async fn send(&self, url: &str, authorization: Option<HeaderValue>) -> Result<Download, ImageError> {
        let mut headers: Vec<(HeaderName, HeaderValue)> = vec![(header::ACCEPT, HeaderValue::from_static(ACCEPT))];
        headers.extend(authorization.map(|value| (header::AUTHORIZATION, value)));
        let request = Outgoing { method: Method::GET, url: url.to_owned(), headers, body: Bytes::new() };
        Ok(outbound::download(&self.registries.egress, request, REGISTRY_PATIENCE).await?)
    }

    fn redirect(&self, from: &str, answer: &Download) -> Result<String, ImageError> {
        let place = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        let place = place.ok_or_else(|| ImageError::Registry("it points nowhere".to_owned()))?;
        if place.starts_with('/') && !place.starts_with("//") {
            let end = from.find("://").and_then(|at| from[at + 3..].find('/').map(|slash| at + 3 + slash));
            return Ok(format!("{}{place}", &from[..end.unwrap_or(from.len())]));
        }
        if from.starts_with("https://") && !place.starts_with("https://") {
            return Err(ImageError::Registry("it points from a safe place to an unsafe one".to_owned()));
        }
        Ok(place.to_owned())
    }

    /// What the registry wants to see of us.
    async fn authorise(&self, headers: &HeaderMap) -> Result<HeaderValue, ImageError> {
        let own = |name: &str| self.registries.credentials.basic(name);
        let address = self.base.split_once("://").map_or("", |(_, address)| address);
        let basic = own(&self.reference.registry).or_else(|| own(address)).map(|pair| format!("Basic {pair}"));
        match challenge::of(headers) {
            Some(Challenge::Basic) => secret(&basic.ok_or(ImageError::Denied)?),
            Some(Challenge::Bearer { realm, service }) => {
                secret(&format!("Bearer {}", self.token(&realm, service, basic).await?))
            }
            None => Err(ImageError::Denied),
        }
    }

    async fn token(&self, realm: &str, service: Option<String>, basic: Option<String>) -> Result<String, ImageError> {
        // Name and password go to no worse a place than the registry.
        if self.base.starts_with("https://") && !realm.starts_with("https://") {
            return Err(ImageError::Registry("its tokens come from an unsafe place".to_owned()));
        }
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let scope = encode(&format!("repository:{}:pull", self.reference.repository));
        let mut url = format!("{realm}{}scope={scope}", if realm.contains('?') { '&' } else { '?' });
        if let Some(service) = service {
            url.push_str(&format!("&service={}", encode(&service)));
        }
        let headers = match basic {
            Some(basic) => vec![(header::AUTHORIZATION, secret(&basic)?)],
            None => Vec::new(),
        };
        let bounds = Bounds { time: REGISTRY_PATIENCE, body_bytes: TOKEN_BYTES_MAX };
        let request = Outgoing { method: Method::GET, url, headers, body: Bytes::new() };
        let answer = outbound::send(&self.registries.egress, request, bounds).await?;
        match answer.status {
            200 => {}
            401 | 403 => return Err(ImageError::Denied),
            status => return Err(ImageError::Registry(format!("its tokens' server answers with status {status}"))),
        }
        let given: Given = serde_json::from_slice(&answer.body)
            .map_err(|_| ImageError::Registry("its tokens' server gives out none".to_owned()))?;
        given.token.or(given.access_token).ok_or(ImageError::Denied)
    }
}

#[derive(Deserialize)]
struct Given {
    token: Option<String>,
    access_token: Option<String>,
}

impl fmt::Debug for Session<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").field("base", &self.base).finish_non_exhaustive()
    }
}

fn secret(text: &str) -> Result<HeaderValue, ImageError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| ImageError::Denied)?;
    value.set_sensitive(true);
    Ok(value)
}

async fn collect(download: &mut Download, bytes_max: usize, too_large: &'static str) -> Result<Bytes, ImageError> {
    let mut content = Vec::new();
    while let Some(piece) = download.next(REGISTRY_PATIENCE).await? {
        if content.len() + piece.len() > bytes_max {
            return Err(ImageError::TooLarge(too_large));
        }
        content.extend_from_slice(&piece);
    }
    Ok(content.into())
}

fn check_digest(content: &[u8], expected: &Digest) -> Result<(), ImageError> {
    if Digest::of(content) == *expected {
        Ok(())
    } else {
        Err(ImageError::malformed(format!("a document is not what its digest sha256:{expected} says")))
    }
}

/// This machine's own registries are asked without encryption, as Docker does.
fn is_local(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    host == "localhost" || host.starts_with("127.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_tell_where_a_registry_is() {
        let mapping: Mapping = "*.dkr.ecr.*.amazonaws.com=http://127.0.0.1:5000/".parse().unwrap();
        assert_eq!(mapping.base, "http://127.0.0.1:5000");
        assert!(mapping.is_of("123456789012.dkr.ecr.eu-west-1.amazonaws.com"));
        assert!(!mapping.is_of("123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example"));
        assert!(!mapping.is_of("dkr.ecr.eu-west-1.amazonaws.com"));
        let exact: Mapping = "a.example=https://b.example:8443".parse().unwrap();
        assert!(exact.is_of("a.example") && !exact.is_of("a.example.org"));
        for bad in ["a.example", "=http://a", "a=ftp://b", "a=http://b/path", "a=http://u:p@b", "a=b"] {
            assert_eq!(bad.parse::<Mapping>(), Err(NotAMapping), "{bad}");
        }
    }

    #[test]
    fn a_registry_is_asked_over_tls_unless_it_is_this_machine() {
        let egress = Egress::new(outbound::Reach::Local, Vec::new(), Vec::new());
        let mapping = vec!["mapped.example=http://127.0.0.1:5000".parse().unwrap()];
        let registries = Registries::new(egress, mapping, Credentials::default());
        let base = |host: &str| {
            let reference: Reference = format!("{host}/app:1").parse().unwrap();
            registries.session(&reference).base.clone()
        };
        assert_eq!(base("localhost:5000"), "http://localhost:5000");
        assert_eq!(base("127.0.0.1:5000"), "http://127.0.0.1:5000");
        assert_eq!(base("registry.example"), "https://registry.example");
        assert_eq!(base("mapped.example"), "http://127.0.0.1:5000");
    }
}
