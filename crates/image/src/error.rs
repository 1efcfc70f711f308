//! Why an image cannot be used.

use std::io;

use blob::BlobError;
use outbound::FetchError;

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The registry has no such image, or not this part of it.
    #[error("the registry does not have it")]
    NotFound,
    /// The registry wants other credentials.
    #[error("the registry refuses access")]
    Denied,
    /// A kind of manifest, configuration or layer that is not taken.
    #[error("the media type {0} is not supported")]
    MediaType(String),
    /// An index without a manifest for this architecture.
    #[error("the image has no manifest for {0}")]
    Architecture(String),
    /// It is not what the specifications say, or not what its digest says.
    #[error("the image is damaged: {0}")]
    Malformed(String),
    /// More than is taken.
    #[error("the image is too large: {0}")]
    TooLarge(&'static str),
    /// The registry does not answer, or not in a way that is understood.
    #[error("the registry cannot be used: {0}")]
    Registry(String),
    /// The blob store failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The file system failed.
    #[error("cannot unpack: {0}")]
    Io(io::Error),
}

impl ImageError {
    /// Something is not as it should be.
    pub(crate) fn malformed(what: impl Into<String>) -> ImageError {
        ImageError::Malformed(what.into())
    }

    /// Whether it is the image's own fault, so that trying again is useless.
    pub fn is_fault_of_image(&self) -> bool {
        match self {
            ImageError::MediaType(_)
            | ImageError::Architecture(_)
            | ImageError::Malformed(_)
            | ImageError::TooLarge(_) => true,
            ImageError::NotFound
            | ImageError::Denied
            | ImageError::Registry(_)
            | ImageError::Blob(_)
            | ImageError::Io(_) => false,
        }
    }
}

impl From<FetchError> for ImageError {
    fn from(error: FetchError) -> ImageError {
        ImageError::Registry(error.to_string())
    }
}

impl From<io::Error> for ImageError {
    /// What a decoder says of its input is the image's fault, everything else the machine's.
    fn from(error: io::Error) -> ImageError {
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
                ImageError::Malformed(error.to_string())
            }
            _ => ImageError::Io(error),
        }
    }
}
