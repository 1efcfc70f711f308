//! Bodies on their way in: hashed while they pass, checked against all that the client declared, then kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blob::BlobError;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use platform::OrFailure;
use wire::error::Scalar;
use wire::{Body, Error};

use crate::body_writer::{BodyWriter, sealed_small};
use crate::checksum::{Algorithm, Checksum, Declared, Scope};
use crate::digests::Digests;
use crate::envelope::{Encryption, Envelope, SealedKey};
use crate::errors;
use crate::limits::{INLINE_BYTES_MAX, PUT_BYTES_MAX};
use crate::operations::put::Row;
use crate::service::S3;
use crate::version::{Content, Piece};
use crate::versions::ID_CHARACTERS;

/// A body that was received and is as the client declared it.
pub struct Received {
    /// Its bytes.
    pub size: u64,
    /// Its MD5, hexadecimal.
    pub md5: String,
    /// Its checksum.
    pub checksum: Checksum,
    /// Where it is.
    pub kept: Kept,
}

/// Where a received body is, sealed, and under which key.
pub enum Kept {
    /// It has no bytes.
    Empty,
    /// In memory: it is small.
    Memory(Bytes, SealedKey),
    /// In a blob, which is durable.
    Blob(blob::Digest, SealedKey),
}

/// What the client declared of a body.
pub struct Expected {
    /// `Content-MD5`.
    pub md5: Option<String>,
    /// Checksums in headers.
    pub declared: Declared,
    /// The algorithm to use where the client chose none.
    pub default: Algorithm,
    /// The body may have any length: the file of a form ends where the form says.
    pub has_any_length: bool,
}

/// Reads a body to its end, and keeps it encrypted.
///
/// # Errors
/// What S3 says of a body that is not as declared; `IncompleteBody` for one that ends early.
pub async fn receive(
    service: &S3,
    body: Body,
    expected: Expected,
    envelope: &Envelope,
    always_blob: bool,
) -> Result<Received, Error> {
    let md5 = expected.md5.as_deref().map(declared_md5).transpose()?;
    let mut chosen = expected.declared.chosen()?;
    let trailers = match &body {
        Body::Stream { trailers, .. } => trailers.clone(),
        _ => wire::body::Trailers::default(),
    };
    if let Some(algorithm) = Algorithm::ALL.into_iter().find(|algorithm| trailers.is_announced(algorithm.header())) {
        if chosen.as_ref().is_some_and(|(_, value)| value.is_some()) {
            let text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
            return Err(errors::request(text));
        }
        chosen = Some((algorithm, None));
    }
    if body.length().is_none() && !expected.has_any_length {
        return Err(api::s3::errors::missing_content_length("You must provide the Content-Length HTTP header."));
    }
    if body.length().is_some_and(|length| length > PUT_BYTES_MAX) {
        return Err(api::s3::errors::entity_too_large("Your proposed upload exceeds the maximum allowed size")
            .with("ProposedSize", Scalar::from(body.length().unwrap_or_default() as i64))
            .with("MaxSizeAllowed", Scalar::from(PUT_BYTES_MAX as i64)));
    }
    let algorithm = chosen.as_ref().map_or(expected.default, |(algorithm, _)| *algorithm);
    let mut intake = Intake::new(service, algorithm, envelope, always_blob);
    intake.take(body).await?;
    let (found_md5, value) = intake.digests.finish().await?;
    if let Some(declared) = md5.filter(|declared| declared[..] != found_md5[..]) {
        return Err(api::s3::errors::bad_digest("The Content-MD5 you specified did not match what we received.")
            .with("ExpectedDigest", Scalar::from(hex(&declared)))
            .with("CalculatedDigest", Scalar::from(STANDARD.encode(found_md5))));
    }
    let declared = chosen.and_then(|(_, value)| value).or_else(|| trailers.get(algorithm.header()).map(str::to_owned));
    if let Some(declared) = declared {
        algorithm.check_value(&declared)?;
        if declared != value {
            return Err(errors::checksum_mismatch(algorithm.name()));
        }
    }
    let (size, kept) = intake.keeper.finish().await?;
    Ok(Received { size, md5: hex(&found_md5), checksum: Checksum { algorithm, value, scope: Scope::Full }, kept })
}

/// Reads `Content-MD5`.
fn declared_md5(text: &str) -> Result<Vec<u8>, Error> {
    let bytes = STANDARD.decode(text).ok().filter(|bytes| bytes.len() == 16);
    bytes.ok_or_else(|| {
        api::s3::errors::invalid_digest("The Content-MD5 you specified was invalid.")
            .with("Content_MD5", Scalar::from(text))
    })
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A body being taken in.
struct Intake<'a> {
    digests: Digests,
    keeper: Keeper<'a>,
}

impl<'a> Intake<'a> {
    fn new(service: &'a S3, algorithm: Algorithm, envelope: &'a Envelope, always_blob: bool) -> Intake<'a> {
        let keeper = Keeper { service, envelope, size: 0, small: BytesMut::new(), writer: None, always_blob };
        Intake { digests: Digests::new(algorithm), keeper }
    }

    async fn take(&mut self, body: Body) -> Result<(), Error> {
        match body {
            Body::Empty => Ok(()),
            Body::Bytes(bytes) => self.write(&bytes).await,
            Body::Stream { mut stream, .. } => {
                while let Some(piece) = stream.next().await {
                    let text = "You did not provide the number of bytes specified by the Content-Length HTTP header";
                    let piece = piece.map_err(|_| api::s3::errors::incomplete_body(text))?;
                    self.write(&piece).await?;
                }
                Ok(())
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.digests.take(bytes).await?;
        self.keeper.write(bytes).await
    }
}

/// Where a body that is taken in is kept.
struct Keeper<'a> {
    service: &'a S3,
    envelope: &'a Envelope,
    size: u64,
    /// The body so far, while it is small.
    small: BytesMut,
    writer: Option<BodyWriter>,
    always_blob: bool,
}

impl Keeper<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.size += bytes.len() as u64;
        if self.writer.is_none() && self.small.len() + bytes.len() <= INLINE_BYTES_MAX {
            self.small.extend_from_slice(bytes);
            return Ok(());
        }
        if self.writer.is_none() {
            self.begin_blob().await?;
        }
        match &mut self.writer {
            Some(writer) => writer.write(bytes).await.map_err(blob_error),
            None => Ok(()),
        }
    }

    async fn begin_blob(&mut self) -> Result<(), Error> {
        let mut writer = BodyWriter::begin(self.service, self.envelope).await?;
        writer.write(&self.small).await.map_err(blob_error)?;
        self.writer = Some(writer);
        Ok(())
    }

    async fn finish(mut self) -> Result<(u64, Kept), Error> {
        if self.always_blob && self.writer.is_none() && self.size > 0 {
            self.begin_blob().await?;
        }
        match self.writer {
            Some(writer) => {
                let (digest, key) = writer.finish().await.map_err(blob_error)?;
                Ok((self.size, Kept::Blob(digest, key)))
            }
            None if self.size == 0 => Ok((0, Kept::Empty)),
            None => {
                let (sealed, key) = sealed_small(self.service, self.envelope, &self.small)?;
                Ok((self.size, Kept::Memory(sealed.into(), key)))
            }
        }
    }
}

impl Received {
    /// The entity tag of the object or part that it becomes.
    pub fn etag(&self, service: &S3, encryption: &Encryption) -> String {
        etag_of(service, encryption, &self.md5)
    }
}

/// The entity tag of a body: its MD5 where that is shown, else one that tells nothing of it.
pub fn etag_of(service: &S3, encryption: &Encryption, md5: &str) -> String {
    if encryption.shows_md5() { md5.to_owned() } else { service.platform.ids.hex(md5.len()) }
}

/// What a client is told when a blob cannot be written.
pub fn blob_error(error: BlobError) -> Error {
    match error {
        BlobError::DiskFull => {
            tracing::error!("no room for the body of an object");
            api::s3::errors::service_unavailable("Please reduce your request rate: the disk is full.")
        }
        BlobError::Remote(reason) => {
            tracing::error!(reason, "the body of an object cannot be kept or read");
            api::s3::errors::service_unavailable("Service is unable to handle request.")
        }
        other => match Err::<(), _>(other).or_failure() {
            Err(error) => error,
            Ok(()) => api::s3::errors::internal_error("We encountered an internal error. Please try again."),
        },
    }
}

impl Kept {
    /// The body as pieces of blobs. One in memory has no bytes: the others were asked to be blobs.
    pub fn pieces(&self, size: u64) -> Vec<Piece> {
        match self {
            Kept::Blob(digest, key) => vec![Piece { digest: *digest, offset: 0, length: size, key: Some(key.clone()) }],
            Kept::Empty | Kept::Memory(..) => Vec::new(),
        }
    }

    /// As the content of a version of an object, what lies beside its row, and the key.
    pub fn into_content(self, service: &S3, object: &str) -> (Content, Row, Option<SealedKey>) {
        match self {
            Kept::Empty => (Content::Empty, Row::None, None),
            Kept::Blob(digest, key) => (Content::Blob(digest), Row::None, Some(key)),
            Kept::Memory(bytes, key) => (Content::Inline(body_id(service, object)), Row::Body(bytes), Some(key)),
        }
    }
}

/// The id of a small body. It begins with the same characters for all bodies of an object, so that the row of a new one
/// lies where that of the old one is removed: a write then changes one page of the store fewer.
fn body_id(service: &S3, object: &str) -> String {
    let mut id = blob::Digest::of(object.as_bytes()).to_string();
    id.truncate(ID_CHARACTERS / 2);
    id.push_str(&service.platform.ids.hex(ID_CHARACTERS / 2));
    id
}

/// MD5 and checksum of a body that is kept already.
///
/// # Errors
/// `InternalError` if it cannot be read.
pub async fn digests(body: Body, algorithm: Algorithm) -> Result<(String, String), Error> {
    let mut digests = Digests::new(algorithm);
    match body {
        Body::Empty => {}
        Body::Bytes(bytes) => digests.take(&bytes).await?,
        Body::Stream { mut stream, .. } => {
            while let Some(piece) = stream.next().await {
                let text = "We encountered an internal error. Please try again.";
                digests.take(&piece.map_err(|_| api::s3::errors::internal_error(text))?).await?;
            }
        }
    }
    let (md5, checksum) = digests.finish().await?;
    Ok((hex(&md5), checksum))
}
