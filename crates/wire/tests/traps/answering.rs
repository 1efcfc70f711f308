//! Answers.

use http::StatusCode;
use traca_wire::Timestamp;
use traca_wire::codec::json::JsonWriter;
use traca_wire::codec::{Structure, Writer};
use traca_wire::error::common;
use traca_wire::protocol::{NamedAction, unknown_operation, write_error, write_unroutable};

use super::*;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

static REST_OPERATION: OperationDef = OperationDef {
    name: "GetThing",
    http: &HttpBinding { method: "GET", ..HttpBinding::ROOT },
    output_root: Some("Thing"),
    ..described()
};

/// The plain operation again, for others to differ from.
const fn described() -> OperationDef {
    OperationDef {
        name: "Describe",
        index: 0,
        http: &HttpBinding::ROOT,
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
    }
}

static LISTED: Shape = shape("Listed", Kind::Structure { members: &LISTED_MEMBERS });
static LISTED_MEMBERS: [Member; 4] = [
    Member::new("Second", &TEXT),
    Member::new("First", &TEXT),
    Member::new("Names", &TEXTS),
    Member::new("Keys", &FLAT_TEXTS),
];

#[test]
fn an_xml_document_begins_with_a_declaration_and_has_the_root_of_its_operation() {
    let answer = write(&REST_OPERATION, Protocol::RestXml, set(Dynamic::new(&LISTED), "First", text("1")));
    let namespace = "xmlns=\"http://example.amazonaws.com/doc/\"";
    assert_eq!(body(&answer), format!("{DECLARATION}<Thing {namespace}><First>1</First></Thing>"));
    assert_eq!(header(&answer, "content-type"), Some("application/xml"));
}

#[test]
fn members_keep_the_order_of_the_model() {
    let output = || set(set(Dynamic::new(&LISTED), "First", text("1")), "Second", text("2"));
    let answer = write(&OPERATION, Protocol::Query, output());
    assert!(body(&answer).contains("<Second>2</Second><First>1</First>"), "{}", body(&answer));
    let answer = write(&OPERATION, Protocol::Json, output());
    assert_eq!(body(&answer), r#"{"Second":"2","First":"1"}"#);
}

#[test]
fn query_answers_have_a_result_and_metadata() {
    let answer = write(&OPERATION, Protocol::Query, set(Dynamic::new(&LISTED), "First", text("1")));
    let expected = "<DescribeResponse xmlns=\"http://example.amazonaws.com/doc/\"><DescribeResult><First>1</First>\
                    </DescribeResult><ResponseMetadata><RequestId>the-id</RequestId></ResponseMetadata>\
                    </DescribeResponse>";
    assert_eq!(body(&answer), expected);
}

#[test]
fn ec2_answers_have_no_result_level_and_its_errors_spell_the_id_in_capitals() {
    let answer = write(&OPERATION, Protocol::Ec2, set(Dynamic::new(&LISTED), "First", text("1")));
    let expected = "<DescribeResponse xmlns=\"http://example.amazonaws.com/doc/\"><requestId>the-id</requestId>\
                    <First>1</First></DescribeResponse>";
    assert_eq!(body(&answer), format!("{DECLARATION}{expected}"));
    let error = Error::new(&common::INVALID_PARAMETER_VALUE, "no");
    let answer = write_error(Some(&SERVICE), None, Protocol::Ec2, &error, &CONTEXT);
    let expected = "<Response><Errors><Error><Code>InvalidParameterValue</Code><Message>no</Message></Error></Errors>\
                    <RequestID>the-id</RequestID></Response>";
    assert_eq!(body(&answer), format!("{DECLARATION}{expected}"));
}

#[test]
fn an_empty_list_shows_and_an_absent_one_does_not() {
    let empty = || set(Dynamic::new(&LISTED), "Names", Value::List(Vec::new()));
    assert_eq!(body(&write(&OPERATION, Protocol::Json, empty())), r#"{"Names":[]}"#);
    assert_eq!(body(&write(&OPERATION, Protocol::Json, Dynamic::new(&LISTED))), "{}");
    let answer = write(&OPERATION, Protocol::Query, empty());
    assert!(body(&answer).contains("<DescribeResult><Names></Names></DescribeResult>"), "{}", body(&answer));
    let flat = set(Dynamic::new(&LISTED), "Keys", Value::List(Vec::new()));
    let answer = write(&OPERATION, Protocol::Query, flat);
    assert!(body(&answer).contains("<DescribeResult></DescribeResult>"), "{}", body(&answer));
}

static TIMED: Shape = shape("Timed", Kind::Structure { members: &TIMED_MEMBERS });
static TIMED_MEMBERS: [Member; 1] = [Member::new("At", &TIME)];

#[test]
fn times_are_written_in_the_spelling_of_each_protocol() {
    let at = Timestamp { seconds: 1_422_172_800, nanoseconds: 0 };
    let answer = |protocol| write(&REST_OPERATION, protocol, set(Dynamic::new(&TIMED), "At", Value::Timestamp(at)));
    for (protocol, expected) in [
        (Protocol::Json, r#""At":1422172800"#),
        (Protocol::RestJson, r#""At":1422172800"#),
        (Protocol::Query, "<At>2015-01-25T08:00:00Z</At>"),
        (Protocol::Ec2, "<At>2015-01-25T08:00:00.000Z</At>"),
        (Protocol::RestXml, "<At>2015-01-25T08:00:00.000Z</At>"),
    ] {
        let answer = answer(protocol);
        assert!(body(&answer).contains(expected), "{protocol:?}: {}", body(&answer));
    }
    let Body::Bytes(smithy) = answer(Protocol::Cbor).body else { panic!("no body") };
    assert!(smithy.windows(2).any(|pair| pair == [0xc1, 0xfb]), "tag 1 over a double: {smithy:x?}");
    let Body::Bytes(target) = answer(Protocol::CborTarget).body else { panic!("no body") };
    let milliseconds = [&[0x1b][..], &1_422_172_800_000_u64.to_be_bytes()].concat();
    assert!(target.windows(9).any(|item| item == milliseconds), "whole milliseconds: {target:x?}");
}

static STREAMED: Shape = shape("Streamed", Kind::Structure { members: &STREAMED_MEMBERS });
static EVENTS: Shape = shape("Events", Kind::Union { members: &[] });
static STREAMED_MEMBERS: [Member; 3] = [
    bound("Version", &TEXT, Location::Header, "X-Version"),
    Member { event_stream: true, ..bound("Stream", &EVENTS, Location::Payload, "Stream") },
    bound("Code", &NUMBER, Location::Status, "Code"),
];

#[test]
fn events_of_a_rest_service_follow_no_initial_response() {
    let events = Value::Body(Body::from(Bytes::from_static(b"the events")));
    let output = set(set(Dynamic::new(&STREAMED), "Version", text("7")), "Stream", events);
    let answer = write(&REST_OPERATION, Protocol::RestJson, set(output, "Code", Value::Integer(202)));
    assert_eq!((body(&answer), header(&answer, "X-Version")), ("the events", Some("7")));
    assert_eq!(header(&answer, "content-type"), Some("application/vnd.amazon.eventstream"));
    assert_eq!(answer.status, StatusCode::ACCEPTED);
}

#[test]
fn a_body_that_was_taken_leaves_no_trace_in_the_document() {
    static OUTPUT: Shape = shape("Output", Kind::Structure { members: &MEMBERS });
    static MEMBERS: [Member; 2] =
        [Member { streaming: true, ..Member::new("Stream", &BYTES) }, Member::new("Name", &TEXT)];
    let stream = Value::Body(Body::from(Bytes::from_static(b"streamed")));
    let mut output = set(set(Dynamic::new(&OUTPUT), "Stream", stream), "Name", text("n"));
    assert!(matches!(output.take_body(), Some(Body::Bytes(bytes)) if bytes == "streamed"));
    let mut writer = JsonWriter::new();
    writer.begin_structure(output.shape());
    output.write_members(&mut writer);
    writer.end_structure();
    assert_eq!(writer.finish(), r#"{"Name":"n"}"#);
}

#[test]
fn answers_without_members_or_without_content_have_no_body_and_no_type() {
    static NO_CONTENT: OperationDef = OperationDef {
        name: "Delete",
        http: &HttpBinding { method: "DELETE", status: 204, ..HttpBinding::ROOT },
        ..described()
    };
    for protocol in [Protocol::RestJson, Protocol::RestXml] {
        for operation in [&REST_OPERATION, &NO_CONTENT] {
            let answer = write(operation, protocol, Dynamic::new(&UNIT));
            assert_eq!((body(&answer), header(&answer, "content-type")), ("", None), "{protocol:?} {}", operation.name);
        }
    }
    static HEADED: Shape = shape("PutOutput", Kind::Structure { members: &MEMBERS });
    static MEMBERS: [Member; 1] = [bound("ETag", &TEXT, Location::Header, "ETag")];
    let answer = write(&REST_OPERATION, Protocol::RestXml, set(Dynamic::new(&HEADED), "ETag", text("\"1\"")));
    assert_eq!((body(&answer), header(&answer, "etag"), header(&answer, "content-type")), ("", Some("\"1\""), None));
}

#[test]
fn an_answer_to_head_keeps_its_length_but_has_no_body() {
    static HEAD: OperationDef =
        OperationDef { name: "HeadThing", http: &HttpBinding { method: "HEAD", ..HttpBinding::ROOT }, ..described() };
    static OUTPUT: Shape = shape("HeadOutput", Kind::Structure { members: &MEMBERS });
    static MEMBERS: [Member; 1] = [bound("ContentLength", &NUMBER, Location::Header, "Content-Length")];
    let mut output = set(Dynamic::new(&OUTPUT), "ContentLength", Value::Integer(12));
    let context = AnswerContext { head: true, ..CONTEXT };
    let answer = write_output(&SERVICE, &HEAD, Protocol::RestXml, &mut output, &context);
    assert_eq!((header(&answer, "content-length"), body(&answer)), (Some("12"), ""));
}

#[test]
fn every_protocol_names_the_request_where_its_clients_look() {
    let protocols = [
        Protocol::Json,
        Protocol::Query,
        Protocol::Ec2,
        Protocol::RestJson,
        Protocol::RestXml,
        Protocol::Cbor,
        Protocol::CborTarget,
    ];
    let error = Error::new(&common::INTERNAL_FAILURE, "no");
    for protocol in protocols {
        let answers = [
            write(&REST_OPERATION, protocol, Dynamic::new(&LISTED)),
            write_error(Some(&SERVICE), None, protocol, &error, &CONTEXT),
        ];
        for answer in answers {
            let (own, s3) = (header(&answer, "x-amzn-requestid"), header(&answer, "x-amz-request-id"));
            if protocol == Protocol::RestXml {
                assert_eq!((own, s3, header(&answer, "x-amz-id-2")), (None, Some("the-id"), Some("the-host")));
            } else {
                assert_eq!((own, s3), (Some("the-id"), None), "{protocol:?}");
            }
            assert_eq!(header(&answer, "x-amz-crc32"), None, "clients check it where it is");
        }
    }
}

pub static GRANTEE: Shape = shape("Grantee", Kind::Structure { members: &GRANTEE_MEMBERS });
static GRANTEE_MEMBERS: [Member; 2] = [
    Member { renamed: Some("xsi:type"), xml_attribute: true, ..Member::new("Type", &TEXT) },
    Member::new("URI", &TEXT),
];

#[test]
fn an_attribute_declares_its_prefix() {
    static GRANT: Shape = shape("Grant", Kind::Structure { members: &MEMBERS });
    const XSI: XmlNamespace = XmlNamespace { uri: "http://www.w3.org/2001/XMLSchema-instance", prefix: Some("xsi") };
    static MEMBERS: [Member; 1] = [Member { xml_namespace: Some(&XSI), ..Member::new("Grantee", &GRANTEE) }];
    let grantee = set(set(Dynamic::new(&GRANTEE), "Type", text("Group")), "URI", text("u"));
    let answer = write(&OPERATION, Protocol::Query, set(Dynamic::new(&GRANT), "Grantee", Value::Structure(grantee)));
    let expected = "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\"><URI>u</URI>\
                    </Grantee>";
    assert!(body(&answer).contains(expected), "{}", body(&answer));
}

static QUEUES: ServiceDef =
    ServiceDef { signing_name: "sqs", endpoint_prefix: "sqs", validation: Validation::MissingParameter, ..copied() };
static GATEWAY: ServiceDef = ServiceDef { signing_name: "apigateway", ..copied() };

/// The plain service again, for others to differ from.
const fn copied() -> ServiceDef {
    ServiceDef {
        id: "example",
        service_id: "Example",
        signing_name: "example",
        endpoint_prefix: "example",
        target_prefix: None,
        api_version: "2020-01-01",
        json_version: "1.1",
        protocols: &[Protocol::Query],
        xml_namespace: Some(NAMESPACE),
        query_compatible: false,
        error_namespace: "",
        error_namespaces: &[],
        query_member_names: false,
        validation: Validation::Own { code: "ValidationException" },
        operations: &[],
        errors: &[],
    }
}

fn unknown(service: &'static ServiceDef, protocol: Protocol, action: Option<NamedAction<'_>>) -> ResponseParts {
    let error = unknown_operation(Some(service), protocol, action);
    write_error(Some(service), None, protocol, &error, &CONTEXT)
}

#[test]
fn an_unknown_action_is_a_fault_of_the_framework_and_repeats_the_version_asked_for() {
    let versions = [(Some("2000-01-01"), "2000-01-01"), (Some(""), ""), (None, "NO_VERSION_SPECIFIED")];
    for (version, shown) in versions {
        let answer = unknown(&SERVICE, Protocol::Query, Some(NamedAction { name: "Nothing", version }));
        let expected = format!(
            "<ErrorResponse xmlns=\"http://webservices.amazon.com/AWSFault/2005-15-09\"><Error><Type>Sender</Type>\
             <Code>InvalidAction</Code><Message>Could not find operation Nothing for version {shown}</Message></Error>\
             <RequestId>the-id</RequestId></ErrorResponse>"
        );
        assert_eq!((answer.status, body(&answer)), (StatusCode::BAD_REQUEST, expected.as_str()));
    }
}

#[test]
fn sqs_and_ec2_have_words_of_their_own_for_an_unknown_action() {
    let action = Some(NamedAction { name: "Nothing", version: None });
    let answer = unknown(&QUEUES, Protocol::Query, action);
    assert!(body(&answer).contains("<Message>The action Nothing is not valid for this endpoint.</Message>"));
    let answer = unknown(&SERVICE, Protocol::Ec2, action);
    assert!(body(&answer).contains("<Message>The action Nothing is not valid for this web service.</Message>"));
}

#[test]
fn a_request_that_names_no_action_is_told_so_little() {
    let answer = unknown(&SERVICE, Protocol::Query, None);
    assert_eq!((answer.status.as_u16(), body(&answer)), (404, "<UnknownOperationException/>\n"));
    let answer = write_unroutable(&CONTEXT);
    assert_eq!((answer.status.as_u16(), body(&answer)), (404, "<UnknownOperationException/>\n"));
    let answer = unknown(&SERVICE, Protocol::Ec2, None);
    assert!(body(&answer).contains("<Code>MissingAction</Code>"), "{}", body(&answer));
}

#[test]
fn a_path_that_nobody_has_is_unknown_but_at_api_gateway_unauthenticated() {
    let answer = unknown(&SERVICE, Protocol::RestJson, None);
    let error_type = header(&answer, "x-amzn-errortype");
    assert_eq!((answer.status.as_u16(), error_type), (404, Some("UnknownOperationException")));
    let answer = unknown(&GATEWAY, Protocol::RestJson, None);
    let error_type = header(&answer, "x-amzn-errortype");
    assert_eq!((answer.status.as_u16(), error_type), (403, Some("MissingAuthenticationTokenException")));
    assert_eq!(body(&answer), r#"{"message":"Missing Authentication Token"}"#);
    let answer = unknown(&SERVICE, Protocol::RestXml, None);
    assert_eq!(answer.status.as_u16(), 405);
    assert!(body(&answer).contains("<Code>MethodNotAllowed</Code>"), "{}", body(&answer));
}
