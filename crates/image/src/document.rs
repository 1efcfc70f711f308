//! Manifests, indexes and configurations.

use blob::Digest;
use bytes::Bytes;
use serde::Deserialize;

use crate::error::ImageError;
use crate::limits::{IMAGE_BYTES_MAX, LAYERS_MAX};
use crate::reference::parse_digest;

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// What registries are asked for.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// An image for one architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// SHA-256 of its manifest, by which it is named.
    pub digest: Digest,
    /// The manifest.
    pub manifest: Bytes,
    /// The layers, the lowest first.
    pub layers: Vec<Layer>,
    /// What is run in it.
    pub settings: Settings,
}

/// A layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// SHA-256 of the blob that the registry has.
    pub digest: Digest,
    /// Its bytes.
    pub size_bytes: u64,
    /// How the archive in it is compressed.
    pub compression: Compression,
    /// SHA-256 of the archive.
    pub archive: Digest,
}

/// How a layer's archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// With gzip.
    Gzip,
}

/// What is run in an image unless something else is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The program, with its first arguments.
    pub entry_point: Vec<String>,
    /// Further arguments, or the program where there is no entry point.
    pub command: Vec<String>,
    /// Where it is started; empty for the root.
    pub working_directory: String,
    /// Its variables, each as `NAME=VALUE`.
    pub environment: Vec<String>,
}

/// What a registry answers for the name of an image.
pub(crate) enum Document {
    /// The manifests of several architectures.
    Index(Vec<Described>),
    /// The parts of an image.
    Manifest {
        /// Its configuration.
        config: Described,
        /// Its layers.
        layers: Vec<Described>,
    },
}

/// Names a document or a layer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Described {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    platform: Option<PlatformOf>,
}

#[derive(Debug, Deserialize)]
struct PlatformOf {
    architecture: String,
    os: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: u32,
    media_type: Option<String>,
    manifests: Option<Vec<Described>>,
    config: Option<Described>,
    layers: Option<Vec<Described>>,
}

#[derive(Deserialize)]
struct RawConfig {
    #[serde(default)]
    config: Option<RawSettings>,
    rootfs: RawRoot,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawSettings {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    working_dir: Option<String>,
}

#[derive(Deserialize)]
struct RawRoot {
    diff_ids: Vec<String>,
}

impl Described {
    /// Its digest.
    pub(crate) fn digest(&self) -> Result<Digest, ImageError> {
        parse_digest(&self.digest).ok_or_else(|| ImageError::malformed(format!("the digest {}", self.digest)))
    }

    /// Its bytes.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size
    }
}

impl Document {
    /// Reads a document whose kind its sender, or else itself, tells.
    pub(crate) fn parse(content: &[u8], told: Option<&str>) -> Result<Document, ImageError> {
        let raw: Raw = serde_json::from_slice(content)
            .map_err(|_| ImageError::MediaType(told.unwrap_or("of an unknown manifest").to_owned()))?;
        let told = told.map(|told| told.split(';').next().unwrap_or(told).trim().to_owned());
        let kind = raw.media_type.or(told).unwrap_or_default();
        match (kind.as_str(), raw.manifests, raw.config, raw.layers) {
            (OCI_INDEX | DOCKER_INDEX, Some(manifests), _, _) => Ok(Document::Index(manifests)),
            (OCI_MANIFEST | DOCKER_MANIFEST, _, Some(config), Some(layers)) if raw.schema_version == 2 => {
                Ok(Document::Manifest { config, layers })
            }
            _ => Err(ImageError::MediaType(kind)),
        }
    }
}

/// The manifest of an index for an architecture, by its name in Lambda.
pub(crate) fn choose<'a>(manifests: &'a [Described], architecture: &str) -> Result<&'a Described, ImageError> {
    let wanted = if architecture == "arm64" { "arm64" } else { "amd64" };
    let fits = |described: &&Described| {
        described.platform.as_ref().is_some_and(|place| place.os == "linux" && place.architecture == wanted)
    };
    manifests.iter().find(fits).ok_or_else(|| ImageError::Architecture(architecture.to_owned()))
}

/// Checks what kind a configuration has.
pub(crate) fn check_config(config: &Described) -> Result<(), ImageError> {
    if CONFIGS.contains(&config.media_type.as_str()) {
        Ok(())
    } else {
        Err(ImageError::MediaType(config.media_type.clone()))
    }
}

/// An image from its documents.
pub(crate) fn assemble(manifest: Bytes, layers: &[Described], config: &[u8]) -> Result<Image, ImageError> {
    let config: RawConfig =
        serde_json::from_slice(config).map_err(|error| ImageError::malformed(format!("its configuration: {error}")))?;
    if layers.len() > LAYERS_MAX {
        return Err(ImageError::TooLarge("it has more than 127 layers"));
    }
    if layers.iter().map(Described::size_bytes).fold(0, u64::saturating_add) > IMAGE_BYTES_MAX {
        return Err(ImageError::TooLarge("its layers have more than 10 GB"));
    }
    if config.rootfs.diff_ids.len() != layers.len() {
        return Err(ImageError::malformed("its configuration names other layers than its manifest"));
    }
    let layers = layers.iter().zip(&config.rootfs.diff_ids).map(|(layer, archive)| {
        Ok(Layer {
            digest: layer.digest()?,
            size_bytes: layer.size,
            compression: compression(&layer.media_type)?,
            archive: parse_digest(archive).ok_or_else(|| ImageError::malformed(format!("the digest {archive}")))?,
        })
    });
    let raw = config.config.unwrap_or_default();
    Ok(Image {
        digest: Digest::of(&manifest),
        manifest,
        layers: layers.collect::<Result<_, ImageError>>()?,
        settings: Settings {
            entry_point: raw.entrypoint.unwrap_or_default(),
            command: raw.cmd.unwrap_or_default(),
            working_directory: raw.working_dir.unwrap_or_default(),
            environment: raw.env.unwrap_or_default(),
        },
    })
}

fn compression(media_type: &str) -> Result<Compression, ImageError> {
    match media_type {
        "application/vnd.oci.image.layer.v1.tar" | "application/vnd.docker.image.rootfs.diff.tar" => {
            Ok(Compression::None)
        }
        "application/vnd.oci.image.layer.v1.tar+gzip" | "application/vnd.docker.image.rootfs.diff.tar.gzip" => {
            Ok(Compression::Gzip)
        }
        other => Err(ImageError::MediaType(other.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn manifest(layer_type: &str) -> String {
        format!(
            r#"{{"schemaVersion": 2, "mediaType": "{OCI_MANIFEST}",
                "config": {{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "{DIGEST}", "size": 2}},
                "layers": [{{"mediaType": "{layer_type}", "digest": "{DIGEST}", "size": 3}}]}}"#
        )
    }

    fn image(layer_type: &str, config: &str) -> Result<Image, ImageError> {
        let manifest = manifest(layer_type);
        let Document::Manifest { config: described, layers } = Document::parse(manifest.as_bytes(), None)? else {
            panic!("a manifest");
        };
        check_config(&described)?;
        assemble(manifest.into(), &layers, config.as_bytes())
    }

    #[test]
    fn an_image_is_read() {
        let config = format!(
            r#"{{"architecture": "amd64", "os": "linux", "rootfs": {{"type": "layers", "diff_ids": ["{DIGEST}"]}},
                "config": {{"Entrypoint": ["/app"], "Cmd": null, "Env": ["A=1"], "WorkingDir": "/w", "User": "1"}}}}"#
        );
        let image = image("application/vnd.oci.image.layer.v1.tar+gzip", &config).unwrap();
        assert_eq!((image.layers[0].compression, image.layers[0].size_bytes), (Compression::Gzip, 3));
        let settings = Settings {
            entry_point: vec!["/app".into()],
            command: Vec::new(),
            working_directory: "/w".into(),
            environment: vec!["A=1".into()],
        };
        assert_eq!(image.settings, settings);
    }

    #[test]
    fn kinds_that_are_not_taken_are_named() {
        let config = format!(r#"{{"rootfs": {{"diff_ids": ["{DIGEST}"]}}}}"#);
        let zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
        assert!(matches!(image(zstd, &config), Err(ImageError::MediaType(kind)) if kind == zstd));
        let gzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
        assert!(image(gzip, &config).is_ok());
        assert!(matches!(image(gzip, r#"{"rootfs": {"diff_ids": []}}"#), Err(ImageError::Malformed(_))));
        let old = r#"{"schemaVersion": 1, "name": "a"}"#;
        let kind = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        assert!(
            matches!(Document::parse(old.as_bytes(), Some(kind)), Err(ImageError::MediaType(told)) if told == kind)
        );
        assert!(matches!(Document::parse(b"<html>", Some("text/html")), Err(ImageError::MediaType(_))));
    }

    #[test]
    fn an_index_has_a_manifest_for_each_architecture() {
        let entry = |architecture: &str, os: &str| {
            format!(
                r#"{{"mediaType": "{OCI_MANIFEST}", "digest": "{DIGEST}", "size": {},
                    "platform": {{"architecture": "{architecture}", "os": "{os}"}}}}"#,
                architecture.len()
            )
        };
        let (unknown, windows, arm) = (entry("unknown", "unknown"), entry("amd64", "windows"), entry("arm64", "linux"));
        let index = format!(r#"{{"schemaVersion": 2, "manifests": [{unknown}, {windows}, {arm}]}}"#);
        let Ok(Document::Index(manifests)) = Document::parse(index.as_bytes(), Some(DOCKER_INDEX)) else {
            panic!("an index");
        };
        assert_eq!(choose(&manifests, "arm64").unwrap().size_bytes(), 5);
        assert!(matches!(choose(&manifests, "x86_64"), Err(ImageError::Architecture(_))));
    }
}
