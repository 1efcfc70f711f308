//! Functions that are container images: where they come from, and what is kept of them.

use std::sync::Arc;
use std::time::Duration;

use blob::Digest;
use image::{Compression, Image, ImageError, Layer, Reference};
use serde::{Deserialize, Serialize};
use wire::Error;
use wire::error::common;

use crate::function::{CodePackage, Failure};
use crate::{Lambda, errors, store_failure};

/// Longest time in which an image's documents are read while a client waits for its answer. Clients wait a minute.
const RESOLVE_DEADLINE: Duration = Duration::from_secs(40);

/// A container image that a version runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerImage {
    /// As the user has named it.
    pub uri: String,
    /// Its layers, the lowest first.
    pub layers: Vec<ImageLayer>,
    /// Its own program.
    pub entry_point: Vec<String>,
    /// The program's arguments.
    pub command: Vec<String>,
    /// Where the program is started; empty for the root.
    pub working_directory: String,
    /// Its variables, each as `NAME=VALUE`.
    pub environment: Vec<String>,
}

/// A layer of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageLayer {
    /// SHA-256 of the blob: its name in the registry and in the blob store.
    pub digest: Digest,
    /// Its bytes.
    pub size_bytes: u64,
    /// Whether the archive in it is compressed with gzip.
    pub is_compressed: bool,
    /// SHA-256 of the archive.
    pub archive: Digest,
}

/// What a user sets instead of what an image says; what is absent or empty stays the image's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageOverrides {
    /// The program.
    pub entry_point: Option<Vec<String>>,
    /// Its arguments.
    pub command: Option<Vec<String>>,
    /// Where it is started.
    pub working_directory: Option<String>,
}

impl ImageLayer {
    /// As registries and roots know it.
    pub fn described(&self) -> Layer {
        Layer {
            digest: self.digest,
            size_bytes: self.size_bytes,
            compression: if self.is_compressed { Compression::Gzip } else { Compression::None },
            archive: self.archive,
        }
    }
}

impl ContainerImage {
    fn new(uri: String, image: Image) -> ContainerImage {
        let layers = image.layers.into_iter().map(|layer| ImageLayer {
            digest: layer.digest,
            size_bytes: layer.size_bytes,
            is_compressed: layer.compression == Compression::Gzip,
            archive: layer.archive,
        });
        ContainerImage {
            uri,
            layers: layers.collect(),
            entry_point: image.settings.entry_point,
            command: image.settings.command,
            working_directory: image.settings.working_directory,
            environment: image.settings.environment,
        }
    }

    /// Its name with the digest of its manifest.
    pub fn resolved_uri(&self, digest: &Digest) -> String {
        self.uri.parse::<Reference>().map_or_else(|_| self.uri.clone(), |reference| reference.resolved(digest))
    }
}

/// What an image is, asked of its registry; its layers are fetched when the version that needs them is made ready.
///
/// # Errors
/// `InvalidParameterValueException` and `AccessDeniedException` in AWS's words.
pub async fn resolve(lambda: &Lambda, uri: String, architecture: &str) -> Result<CodePackage, Error> {
    let Ok(reference) = uri.parse::<Reference>() else {
        return Err(errors::invalid_parameter(format!(
            "Source image {uri} is not valid. Provide a valid source image."
        )));
    };
    let resolving = tokio::time::timeout(RESOLVE_DEADLINE, lambda.registries.resolve(&reference, architecture));
    let late = |_| Err(ImageError::Registry("it did not answer in time".to_owned()));
    let image = resolving.await.unwrap_or_else(late).map_err(|error| refusal(&error, &uri))?;
    let digest = lambda.platform.blobs.put(image.manifest.clone()).await.map_err(store_failure)?;
    let image = Some(ContainerImage::new(uri, image));
    // AWS counts images neither as code that is stored nor as code that is unpacked.
    Ok(CodePackage { digest, size_bytes: 0, unzipped_bytes: 0, image })
}

/// Brings all layers of an image into the blob store. One image at a time: others would only share the line.
///
/// # Errors
/// [`ImageError`].
pub async fn fetch(lambda: &Arc<Lambda>, image: &ContainerImage) -> Result<(), ImageError> {
    let reference: Reference = image.uri.parse().map_err(|_| ImageError::NotFound)?;
    let turn = lambda.image_fetches.lock().await;
    for layer in &image.layers {
        lambda.registries.fetch(&reference, &layer.described(), &lambda.platform.blobs).await?;
    }
    drop(turn);
    Ok(())
}

/// Why a version cannot be made ready.
pub fn failure(error: &ImageError, uri: &str) -> Failure {
    let code = match error {
        ImageError::NotFound => "ImageDeleted",
        ImageError::Denied => "ImageAccessDenied",
        error if error.is_fault_of_image() => "InvalidImage",
        _ => "InternalError",
    };
    Failure { code: code.to_owned(), reason: format!("The source image {uri} cannot be used: {error}") }
}

fn refusal(error: &ImageError, uri: &str) -> Error {
    match error {
        ImageError::NotFound => {
            errors::invalid_parameter(format!("Source image {uri} does not exist. Provide a valid source image."))
        }
        ImageError::Denied => Error::new(
            &common::ACCESS_DENIED,
            "Lambda does not have permission to access the ECR image. Check the ECR permissions.",
        ),
        ImageError::MediaType(kind) => errors::invalid_parameter(format!(
            "The image manifest, config or layer media type for the source image {uri} is not supported. ({kind})"
        )),
        ImageError::Blob(_) | ImageError::Io(_) => store_failure(error),
        ImageError::Architecture(_) | ImageError::Malformed(_) | ImageError::TooLarge(_) | ImageError::Registry(_) => {
            errors::invalid_parameter(format!(
                "Source image {uri} is not valid. Provide a valid source image. ({error})"
            ))
        }
    }
}
