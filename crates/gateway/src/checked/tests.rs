use futures_util::StreamExt;
use wire::error::Error;

use super::*;

/// The head of a request with these headers.
fn head(headers: &[(&'static str, &str)]) -> Parts {
    let mut request = http::Request::new(());
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    request.into_parts().0
}

const UNSIGNED: (&str, &str) = ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");

fn stream_of(pieces: &'static [&'static str]) -> Body {
    let pieces = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
    Body::Stream { stream: Box::pin(futures_util::stream::iter(pieces)), length: None, trailers: Trailers::default() }
}

/// What a handler reads: the data, and the error that ended it.
async fn read(body: Body) -> (Vec<u8>, Option<io::Error>) {
    let Body::Stream { mut stream, .. } = body else { panic!("{body:?} is no stream") };
    let mut data = Vec::new();
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(piece) => data.extend_from_slice(&piece),
            Err(error) => return (data, Some(error)),
        }
    }
    (data, None)
}

fn code(error: Option<Error>) -> Option<&'static str> {
    error.map(|error| error.definition.code)
}

#[tokio::test]
async fn chunked_framing_is_taken_off_wherever_the_pieces_are_cut() {
    let parts = head(&[UNSIGNED, ("x-amz-decoded-content-length", "5")]);
    let pieces = &["5\r", "\nhel", "lo\r\n0\r\nx-amz-checksum-crc32:", "NhCmhg==\r\n\r\n"];
    let refusal = Refusal::default();
    let body = checked_stream(&parts, None, stream_of(pieces), &refusal).unwrap();
    assert_eq!(body.length(), Some(5));
    let (data, error) = read(body).await;
    assert_eq!((data.as_slice(), error.is_none()), (&b"hello"[..], true));
    let whole = checked_bytes(&parts, None, pieces.concat().into()).unwrap();
    assert_eq!(whole, "hello");
}

#[tokio::test]
async fn a_body_that_ends_early_or_is_misframed_is_refused_with_its_reason() {
    let parts = head(&[UNSIGNED, ("x-amz-decoded-content-length", "5")]);
    for (pieces, expected) in [
        (&["5\r\nhel"][..], "IncompleteBody"),
        (&["zz\r\nhello"][..], "InvalidRequest"),
        (&["4\r\nhell\r\n0\r\n\r\n"][..], "IncompleteBody"),
    ] {
        let refusal = Refusal::default();
        let (_, error) = read(checked_stream(&parts, None, stream_of(pieces), &refusal).unwrap()).await;
        assert!(error.is_some(), "{pieces:?}");
        assert_eq!(code(refusal.take()), Some(expected), "{pieces:?}");
        assert_eq!(code(checked_bytes(&parts, None, pieces.concat().into()).err()), Some(expected));
    }
    let undeclared = head(&[UNSIGNED]);
    assert_eq!(code(checked_bytes(&undeclared, None, Bytes::new()).err()), Some("MissingContentLength"));
}

#[tokio::test]
async fn a_streamed_body_has_to_hash_to_what_was_signed() {
    let parts = head(&[]);
    let declared = wire::sigv4::sha256(b"hello");
    let refusal = Refusal::default();
    let check = || Some(BodyCheck::Sha256(declared));
    let (data, error) = read(checked_stream(&parts, check(), stream_of(&["hel", "lo"]), &refusal).unwrap()).await;
    assert_eq!((data.as_slice(), error.is_none()), (&b"hello"[..], true));
    let (_, error) = read(checked_stream(&parts, check(), stream_of(&["hel", "l0"]), &refusal).unwrap()).await;
    assert!(error.is_some());
    assert_eq!(code(refusal.take()), Some("XAmzContentSHA256Mismatch"));
}
