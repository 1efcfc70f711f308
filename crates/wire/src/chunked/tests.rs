//! Tests of chunked bodies.

#![allow(clippy::unwrap_used, reason = "a test may fail where it unwraps")]

use proptest::prelude::*;

use super::*;
use crate::sigv4::{
    BodyCheck, BodyHash, Dialect, RequestTime, SignatureError, SigningKeys, SigningRules, parse_credentials, verify,
};

const UNSIGNED: StreamingPayload = StreamingPayload { signed: false, trailer: true };

type Decoded = (Vec<u8>, Vec<(String, String)>);

/// Decodes a body that arrives in pieces of `piece` bytes.
fn decode(mut decoder: ChunkDecoder, body: &[u8], piece: usize) -> Result<Decoded, ChunkError> {
    let mut data = Vec::new();
    for piece in body.chunks(piece) {
        let mut input = Bytes::copy_from_slice(piece);
        while let Some(slice) = decoder.decode(&mut input)? {
            data.extend_from_slice(&slice);
        }
        assert!(input.is_empty());
    }
    Ok((data, decoder.finish()?))
}

fn unsigned(expected: u64) -> ChunkDecoder {
    ChunkDecoder::new(UNSIGNED, None, expected)
}

/// The signer of the trailer example of the Amazon S3 API Reference.
fn documented_signer() -> ChunkSigner {
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=\
         content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;\
         x-amz-trailer,Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    let request = http::Request::builder()
        .method("PUT")
        .uri("/examplebucket/chunkObject.txt")
        .header("host", "s3.amazonaws.com")
        .header("x-amz-date", "20130524T000000Z")
        .header("x-amz-storage-class", "REDUCED_REDUNDANCY")
        .header("authorization", authorization)
        .header("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", "66560")
        .header("x-amz-trailer", "x-amz-checksum-crc32c");
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let rules = SigningRules { dialect: Dialect::S3, service: "s3", region: None, host_bucket: None };
    let now = RequestTime::parse_basic("20130524T000000Z").unwrap().unix_seconds;
    let credentials = parse_credentials(&parts).unwrap();
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    match verify(&parts, &credentials, secret, BodyHash::Unread, &rules, &SigningKeys::default(), now) {
        Ok(BodyCheck::Chunked { signer: Some(signer), .. }) => signer,
        other => panic!("the documented seed signature must hold: {other:?}"),
    }
}

fn documented_body(before_signature: &str) -> Vec<u8> {
    let chunks = [
        (65_536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"),
        (1_024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"),
    ];
    let mut body = Vec::new();
    for (size, signature) in chunks {
        body.extend_from_slice(format!("{size:x};chunk-signature={signature}\r\n").as_bytes());
        body.extend(std::iter::repeat_n(b'a', size));
        body.extend_from_slice(b"\r\n");
    }
    let end = "0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n\
               x-amz-checksum-crc32c:sOO8/Q==";
    let signature = "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
    body.extend_from_slice(format!("{end}{before_signature}{signature}").as_bytes());
    body
}

fn documented() -> ChunkDecoder {
    let payload = StreamingPayload { signed: true, trailer: true };
    ChunkDecoder::new(payload, Some(documented_signer()), 66_560)
}

#[test]
fn the_documented_body_decodes_in_pieces_of_any_size() {
    for before_signature in ["\r\n", "\n", "\n\r\n"] {
        let body = documented_body(before_signature);
        for piece in [1, 7, 80, 8_192, body.len()] {
            let (data, trailers) = decode(documented(), &body, piece).unwrap();
            assert_eq!(data, vec![b'a'; 66_560]);
            assert_eq!(trailers, [("x-amz-checksum-crc32c".to_owned(), "sOO8/Q==".to_owned())]);
        }
    }
}

#[test]
fn damage_to_data_trailer_or_any_signature_is_found() {
    let body = documented_body("\r\n");
    let find = |text: &str| body.windows(text.len()).position(|window| window == text.as_bytes()).unwrap() + text.len();
    let last = body.len() - 10;
    for place in [find("chunk-signature="), 200, 65_800, find("\r\n0;chunk-signature="), find("crc32c:"), last] {
        let mut damaged = body.clone();
        damaged[place] = if damaged[place] == b'0' { b'1' } else { b'0' };
        let error = decode(documented(), &damaged, 4_096).unwrap_err();
        assert!(matches!(error, ChunkError::Signature(Invalid::Mismatch(_))), "at {place}: {error:?}");
        let ChunkError::Signature(invalid) = error else { unreachable!() };
        assert_eq!(SignatureError::from(invalid).refusal(Dialect::S3).code, "SignatureDoesNotMatch");
    }
}

#[test]
fn a_signed_body_without_its_signatures_is_refused() {
    let plain = b"5\r\nhello\r\n0\r\n\r\n";
    let payload = StreamingPayload { signed: true, trailer: false };
    let decoder = || ChunkDecoder::new(payload, Some(documented_signer()), 5);
    assert_eq!(decode(decoder(), plain, 3), Err(ChunkError::MalformedChunk));

    let body = documented_body("\r\n");
    let trailer = b"x-amz-trailer-signature";
    let end = body.windows(trailer.len()).position(|window| window == trailer).unwrap();
    let unsigned_trailer = [&body[..end], b"\r\n"].concat();
    assert_eq!(decode(documented(), &unsigned_trailer, 100), Err(ChunkError::Incomplete));
}

#[test]
fn an_unsigned_body_with_a_trailer_decodes() {
    let body = b"a\r\n0123456789\r\n0\r\nx-amz-checksum-crc32: AAAAAA==\r\n\r\n";
    for piece in 1..body.len() {
        let (data, trailers) = decode(unsigned(10), body, piece).unwrap();
        assert_eq!(data, b"0123456789");
        assert_eq!(trailers, [("x-amz-checksum-crc32".to_owned(), "AAAAAA==".to_owned())]);
    }
    assert_eq!(decode(unsigned(0), b"0\r\n\r\n", 2).unwrap(), (vec![], vec![]));
}

#[test]
fn data_is_handed_on_without_a_copy() {
    let mut input = Bytes::from_static(b"5\r\nhello\r\n0\r\n\r\n");
    let start = input.as_ptr();
    let slice = unsigned(5).decode(&mut input).unwrap().unwrap();
    assert_eq!(slice.as_ptr(), start.wrapping_add(3));
}

#[test]
fn the_length_must_be_the_declared_one() {
    for (declared, body) in [
        (6, &b"5\r\nhello\r\n0\r\n\r\n"[..]),
        (4, b"5\r\nhello\r\n0\r\n\r\n"),
        (5, b"5\r\nhello\r\n"),
        (5, b"5\r\nhel"),
        (5, b""),
        (5, b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:A"),
        (5, b"5\r\nhello\r\n0\r\n\r\nmore"),
    ] {
        assert_eq!(decode(unsigned(declared), body, 4), Err(ChunkError::Incomplete), "{}", body.escape_ascii());
    }
}

#[test]
fn a_refusal_says_what_s3_says() {
    let small = ChunkError::ChunkTooSmall { chunk: 1, size: 100 }.refusal();
    assert_eq!((small.code, small.status), ("InvalidChunkSizeError", 403));
    assert_eq!(small.fields, [("Chunk", "1".to_owned()), ("BadChunkSize", "100".to_owned())]);
    assert_eq!(ChunkError::Incomplete.refusal().message, "The request body terminated unexpectedly");
    assert_eq!(ChunkError::MalformedTrailer.refusal().code, "MalformedTrailerError");
}

#[test]
fn the_framing_is_not_part_of_what_is_stored() {
    for (sent, stored) in [
        ("aws-chunked", None),
        ("aws-chunked,gzip", Some("gzip")),
        ("gzip, AWS-Chunked", Some("gzip")),
        ("deflate, gzip", Some("deflate, gzip")),
    ] {
        assert_eq!(stored_content_encoding(sent).as_deref(), stored);
    }
    let length = |value: &'static str| {
        let name = http::HeaderName::from_static("x-amz-decoded-content-length");
        decoded_length(&HeaderMap::from_iter([(name, http::HeaderValue::from_static(value))]))
    };
    assert_eq!((length("66560"), length("+1"), length("-1"), length("")), (Some(66_560), None, None, None));
}

#[test]
fn framing_that_makes_no_sense_is_refused() {
    for body in [
        &b"x\r\nhello\r\n"[..],
        b"-5\r\nhello\r\n",
        b"+5\r\nhello\r\n",
        b"\r\n",
        b"fffffffffffffffff\r\n",
        b"5\r\nhelloworld\r\n",
        b"5\r\nhello\rx\n0\r\n",
    ] {
        assert_eq!(decode(unsigned(5), body, 100), Err(ChunkError::MalformedChunk), "{}", body.escape_ascii());
    }
    for body in [&b"0\r\nno colon\r\n\r\n"[..], b"0\r\n: no name\r\n\r\n", b"0\r\n\xff:1\r\n\r\n"] {
        assert_eq!(decode(unsigned(0), body, 100), Err(ChunkError::MalformedTrailer), "{}", body.escape_ascii());
    }
}

#[test]
fn only_the_last_chunk_may_be_small() {
    let full = [b"2000\r\n".to_vec(), vec![b'x'; 8_192], b"\r\n1\r\ny\r\n0\r\n\r\n".to_vec()].concat();
    assert_eq!(decode(unsigned(8_193), &full, 1_000).unwrap().0.len(), 8_193);
    let small = b"64\r\n0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\r\n1\r\ny\r\n0\r\n\r\n";
    let error = decode(unsigned(101), small, 1_000);
    assert_eq!(error, Err(ChunkError::ChunkTooSmall { chunk: 1, size: 100 }));
}

#[test]
fn lines_and_trailers_are_bounded() {
    let long_line = vec![b'0'; MAX_CHUNK_LINE_BYTES + 1];
    assert_eq!(decode(unsigned(5), &long_line, 10), Err(ChunkError::MalformedChunk));
    let many = [b"0\r\n".to_vec(), b"name:value\r\n".repeat(MAX_TRAILER_BYTES / 12 + 1)].concat();
    assert_eq!(decode(unsigned(0), &many, 100), Err(ChunkError::MalformedTrailer));
    let one = [b"0\r\nname:".to_vec(), vec![b'v'; MAX_TRAILER_BYTES]].concat();
    assert_eq!(decode(unsigned(0), &one, 100), Err(ChunkError::MalformedTrailer));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_framed_comes_back(sizes in prop::collection::vec(8_192_usize..9_000, 0..3), last in 1_usize..50, piece in 1_usize..5_000) {
        let mut body = Vec::new();
        let mut expected = Vec::new();
        for (index, size) in sizes.into_iter().chain([last]).enumerate() {
            let data = vec![index as u8; size];
            body.extend_from_slice(format!("{size:X}\r\n").as_bytes());
            body.extend_from_slice(&data);
            body.extend_from_slice(b"\r\n");
            expected.extend_from_slice(&data);
        }
        body.extend_from_slice(b"0\r\n\r\n");
        prop_assert_eq!(decode(unsigned(expected.len() as u64), &body, piece).unwrap().0, expected);
    }

    #[test]
    fn damage_never_panics_and_never_passes_for_the_whole(
        edits in prop::collection::vec((any::<usize>(), any::<u8>()), 1..8),
        piece in 1_usize..64,
        declared in any::<u64>(),
        signed: bool,
    ) {
        let mut body = b"10;chunk-signature=00\r\n0123456789abcdef\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n".to_vec();
        for (place, byte) in edits {
            let place = place % body.len();
            body[place] = byte;
        }
        let payload = StreamingPayload { signed, trailer: true };
        for declared in [16, declared] {
            if let Ok((data, _)) = decode(ChunkDecoder::new(payload, None, declared), &body, piece) {
                prop_assert_eq!(data.len() as u64, declared);
            }
        }
    }
}
