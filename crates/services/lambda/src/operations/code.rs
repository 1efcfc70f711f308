//! Taking a package that came with a request.

use api::lambda::FunctionCode;
use bytes::Bytes;
use platform::Ctx;
use wire::Error;
use wire::error::common;

use crate::configuration;
use crate::errors;
use crate::function::CodePackage;
use crate::package::{PackageError, ZIPPED_BYTES_MAX};
use crate::{Lambda, store_failure};

/// Checks where the code comes from and how large it is, before anything expensive is done.
pub fn source(code: FunctionCode) -> Result<Bytes, Error> {
    configuration::check_code_source(&code)?;
    let Some(package) = code.zip_file else {
        return Err(errors::invalid_parameter("Please provide a source for function code."));
    };
    if package.len() > ZIPPED_BYTES_MAX {
        let text = format!("Zipped size must be smaller than {ZIPPED_BYTES_MAX} bytes");
        return Err(Error::new(&common::REQUEST_TOO_LARGE, text));
    }
    Ok(package)
}

/// Checks a package without keeping it.
pub async fn check(lambda: &Lambda, package: Bytes) -> Result<CodePackage, Error> {
    let code = CodePackage { digest: digest(package.clone()).await?, size_bytes: package.len() as u64 };
    lambda.packages.check(package).await.map_err(refusal)?;
    Ok(code)
}

/// Checks a package and keeps it: it is on the disk when this returns.
pub async fn keep(lambda: &Lambda, cx: &Ctx, package: Bytes) -> Result<CodePackage, Error> {
    lambda.packages.check(package.clone()).await.map_err(refusal)?;
    let size_bytes = package.len() as u64;
    let digest = cx.platform.blobs.put(package).await.map_err(store_failure)?;
    Ok(CodePackage { digest, size_bytes })
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
