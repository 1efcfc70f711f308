//! Tests of event-stream framing.

#![allow(clippy::unwrap_used, reason = "a test may fail where it unwraps")]

use proptest::prelude::*;

use super::*;

fn decode_all(frames: &[u8], piece: usize) -> Result<Vec<Message>, FrameError> {
    let mut decoder = MessageDecoder::default();
    let mut messages = Vec::new();
    for piece in frames.chunks(piece) {
        let mut input = Bytes::copy_from_slice(piece);
        while let Some(message) = decoder.decode(&mut input)? {
            messages.push(message);
        }
    }
    assert!(decoder.is_at_boundary() || !frames.is_empty());
    Ok(messages)
}

#[test]
fn the_published_vectors_are_written_byte_for_byte() {
    // From the specification's test vectors: a message without headers and payload, and one of a payload alone.
    let empty = Message { headers: vec![], payload: Bytes::new() };
    assert_eq!(empty.encode().unwrap()[..], *b"\0\0\0\x10\0\0\0\0\x05\xc2\x48\xeb\x7d\x98\xc8\xff");
    let payload = Message { headers: vec![], payload: Bytes::from_static(b"{'foo':'bar'}") };
    assert_eq!(payload.encode().unwrap()[..], *b"\0\0\0\x1d\0\0\0\0\xfd\x52\x8c\x5a{'foo':'bar'}\xc3\x65\x39\x36");
    let headers = vec![("event-type".into(), HeaderValue::Integer(0xa00c))];
    let integer = Message { headers, payload: Bytes::from_static(b"{'foo':'bar'}") };
    assert_eq!(
        integer.encode().unwrap()[..],
        *b"\0\0\0\x2d\0\0\0\x10\x41\xc4\x24\xb8\x0aevent-type\x04\0\0\xa0\x0c{'foo':'bar'}\x36\xf4\x80\xa0"
    );
}

#[test]
fn events_exceptions_and_errors_carry_their_headers() {
    let header = |message: &Message, name: &str| message.header(name).and_then(HeaderValue::as_str).map(str::to_owned);
    let event = Message::event("PayloadChunk", "application/octet-stream", Bytes::from_static(b"x"));
    assert_eq!(header(&event, ":message-type").unwrap(), "event");
    assert_eq!(header(&event, ":event-type").unwrap(), "PayloadChunk");
    assert_eq!(header(&event, ":content-type").unwrap(), "application/octet-stream");
    let initial = Message::initial_response("application/x-amz-json-1.1", Bytes::from_static(b"{}"));
    assert_eq!(header(&initial, ":event-type").unwrap(), "initial-response");
    let exception = Message::exception("ThrottlingException", "application/json", Bytes::new());
    assert_eq!(header(&exception, ":message-type").unwrap(), "exception");
    assert_eq!(header(&exception, ":exception-type").unwrap(), "ThrottlingException");
    let error = Message::error("InternalError", "broken");
    assert_eq!(header(&error, ":error-code").unwrap(), "InternalError");
    assert_eq!(header(&error, ":error-message").unwrap(), "broken");
}

#[test]
fn limits_hold_in_both_directions() {
    let too_large = Message { headers: vec![], payload: Bytes::from(vec![0; MAX_PAYLOAD_BYTES + 1]) };
    assert_eq!(too_large.encode(), Err(FrameError::TooLarge));
    let long_name =
        Message { headers: vec![("n".repeat(256).into(), HeaderValue::Boolean(true))], payload: Bytes::new() };
    assert_eq!(long_name.encode(), Err(FrameError::TooLarge));
    let long_value = HeaderValue::String("v".repeat(MAX_HEADER_VALUE_BYTES + 1).into());
    let long_value = Message { headers: vec![("n".into(), long_value)], payload: Bytes::new() };
    assert_eq!(long_value.encode(), Err(FrameError::TooLarge));

    let prelude = |total: u32, headers: u32| {
        let mut prelude = [total.to_be_bytes(), headers.to_be_bytes()].concat();
        prelude.extend_from_slice(&crc32(&prelude).to_be_bytes());
        decode_all(&prelude, 5)
    };
    assert_eq!(prelude(u32::MAX, 0), Err(FrameError::TooLarge));
    assert_eq!(prelude(u32::MAX, u32::MAX), Err(FrameError::TooLarge));
    assert_eq!(prelude(15, 0), Err(FrameError::Lengths));
    assert_eq!(prelude(16, 1), Err(FrameError::Lengths));
    assert_eq!(prelude(0, 0), Err(FrameError::Lengths));
}

#[test]
fn damage_is_found() {
    let frame = Message::event("E", "text/plain", Bytes::from_static(b"payload")).encode().unwrap();
    for place in 0..frame.len() {
        let mut damaged = frame.to_vec();
        damaged[place] ^= 1;
        let error = decode_all(&damaged, damaged.len()).unwrap_err();
        let expected = if place < PRELUDE_BYTES { FrameError::PreludeChecksum } else { FrameError::MessageChecksum };
        assert_eq!(error, expected, "at {place}");
    }
}

fn values() -> impl Strategy<Value = HeaderValue> {
    prop_oneof![
        any::<bool>().prop_map(HeaderValue::Boolean),
        any::<i8>().prop_map(HeaderValue::Byte),
        any::<i16>().prop_map(HeaderValue::Short),
        any::<i32>().prop_map(HeaderValue::Integer),
        any::<i64>().prop_map(HeaderValue::Long),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| HeaderValue::Bytes(bytes.into())),
        "\\PC{0,20}".prop_map(|text| HeaderValue::String(text.into())),
        any::<i64>().prop_map(HeaderValue::Timestamp),
        any::<[u8; 16]>().prop_map(HeaderValue::Uuid),
    ]
}

fn messages() -> impl Strategy<Value = Message> {
    let headers = prop::collection::vec(("[a-z:-]{1,20}".prop_map(Cow::Owned), values()), 0..5);
    let payload = prop::collection::vec(any::<u8>(), 0..100).prop_map(Bytes::from);
    (headers, payload).prop_map(|(headers, payload)| Message { headers, payload })
}

proptest! {
    #[test]
    fn what_is_written_is_read_in_pieces_of_any_size(messages in prop::collection::vec(messages(), 0..4), piece in 1_usize..300) {
        let frames: Vec<u8> = messages.iter().flat_map(|message| message.encode().unwrap()).collect();
        prop_assert_eq!(decode_all(&frames, piece).unwrap(), messages);
    }

    #[test]
    fn headers_of_any_bytes_are_read_or_refused(headers in prop::collection::vec(any::<u8>(), 0..60)) {
        let total = (PRELUDE_BYTES + headers.len() + CRC_BYTES) as u32;
        let mut frame = [total.to_be_bytes(), (headers.len() as u32).to_be_bytes()].concat();
        frame.extend_from_slice(&crc32(&frame).to_be_bytes());
        frame.extend_from_slice(&headers);
        frame.extend_from_slice(&crc32(&frame).to_be_bytes());
        match decode_all(&frame, frame.len()) {
            Ok(messages) => prop_assert_eq!(messages.len(), 1),
            Err(error) => prop_assert_eq!(error, FrameError::Header),
        }
    }

    #[test]
    fn any_bytes_are_refused_or_waited_for(bytes in prop::collection::vec(any::<u8>(), 0..100), piece in 1_usize..20) {
        if let Ok(messages) = decode_all(&bytes, piece) {
            prop_assert!(messages.is_empty());
        }
    }
}
