//! An `aws-chunked` body without signatures: decoded or refused, and never longer than what arrived.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use wire::chunked::ChunkDecoder;
use wire::sigv4::StreamingPayload;

fuzz_target!(|body: &[u8]| {
    for kind in ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"] {
        let payload = StreamingPayload::parse(kind).expect("a known kind");
        let mut decoder = ChunkDecoder::new(payload, None, body.len() as u64 / 2);
        let (mut rest, mut decoded) = (Bytes::copy_from_slice(body), 0);
        while let Ok(Some(piece)) = decoder.decode(&mut rest) {
            decoded += piece.len();
        }
        let _ = decoder.finish();
        assert!(decoded <= body.len());
    }
});
