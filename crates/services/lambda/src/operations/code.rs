//! Taking a package: from the request itself, from S3, or, if it is a container image, from a registry.

use api::lambda::FunctionCode;
use api::s3::{GetObject, GetObjectRequest};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use platform::Ctx;
use wire::error::common;
use wire::{Body, Error};

use crate::configuration;
use crate::container;
use crate::errors;
use crate::function::CodePackage;
use crate::package::{PackageError, UNZIPPED_BYTES_MAX, ZIPPED_BYTES_MAX};
use crate::{Lambda, store_failure};

/// Where a package comes from.
pub enum Source {
    /// It came with the request.
    Zip(Bytes),
    /// It is an object of S3.
    Object {
        /// Its bucket.
        bucket: String,
        /// Its key.
        key: String,
        /// Its version; the current one if absent.
        version: Option<String>,
    },
    /// It is a container image.
    Image {
        /// Its name.
        uri: String,
    },
}

impl Source {
    /// Whether it is a container image.
    pub fn is_image(&self) -> bool {
        matches!(self, Source::Image { .. })
    }
}

/// Checks where the code comes from and how large it is, before anything expensive is done.
pub fn source(code: FunctionCode) -> Result<Source, Error> {
    configuration::check_code_source(&code)?;
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    if let Some(uri) = text(code.image_uri) {
        let is_alone = code.zip_file.is_none() && code.s3_bucket.is_none() && code.s3_key.is_none();
        return if is_alone {
            Ok(Source::Image { uri })
        } else {
            Err(errors::invalid_parameter(
                "Please do not provide other FunctionCode parameters when providing an ImageUri.",
            ))
        };
    }
    match (code.zip_file, text(code.s3_bucket), text(code.s3_key)) {
        (Some(package), None, None) if package.len() > ZIPPED_BYTES_MAX => {
            let text = format!("Zipped size must be smaller than {ZIPPED_BYTES_MAX} bytes");
            Err(Error::new(&common::REQUEST_TOO_LARGE, text))
        }
        (Some(package), None, None) => Ok(Source::Zip(package)),
        (None, Some(bucket), Some(key)) => Ok(Source::Object { bucket, key, version: text(code.s3_object_version) }),
        (None, None, None) => Err(errors::invalid_parameter("Please provide a source for function code.")),
        (Some(_), _, _) => Err(errors::invalid_parameter(
            "Please do not provide other FunctionCode parameters when providing a ZipFile.",
        )),
        (None, _, _) => {
            Err(errors::invalid_parameter("Please provide both S3Bucket and S3Key parameters when uploading from S3."))
        }
    }
}

/// What is to become of what is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is on the disk when this returns; the layers of an image follow when it is made ready.
    Kept,
    /// It is only checked.
    Checked,
}

/// Takes a package for an architecture. Objects are read with the caller's own rights.
///
/// # Errors
/// What is wrong with it, and what S3 or the registry says, in Lambda's words.
pub async fn take(
    lambda: &Lambda,
    cx: &Ctx,
    source: Source,
    architecture: &str,
    fate: Fate,
) -> Result<CodePackage, Error> {
    let package = match source {
        Source::Image { uri } => return container::resolve(lambda, uri, architecture).await,
        Source::Zip(package) => package,
        Source::Object { bucket, key, version } => fetch(cx, bucket, key, version).await?,
    };
    match fate {
        Fate::Kept => keep(lambda, cx, package).await,
        Fate::Checked => check(lambda, package).await,
    }
}

/// An object of S3.
async fn fetch(cx: &Ctx, bucket: String, key: String, version: Option<String>) -> Result<Bytes, Error> {
    let place = format!("{bucket}/{key}");
    let request = GetObjectRequest { bucket, key, version_id: version, ..GetObjectRequest::default() };
    let object = cx.call::<GetObject>(request).await.map_err(|error| object_refused(&error, &place))?;
    let too_large = || errors::invalid_parameter(PackageError::TooLarge.to_string());
    let limit = UNZIPPED_BYTES_MAX as usize;
    let mut stream = match object.body {
        Body::Empty => return Ok(Bytes::new()),
        Body::Bytes(bytes) if bytes.len() >= limit => return Err(too_large()),
        Body::Bytes(bytes) => return Ok(bytes),
        Body::Stream { stream, .. } => stream,
    };
    let mut package = BytesMut::new();
    while let Some(piece) = stream.next().await {
        package.extend_from_slice(&piece.map_err(store_failure)?);
        if package.len() >= limit {
            return Err(too_large());
        }
    }
    Ok(package.freeze())
}

/// Checks a package without keeping it.
async fn check(lambda: &Lambda, package: Bytes) -> Result<CodePackage, Error> {
    let (digest, size_bytes) = (digest(package.clone()).await?, package.len() as u64);
    let contents = lambda.packages.check(package).await.map_err(refusal)?;
    Ok(CodePackage { digest, size_bytes, unzipped_bytes: contents.unzipped_bytes, image: None })
}

/// Checks a package and keeps it: it is on the disk when this returns.
async fn keep(lambda: &Lambda, cx: &Ctx, package: Bytes) -> Result<CodePackage, Error> {
    let contents = lambda.packages.check(package.clone()).await.map_err(refusal)?;
    let size_bytes = package.len() as u64;
    let digest = cx.platform.blobs.put(package).await.map_err(store_failure)?;
    Ok(CodePackage { digest, size_bytes, unzipped_bytes: contents.unzipped_bytes, image: None })
}

async fn digest(package: Bytes) -> Result<blob::Digest, Error> {
    // Tens of milliseconds for the largest packages.
    tokio::task::spawn_blocking(move || blob::Digest::of(&package)).await.map_err(store_failure)
}

fn refusal(error: PackageError) -> Error {
    if let PackageError::Malformed(reason) = &error {
        tracing::debug!(reason, "refused a package");
    }
    if error.is_fault_of_package() { errors::invalid_parameter(error.to_string()) } else { store_failure(error) }
}

/// Why an object cannot be had. What is not S3's to say to the caller stays an internal failure.
fn object_refused(error: &Error, place: &str) -> Error {
    let message = error.message.as_deref().unwrap_or_default();
    if error.is("AccessDenied") || error.is("AccessDeniedException") {
        return Error::new(
            &common::ACCESS_DENIED,
            format!(
                "Your access has been denied by S3, please make sure your request credentials have permission to \
                 GetObject for {place}. S3 Error Code: AccessDenied. S3 Error Message: {message}"
            ),
        );
    }
    if error.definition.status >= 500 {
        return store_failure(error);
    }
    let code = error.definition.code;
    errors::invalid_parameter(format!(
        "Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}"
    ))
}
