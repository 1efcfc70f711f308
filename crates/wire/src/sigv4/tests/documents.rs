//! Requests whose signatures AWS itself has published: the Signature Version 4 test suite and the examples of the
//! Amazon S3 API Reference.

use super::*;

const S3_TIME: &str = "20130524T000000Z";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn s3_request(method: &str, uri: &str, host: &str, headers: &[(&str, &str)], signed: &str, signature: &str) -> Parts {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20130524/us-east-1/s3/aws4_request,SignedHeaders={signed},Signature={signature}"
    );
    let mut all = vec![("host", host), ("x-amz-date", S3_TIME), ("authorization", authorization.as_str())];
    all.extend_from_slice(headers);
    head(method, uri, &all)
}

fn check_s3(parts: &Parts, body: BodyHash) -> Result<BodyCheck, SignatureError> {
    check(parts, SECRET, body, &rules(Dialect::S3, "s3"), at(S3_TIME))
}

#[test]
fn s3_header_examples_hold() {
    let host = "examplebucket.s3.amazonaws.com";
    let empty = ("x-amz-content-sha256", EMPTY);
    let get = s3_request(
        "GET",
        "/test.txt",
        host,
        &[("range", "bytes=0-9"), empty],
        "host;range;x-amz-content-sha256;x-amz-date",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
    let put = s3_request(
        "PUT",
        "/test$file.text",
        host,
        &[
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
        ],
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    );
    let lifecycle = s3_request(
        "GET",
        "/?lifecycle",
        host,
        &[empty],
        "host;x-amz-content-sha256;x-amz-date",
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    );
    let list = s3_request(
        "GET",
        "/?max-keys=2&prefix=J",
        host,
        &[empty],
        "host;x-amz-content-sha256;x-amz-date",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    );
    for parts in [&get, &lifecycle, &list] {
        assert!(matches!(check_s3(parts, BodyHash::Known(sha256(b""))), Ok(BodyCheck::Done)));
    }
    let body = sha256(b"Welcome to Amazon S3.");
    assert!(matches!(check_s3(&put, BodyHash::Known(body)), Ok(BodyCheck::Done)));
    assert!(matches!(check_s3(&put, BodyHash::Unread), Ok(BodyCheck::Sha256(expected)) if expected == body));
    let other = check_s3(&put, BodyHash::Known(sha256(b"Welcome to Amazon S4."))).unwrap_err();
    assert!(matches!(other, SignatureError::Invalid(Invalid::PayloadMismatch { .. })));
}

#[test]
fn s3_presigned_example_holds_until_it_expires() {
    let uri = format!(
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={ACCESS_KEY}%2F20130524%2Fus-east-1%2Fs3%2F\
         aws4_request&X-Amz-Date={S3_TIME}&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=\
         aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
    let parts = head("GET", &uri, &[("host", "examplebucket.s3.amazonaws.com")]);
    let check_at = |now| check(&parts, SECRET, BodyHash::Unread, &rules(Dialect::S3, "s3"), now);
    assert!(matches!(check_at(at(S3_TIME)), Ok(BodyCheck::Done)));
    assert!(matches!(check_at(at("20130525T000000Z")), Ok(BodyCheck::Done)));
    let expired = check_at(at("20130525T000001Z")).unwrap_err();
    assert!(matches!(expired, SignatureError::Invalid(Invalid::PresignedExpired { lifetime: Some(86_400), .. })));
}

fn seed(trailer: bool) -> Parts {
    let framing = if trailer {
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
    } else {
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    };
    let mut headers = vec![
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        framing,
    ];
    let (signed, signature) = if trailer {
        headers.push(("x-amz-trailer", "x-amz-checksum-crc32c"));
        (
            "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;\
             x-amz-trailer",
            "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        )
    } else {
        headers.push(("content-length", "66824"));
        (
            "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
             x-amz-storage-class",
            "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        )
    };
    s3_request("PUT", "/examplebucket/chunkObject.txt", "s3.amazonaws.com", &headers, signed, signature)
}

#[test]
fn s3_chunked_example_holds_chunk_by_chunk() {
    let Ok(BodyCheck::Chunked { payload, signer: Some(mut signer) }) = check_s3(&seed(false), BodyHash::Unread) else {
        panic!("the seed signature must hold")
    };
    assert_eq!(payload, StreamingPayload { signed: true, trailer: false });
    let chunks = [
        (65_536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
        (1_024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ];
    for (length, signature) in chunks {
        signer.check_chunk(&sha256(&vec![b'a'; length]), signature).unwrap();
    }
}

#[test]
fn s3_trailer_example_holds_to_its_last_signature() {
    let Ok(BodyCheck::Chunked { payload, signer: Some(mut signer) }) = check_s3(&seed(true), BodyHash::Unread) else {
        panic!("the seed signature must hold")
    };
    assert_eq!(payload, StreamingPayload { signed: true, trailer: true });
    let chunks = [
        (65_536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"),
        (1_024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"),
        (0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"),
    ];
    for (length, signature) in chunks {
        signer.check_chunk(&sha256(&vec![b'a'; length]), signature).unwrap();
    }
    let trailer = sha256(b"x-amz-checksum-crc32c:sOO8/Q==\n");
    signer.check_trailer(&trailer, "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435").unwrap();
}

/// A case of the test suite: method, URI, headers besides host and date, body, signed headers, signature.
type Text = &'static str;
type SuiteCase = (Text, Text, &'static [(Text, Text)], Text, Text, Text);

const PLAIN: &str = "host;x-amz-date";

const SUITE: [SuiteCase; 10] = [
    ("GET", "/", &[], "", PLAIN, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("POST", "/", &[], "", PLAIN, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    (
        "GET",
        "/?Param2=value2&Param1=value1",
        &[],
        "",
        PLAIN,
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    (
        "GET",
        "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        &[],
        "",
        PLAIN,
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    ("GET", "//example//", &[], "", PLAIN, "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
    ("GET", "/example/..", &[], "", PLAIN, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("GET", "/./example", &[], "", PLAIN, "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
    (
        "GET",
        "/",
        &[("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")],
        "",
        "host;my-header1;x-amz-date",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    (
        "GET",
        "/",
        &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
        "",
        "host;my-header1;my-header2;x-amz-date",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    (
        "POST",
        "/",
        &[("content-type", "application/x-www-form-urlencoded")],
        "Param1=value1",
        "content-type;host;x-amz-date",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
];

#[test]
fn the_published_test_suite_holds() {
    for (method, uri, headers, body, signed, signature) in SUITE {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={signed}, \
             Signature={signature}"
        );
        let mut all = vec![
            ("host", "example.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
            ("authorization", authorization.as_str()),
        ];
        all.extend_from_slice(headers);
        let parts = head(method, uri, &all);
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let body = BodyHash::Known(sha256(body.as_bytes()));
        let result = check(&parts, secret, body, &rules(Dialect::Query, "service"), at("20150830T123600Z"));
        assert!(result.is_ok(), "{method} {uri}: {result:#?}");
    }
}
