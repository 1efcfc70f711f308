//! Mutated documents against every reader: whatever comes in, a reader answers with a value or an error, soon.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use traca_wire::Body;
use traca_wire::codec::value::Dynamic;
use traca_wire::protocol::{RequestView, read_input_with, write_input};
use traca_wire::schema::*;
use traca_wire::validate::validate;

/// Far more than any of these small documents takes; a reader that loops or copies without bound takes longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same documents on every run; another seed finds other ones.
const SEED: u64 = 0x7a3c_a51d;

const fn shape(name: &'static str, kind: Kind) -> Shape {
    Shape { name, kind, constraints: &Constraints::NONE, sensitive: false }
}

static TEXT: Shape = Shape {
    name: "Text",
    kind: Kind::String,
    constraints: &Constraints { min: Some(1.0), max: Some(16.0), pattern: Some(r"[\w.-]+"), one_of: &[] },
    sensitive: false,
};
static NUMBER: Shape = shape("Number", Kind::Integer);
static LARGE: Shape = shape("Large", Kind::Long);
static REAL: Shape = shape("Real", Kind::Double);
static FLAG: Shape = shape("Flag", Kind::Boolean);
static BYTES: Shape = shape("Bytes", Kind::Blob);
static TIME: Shape = shape("Time", Kind::Timestamp(None));
static ANY: Shape = shape("Any", Kind::Document);
static LIST: Shape = shape("List", Kind::List { member: &Member::new("member", &NODE), flattened: false });
static FLAT: Shape = shape("Flat", Kind::List { member: &Member::new("member", &TEXT), flattened: true });
static MAP: Shape =
    shape("Map", Kind::Map { key: &Member::new("key", &TEXT), value: &Member::new("value", &NODE), flattened: false });
static NODE: Shape = shape("Node", Kind::Structure { members: &NODE_MEMBERS });
static NODE_MEMBERS: [Member; 11] = [
    Member { required: true, ..Member::new("Text", &TEXT) },
    Member::new("Number", &NUMBER),
    Member::new("Large", &LARGE),
    Member::new("Real", &REAL),
    Member::new("Flag", &FLAG),
    Member::new("Bytes", &BYTES),
    Member::new("Time", &TIME),
    Member::new("Any", &ANY),
    Member::new("List", &LIST),
    Member::new("Flat", &FLAT),
    Member::new("Map", &MAP),
];
static BOUND: Shape = shape("Bound", Kind::Structure { members: &BOUND_MEMBERS });
static BOUND_MEMBERS: [Member; 6] = [
    Member { location: Location::Header, ..Member::new("x-number", &NUMBER) },
    Member { location: Location::Header, ..Member::new("x-list", &FLAT) },
    Member { location: Location::Query, ..Member::new("time", &TIME) },
    Member { location: Location::Query, ..Member::new("flat", &FLAT) },
    Member { location: Location::Uri, ..Member::new("Label", &TEXT) },
    Member::new("Node", &NODE),
];

static OPERATION: OperationDef = OperationDef {
    name: "Fuzz",
    index: 0,
    http: &HttpBinding {
        method: "POST",
        uri: "/{Label}",
        segments: &[Segment::Label("Label")],
        query: &[],
        required_query: &[],
        required_headers: &[],
        status: 200,
    },
    unsigned: false,
    host_prefix: None,
    compressed_requests: false,
    result_wrapper: None,
    input_root: None,
    output_root: None,
    unwrapped_output: false,
    deprecated: false,
    validation_code: None,
    always_allowed: false,
    actions: &[],
    actions_by_content: &[],
    codec: None,
};

static SERVICE: ServiceDef = ServiceDef {
    id: "fuzz",
    service_id: "Fuzz",
    signing_name: "fuzz",
    endpoint_prefix: "fuzz",
    target_prefix: Some("Fuzz"),
    api_version: "2026-01-01",
    json_version: "1.0",
    protocols: &[Protocol::Json],
    xml_namespace: None,
    query_compatible: false,
    error_namespace: "",
    error_namespaces: &[],
    query_member_names: true,
    validation: Validation::Generic {
        code: "ValidationException",
        omit_value: false,
        body_path_prefix: false,
        elements_not_null: false,
    },
    operations: &[],
    errors: &[],
};

const PROTOCOLS: [Protocol; 7] = [
    Protocol::Json,
    Protocol::Query,
    Protocol::Ec2,
    Protocol::RestJson,
    Protocol::RestXml,
    Protocol::Cbor,
    Protocol::CborTarget,
];

const SAMPLE: &str = r#"{"Text":"a\u00e9\n","Number":-7,"Large":9007199254740993,"Real":1.5e3,"Flag":true,
    "Bytes":"aGVsbG8=","Time":1422172800.5,"Any":{"a":[1,null,"x"]},"List":[{"Text":"x"},{"List":[{"Flag":false}]}],
    "Flat":["a","b"],"Map":{"k":{"Text":"v"},"l":{}}}"#;

fn is_bound(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::RestJson | Protocol::RestXml)
}

/// A valid document of the protocol, made from the sample.
fn valid(protocol: Protocol) -> Vec<u8> {
    let text = if is_bound(protocol) { format!(r#"{{"Node":{SAMPLE}}}"#) } else { SAMPLE.to_owned() };
    let root = if is_bound(protocol) { &BOUND } else { &NODE };
    let mut reader = traca_wire::codec::json::JsonReader::new(text.as_bytes(), traca_wire::codec::json::Wording::Token)
        .expect("the test data is valid");
    let mut sample = Dynamic::read(&mut reader, root).expect("the test data is valid");
    match write_input(&SERVICE, &OPERATION, protocol, &mut sample).body {
        Body::Bytes(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    }
}

fn read(protocol: Protocol, body: Vec<u8>, query: &str, header: &[u8]) -> Result<Dynamic, String> {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(header) {
        headers.append("x-number", value.clone());
        headers.append("x-list", value);
    }
    let labels = [("Label", query.to_owned())];
    let view = RequestView { method: &Method::POST, labels: &labels, query, headers: &headers };
    let root = if is_bound(protocol) { &BOUND } else { &NODE };
    let mut value = None;
    let start = Instant::now();
    let outcome =
        read_input_with(&SERVICE, &OPERATION, protocol, &view, Body::from(Bytes::from(body)), &mut |reader| {
            value = Some(Dynamic::read(reader, root)?);
            Ok(())
        });
    assert!(start.elapsed() < PATIENCE, "{protocol:?} took {:?}", start.elapsed());
    outcome.map_err(|error| error.to_string())?;
    value.ok_or_else(|| "nothing was read".to_owned())
}

/// Replaces, inserts, removes and repeats pieces of a document.
fn mutate(document: &[u8], edits: &[(usize, u8, usize)]) -> Vec<u8> {
    let mut out = document.to_vec();
    for &(at, byte, kind) in edits {
        let at = if out.is_empty() { 0 } else { at % out.len() };
        match kind % 5 {
            0 if !out.is_empty() => out[at] = byte,
            1 => out.insert(at, byte),
            2 => out.truncate(at),
            3 => {
                let piece = out[at..].to_vec();
                out.extend(piece);
                out.truncate(document.len() * 4);
            }
            _ => out.extend([0xbf, 0x9f, b'{', b'[', b'"', byte]),
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, rng_seed: RngSeed::Fixed(SEED), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_reader_panics_or_hangs_on_a_mutated_document(
        protocol in 0..PROTOCOLS.len(),
        edits in prop::collection::vec((any::<usize>(), any::<u8>(), any::<usize>()), 1..12),
        query in "[a-z=&%+.0-9]{0,40}",
        header in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let protocol = PROTOCOLS[protocol];
        let document = mutate(&valid(protocol), &edits);
        if let Ok(input) = read(protocol, document, &query, &header) {
            // What can be read can also be checked and written.
            let _ = validate(&SERVICE, &OPERATION, &input);
            let _ = write_input(&SERVICE, &OPERATION, protocol, &mut { input });
        }
    }

    #[test]
    fn no_reader_panics_on_noise(
        protocol in 0..PROTOCOLS.len(),
        document in prop::collection::vec(any::<u8>(), 0..200),
        query in "\\PC{0,40}",
    ) {
        let _ = read(PROTOCOLS[protocol], document, &query, b"1, 2");
    }
}

#[test]
fn every_protocol_reads_what_it_wrote() {
    for protocol in PROTOCOLS {
        let read = read(protocol, valid(protocol), "", b"7").unwrap_or_else(|error| panic!("{protocol:?}: {error}"));
        let node = match read.get("Node") {
            Some(traca_wire::codec::value::Value::Structure(node)) => node,
            _ => &read,
        };
        assert!(
            matches!(node.get("Number"), Some(traca_wire::codec::value::Value::Integer(-7))),
            "{protocol:?} {node:?}"
        );
        assert!(matches!(node.get("Large"), Some(traca_wire::codec::value::Value::Integer(9_007_199_254_740_993))));
    }
}

#[test]
fn deep_nesting_is_refused_before_the_stack_ends() {
    const LEVELS: usize = 200_000;
    let deep = [
        (Protocol::Json, r#"{"List":["#.repeat(LEVELS).into_bytes()),
        (Protocol::Json, format!(r#"{{"Unknown":{}"#, "[".repeat(LEVELS)).into_bytes()),
        (Protocol::Json, format!(r#"{{"Any":{}"#, "[".repeat(LEVELS)).into_bytes()),
        (Protocol::Cbor, b"\xbf\x64List\x9f".repeat(LEVELS)),
        (Protocol::Cbor, [b"\xbf\x61x\x9f".to_vec(), vec![0x9f; LEVELS]].concat()),
        (Protocol::RestXml, "<Node>".repeat(LEVELS).into_bytes()),
        (Protocol::Query, format!("{}Text=x", "List.member.1.".repeat(LEVELS)).into_bytes()),
        (Protocol::Ec2, format!("{}Text=x", "List.1.".repeat(LEVELS)).into_bytes()),
    ];
    for (protocol, document) in deep {
        assert!(read(protocol, document, "", b"").is_err(), "{protocol:?}");
    }
}

#[test]
fn a_length_that_is_not_there_allocates_nothing() {
    // A text, byte string, list and map that claim 2^62 elements.
    for head in [0x7b_u8, 0x5b, 0x9b, 0xbb] {
        let mut document = b"\xbf\x64Text".to_vec();
        document.push(head);
        document.extend((1_u64 << 62).to_be_bytes());
        assert!(read(Protocol::Cbor, document, "", b"").is_err());
    }
}

#[test]
fn document_types_are_refused() {
    let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><Bound><Node><Text>&b;</Text></Node></Bound>"#;
    assert!(read(Protocol::RestXml, bomb.as_bytes().to_vec(), "", b"").is_err());
}
