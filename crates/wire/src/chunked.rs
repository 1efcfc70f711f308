//! `aws-chunked` bodies: chunks with their sizes, perhaps signatures, perhaps trailing headers.
//!
//! ```text
//! 2000;chunk-signature=ad80…\r\n <8192 bytes> \r\n
//! 0;chunk-signature=b684…\r\n
//! x-amz-checksum-crc32c:sOO8/Q==\r\n
//! x-amz-trailer-signature:63bd…\r\n
//! \r\n
//! ```
//!
//! [`ChunkDecoder`] is fed the body in pieces of any size and hands on slices of those very pieces, uncopied. Rules:
//! Amazon S3 API Reference, "Signature Calculations … Transferring Payload in Multiple Chunks", and "… Trailers".

use bytes::Bytes;
use http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::sigv4::{ChunkSigner, Dialect, Invalid, Refusal, SignatureError, StreamingPayload, sha256};

/// Longest line that opens a chunk, in bytes: a 64-bit size, `;chunk-signature=` and 64 digits fit with room to spare.
pub const MAX_CHUNK_LINE_BYTES: usize = 256;

/// Longest trailer, in bytes. A checksum and a signature take under 250; S3 limits all headers to 8 KB.
pub const MAX_TRAILER_BYTES: usize = 8_192;

/// Least size of every chunk but the last, in bytes (S3, `InvalidChunkSizeError`).
pub const MIN_CHUNK_BYTES: u64 = 8_192;

/// Why a chunked body is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// The body ends early, or its length is not the declared one: S3 `IncompleteBody`, 400.
    #[error("The request body terminated unexpectedly")]
    Incomplete,
    /// A chunk's line cannot be read: S3 `IncompleteBody`, 400.
    #[error("The body of the aws-chunked request is malformed")]
    MalformedChunk,
    /// A chunk other than the last is too small: S3 `InvalidChunkSizeError`, 403.
    #[error("Only the last chunk is allowed to have a size less than 8192 bytes")]
    ChunkTooSmall {
        /// Which chunk, from 1.
        chunk: u64,
        /// Its size in bytes.
        size: u64,
    },
    /// The trailing headers cannot be read: S3 `MalformedTrailerError`, 400.
    #[error("The request contained trailing data that was not well-formed or did not conform to our published schema.")]
    MalformedTrailer,
    /// A signature does not hold: S3 `SignatureDoesNotMatch`, 403.
    #[error(transparent)]
    Signature(#[from] Invalid),
}

impl ChunkError {
    /// The answer that S3 gives.
    pub fn refusal(&self) -> Refusal {
        let (code, status, fields) = match self {
            ChunkError::Incomplete | ChunkError::MalformedChunk => ("IncompleteBody", 400, vec![]),
            ChunkError::ChunkTooSmall { chunk, size } => {
                let fields = vec![("Chunk", chunk.to_string()), ("BadChunkSize", size.to_string())];
                ("InvalidChunkSizeError", 403, fields)
            }
            ChunkError::MalformedTrailer => ("MalformedTrailerError", 400, vec![]),
            ChunkError::Signature(invalid) => return SignatureError::from(invalid.clone()).refusal(Dialect::S3),
        };
        Refusal { code, status, message: self.to_string(), fields }
    }
}

/// `x-amz-decoded-content-length`: how many bytes the body has without its framing. S3 answers
/// `MissingContentLength` where it is missing or no number.
pub fn decoded_length(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get("x-amz-decoded-content-length")?.to_str().ok()?;
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A `Content-Encoding` without `aws-chunked`, which is how the body travels and not what is stored; `None` if nothing
/// else is left.
pub fn stored_content_encoding(content_encoding: &str) -> Option<String> {
    let codings = content_encoding.split(',').map(str::trim);
    let stored: Vec<&str> = codings.filter(|c| !c.is_empty() && !c.eq_ignore_ascii_case("aws-chunked")).collect();
    (!stored.is_empty()).then(|| stored.join(", "))
}

/// Where the decoder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In a chunk's line.
    Line,
    /// In a chunk's data, of which so many bytes are to come.
    Data(u64),
    /// Before the line break that ends a chunk's data.
    DataEnd,
    /// In the trailing headers.
    Trailer,
    /// After the end.
    Done,
}

/// An incremental decoder of one body.
#[derive(Debug)]
pub struct ChunkDecoder {
    payload: StreamingPayload,
    signer: Option<ChunkSigner>,
    expected_bytes: u64,
    decoded_bytes: u64,
    state: State,
    /// The line that is being collected; at most a chunk line or a trailer line.
    line: Vec<u8>,
    trailer_bytes: usize,
    chunk: u64,
    chunk_size: u64,
    chunk_signature: String,
    chunk_hasher: Sha256,
    trailers: Vec<(String, String)>,
    trailer_signature: Option<String>,
}

impl ChunkDecoder {
    /// A decoder for a body of `expected_bytes` decoded bytes (`x-amz-decoded-content-length`). Without a `signer`,
    /// signatures of chunks are read and ignored: that is for requests whose signature is not checked at all.
    pub fn new(payload: StreamingPayload, signer: Option<ChunkSigner>, expected_bytes: u64) -> ChunkDecoder {
        ChunkDecoder {
            payload,
            signer,
            expected_bytes,
            decoded_bytes: 0,
            state: State::Line,
            line: Vec::new(),
            trailer_bytes: 0,
            chunk: 0,
            chunk_size: 0,
            chunk_signature: String::new(),
            chunk_hasher: Sha256::new(),
            trailers: Vec::new(),
            trailer_signature: None,
        }
    }

    /// Takes the next piece of the body off `input` and returns the next slice of data in it; `None` when the piece is
    /// used up. Call it until then, once per piece.
    ///
    /// Data of a signed chunk is returned before its signature can be checked, which is only possible at its end: the
    /// caller must not commit anything before [`ChunkDecoder::finish`].
    ///
    /// # Errors
    /// What is wrong with the framing or a signature. The decoder is of no use after that.
    pub fn decode(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, ChunkError> {
        while !input.is_empty() {
            match self.state {
                State::Data(remaining) => {
                    let taken = usize::try_from(remaining).map_or(input.len(), |most| most.min(input.len()));
                    let data = input.split_to(taken);
                    if self.signer.is_some() {
                        self.chunk_hasher.update(&data);
                    }
                    self.decoded_bytes += taken as u64;
                    let remaining = remaining - taken as u64;
                    self.state = if remaining == 0 { State::DataEnd } else { State::Data(remaining) };
                    return Ok(Some(data));
                }
                State::Done => return Err(ChunkError::Incomplete),
                State::Line | State::DataEnd | State::Trailer => {
                    if let Some(line) = self.take_line(input)? {
                        self.end_line(&line)?;
                    }
                }
            }
        }
        Ok(None)
    }

    /// Ends the body and returns the trailing headers, names in lower case, without the trailer's signature.
    ///
    /// # Errors
    /// [`ChunkError::Incomplete`] if the body ended early or has another length than was declared;
    /// [`ChunkError::MalformedTrailer`] or [`ChunkError::Signature`] for its trailer.
    pub fn finish(mut self) -> Result<Vec<(String, String)>, ChunkError> {
        // Some clients leave out the last line break of a body without trailers.
        if self.state == State::Trailer && self.line.is_empty() && !self.payload.trailer {
            self.end_trailer()?;
        }
        if self.state != State::Done || self.decoded_bytes != self.expected_bytes {
            return Err(ChunkError::Incomplete);
        }
        Ok(self.trailers)
    }

    /// Collects up to and without the next line break; `None` if it is not in `input`.
    fn take_line(&mut self, input: &mut Bytes) -> Result<Option<Vec<u8>>, ChunkError> {
        let (limit, too_long) = match self.state {
            State::Trailer => (MAX_TRAILER_BYTES - self.trailer_bytes, ChunkError::MalformedTrailer),
            _ => (MAX_CHUNK_LINE_BYTES, ChunkError::MalformedChunk),
        };
        let end = memchr::memchr(b'\n', input);
        let piece = input.split_to(end.map_or(input.len(), |end| end + 1));
        if self.line.len() + piece.len() > limit {
            return Err(too_long);
        }
        self.line.extend_from_slice(&piece);
        if end.is_none() {
            return Ok(None);
        }
        let mut line = std::mem::take(&mut self.line);
        if self.state == State::Trailer {
            self.trailer_bytes += line.len();
        }
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(line))
    }

    fn end_line(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        match self.state {
            State::Line => self.begin_chunk(line),
            State::DataEnd if !line.is_empty() => Err(ChunkError::MalformedChunk),
            State::DataEnd => {
                self.check_chunk()?;
                self.state = State::Line;
                Ok(())
            }
            // Some clients put an empty line before the signature that ends a signed trailer.
            State::Trailer if line.is_empty() && self.awaits_trailer_signature() => Ok(()),
            State::Trailer if line.is_empty() => self.end_trailer(),
            State::Trailer => self.add_trailer(line),
            State::Data(_) | State::Done => Ok(()),
        }
    }

    fn begin_chunk(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        let line = std::str::from_utf8(line).map_err(|_| ChunkError::MalformedChunk)?;
        let (size, extension) = line.split_once(';').unwrap_or((line, ""));
        let is_hex = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_hexdigit());
        let size = u64::from_str_radix(size, 16).ok().filter(|_| is_hex).ok_or(ChunkError::MalformedChunk)?;
        if size > 0 && self.chunk > 0 && self.chunk_size < MIN_CHUNK_BYTES {
            return Err(ChunkError::ChunkTooSmall { chunk: self.chunk, size: self.chunk_size });
        }
        if size > self.expected_bytes - self.decoded_bytes {
            return Err(ChunkError::Incomplete);
        }
        match extension.trim().strip_prefix("chunk-signature=") {
            Some(signature) => signature.clone_into(&mut self.chunk_signature),
            None if self.payload.signed => return Err(ChunkError::MalformedChunk),
            None => self.chunk_signature.clear(),
        }
        self.chunk += 1;
        self.chunk_size = size;
        if size == 0 {
            self.check_chunk()?;
            self.state = State::Trailer;
        } else {
            self.state = State::Data(size);
        }
        Ok(())
    }

    fn check_chunk(&mut self) -> Result<(), ChunkError> {
        if let Some(signer) = &mut self.signer {
            let digest = self.chunk_hasher.finalize_reset().into();
            signer.check_chunk(&digest, &self.chunk_signature)?;
        }
        Ok(())
    }

    fn add_trailer(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        if !self.payload.trailer {
            return Err(ChunkError::MalformedTrailer);
        }
        let line = std::str::from_utf8(line).map_err(|_| ChunkError::MalformedTrailer)?;
        let (name, value) = line.split_once(':').ok_or(ChunkError::MalformedTrailer)?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
        if name.is_empty() {
            return Err(ChunkError::MalformedTrailer);
        }
        if name == "x-amz-trailer-signature" {
            self.trailer_signature = Some(value);
        } else {
            self.trailers.push((name, value));
        }
        Ok(())
    }

    fn awaits_trailer_signature(&self) -> bool {
        self.payload.signed && self.payload.trailer && self.trailer_signature.is_none()
    }

    fn end_trailer(&mut self) -> Result<(), ChunkError> {
        if self.payload.trailer
            && let Some(signer) = &mut self.signer
        {
            let signature = self.trailer_signature.take().ok_or(ChunkError::MalformedTrailer)?;
            self.trailers.sort_unstable();
            let canonical: String = self.trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
            signer.check_trailer(&sha256(canonical.as_bytes()), &signature)?;
        }
        self.state = State::Done;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
