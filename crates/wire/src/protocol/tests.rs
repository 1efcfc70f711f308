//! Answers and errors of each protocol, and the traps of reading requests, each under its own name.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};

use super::*;
use crate::codec::value::{Dynamic, Value};
use crate::error::{Error, Scalar, common};
use crate::schema::*;

const fn shape(name: &'static str, kind: Kind) -> Shape {
    Shape { name, kind, constraints: &Constraints::NONE, sensitive: false }
}

static TEXT: Shape = shape("Text", Kind::String);
static NUMBER: Shape = shape("Number", Kind::Integer);
static QUEUE_ATTRIBUTES: Shape = shape(
    "QueueAttributeMap",
    Kind::Map {
        key: &Member { query_name: Some("Name"), ..Member::new("key", &TEXT) },
        value: &Member { query_name: Some("Value"), ..Member::new("value", &TEXT) },
        flattened: true,
    },
);
static QUEUE: Shape = shape("CreateQueueRequest", Kind::Structure { members: &QUEUE_MEMBERS });
static QUEUE_MEMBERS: [Member; 2] = [
    Member::new("QueueName", &TEXT),
    Member { query_name: Some("Attribute"), ..Member::new("Attributes", &QUEUE_ATTRIBUTES) },
];
static LISTING: Shape = shape("ListObjectsV2Request", Kind::Structure { members: &LISTING_MEMBERS });
static LISTING_MEMBERS: [Member; 3] = [
    Member { location: Location::Query, renamed: Some("max-keys"), ..Member::new("MaxKeys", &NUMBER) },
    Member { location: Location::Query, renamed: Some("prefix"), ..Member::new("Prefix", &TEXT) },
    Member { location: Location::Uri, ..Member::new("Bucket", &TEXT) },
];
static PLACE: Shape = shape("GetBucketLocationOutput", Kind::Structure { members: &PLACE_MEMBERS });
static PLACE_MEMBERS: [Member; 1] = [Member::new("LocationConstraint", &TEXT)];
static UNIT: Shape = shape(Shape::UNIT, Kind::Structure { members: &[] });

const SQS: XmlNamespace = XmlNamespace { uri: "http://queue.amazonaws.com/doc/2012-11-05/", prefix: None };
const S3: XmlNamespace = XmlNamespace { uri: "http://s3.amazonaws.com/doc/2006-03-01/", prefix: None };

static SERVICE: ServiceDef = ServiceDef {
    id: "sqs",
    service_id: "SQS",
    signing_name: "sqs",
    endpoint_prefix: "sqs",
    target_prefix: Some("AmazonSQS"),
    api_version: "2012-11-05",
    json_version: "1.0",
    protocols: &[Protocol::Json, Protocol::Query],
    xml_namespace: Some(SQS),
    query_compatible: true,
    error_namespace: "com.amazonaws.sqs",
    error_namespaces: &[("SerializationException", "com.amazon.coral.service")],
    query_member_names: true,
    validation: Validation::MissingParameter,
    operations: &[],
    errors: &[&NO_QUEUE],
};

static STORAGE: ServiceDef =
    ServiceDef { service_id: "S3", xml_namespace: Some(S3), query_compatible: false, ..copied() };

const fn copied() -> ServiceDef {
    ServiceDef {
        id: "s3",
        service_id: "S3",
        signing_name: "s3",
        endpoint_prefix: "s3",
        target_prefix: None,
        api_version: "2006-03-01",
        json_version: "1.1",
        protocols: &[Protocol::RestXml],
        xml_namespace: None,
        query_compatible: false,
        error_namespace: "",
        error_namespaces: &[],
        query_member_names: false,
        validation: Validation::Own { code: "MalformedXML" },
        operations: &[],
        errors: &[],
    }
}

static NO_QUEUE: ErrorDef = ErrorDef {
    name: "QueueDoesNotExist",
    code: "QueueDoesNotExist",
    status: 404,
    fault: Fault::Client,
    message_member: "message",
    members: &[],
    query_code: Some("AWS.SimpleQueueService.NonExistentQueue"),
};

static OPERATION: OperationDef = OperationDef {
    name: "GetBucketLocation",
    index: 0,
    http: &HttpBinding::ROOT,
    unsigned: false,
    host_prefix: None,
    compressed_requests: false,
    result_wrapper: Some("GetBucketLocationResult"),
    input_root: None,
    output_root: Some("LocationConstraint"),
    unwrapped_output: true,
    deprecated: false,
    validation_code: None,
    always_allowed: false,
    actions: &[],
    actions_by_content: &[],
    codec: None,
};

const CONTEXT: AnswerContext<'static> = AnswerContext {
    request_id: "the-id",
    host_id: "the-host",
    resource: None,
    head: false,
    query_mode: false,
    json_answer: false,
};

fn body(parts: &ResponseParts) -> String {
    match &parts.body {
        Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

fn header<'a>(parts: &'a ResponseParts, name: &str) -> &'a str {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn read(
    service: &'static ServiceDef,
    protocol: Protocol,
    shape: &'static Shape,
    query: &str,
    content: &'static str,
) -> Result<Dynamic, Error> {
    let headers = HeaderMap::new();
    let view = RequestView { method: &Method::POST, labels: &[], query, headers: &headers };
    let mut input = Dynamic::new(shape);
    read_input_with(service, &OPERATION, protocol, &view, Body::from(Bytes::from(content)), &mut |reader| {
        input = Dynamic::read(reader, shape)?;
        Ok(())
    })?;
    Ok(input)
}

fn text<'a>(structure: &'a Dynamic, name: &str) -> Option<&'a str> {
    match structure.get(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

#[test]
fn sqs_query_clients_may_use_either_name_of_a_map() {
    for content in [
        "Action=CreateQueue&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5",
        "Action=CreateQueue&QueueName=q&Attributes.1.Name=DelaySeconds&Attributes.1.Value=5",
    ] {
        let input = read(&SERVICE, Protocol::Query, &QUEUE, "", content).expect("valid parameters");
        let Some(Value::Map(attributes)) = input.get("Attributes") else { panic!("no attributes in {content}") };
        assert!(matches!(&attributes["DelaySeconds"], Value::String(seconds) if seconds == "5"));
    }
}

#[test]
fn parameters_may_be_split_over_url_and_body() {
    let input = read(&SERVICE, Protocol::Query, &QUEUE, "Action=CreateQueue&QueueName=a+b%2B", "Version=2012-11-05");
    assert_eq!(text(&input.expect("valid parameters"), "QueueName"), Some("a b+"));
}

#[test]
fn an_empty_integer_in_the_query_is_absent() {
    let input = read(&STORAGE, Protocol::RestXml, &LISTING, "max-keys=&prefix=", "").expect("valid parameters");
    assert!(input.get("MaxKeys").is_none());
    assert_eq!(text(&input, "Prefix"), Some(""));
}

#[test]
fn a_query_parameter_of_the_wrong_type_is_named_by_s3() {
    let error = read(&STORAGE, Protocol::RestXml, &LISTING, "max-keys=many", "").expect_err("not a number");
    let answer = write_error(Some(&STORAGE), None, Protocol::RestXml, &error, &CONTEXT);
    let expected = "<Error><Code>InvalidArgument</Code><Message>Provided max-keys not an integer or within integer \
                    range</Message><ArgumentName>max-keys</ArgumentName><ArgumentValue>many</ArgumentValue>\
                    <RequestId>the-id</RequestId><HostId>the-host</HostId></Error>";
    assert_eq!(body(&answer), format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{expected}"));
    assert_eq!((answer.status.as_u16(), header(&answer, "x-amz-request-id")), (400, "the-id"));
}

#[test]
fn a_json_null_is_absent_unknown_members_are_skipped_and_no_body_is_an_empty_object() {
    let content = r#"{"Unknown":{"a":[1,{"b":null}]},"QueueName":null}"#;
    let input = read(&SERVICE, Protocol::Json, &QUEUE, "", content).expect("valid JSON");
    assert!(input.get("QueueName").is_none());
    assert!(read(&SERVICE, Protocol::Json, &QUEUE, "", "").is_ok());
}

#[test]
fn json_of_the_wrong_type_is_a_serialization_exception_in_the_words_of_the_framework() {
    let error = read(&SERVICE, Protocol::Json, &QUEUE, "", r#"{"QueueName":12}"#).expect_err("a number");
    let answer = write_error(Some(&SERVICE), None, Protocol::Json, &error, &CONTEXT);
    let expected = r#"{"__type":"com.amazon.coral.service#SerializationException","Message":"NUMBER_VALUE cannot be converted to String"}"#;
    assert_eq!(body(&answer), expected);
    let error = read(&STORAGE, Protocol::Json, &QUEUE, "", r#"{"QueueName":true}"#).expect_err("a boolean");
    assert_eq!(error.message.as_deref(), Some("class java.lang.Boolean can not be converted to an String"));
    let error = read(&SERVICE, Protocol::Json, &QUEUE, "", "{").expect_err("no JSON");
    assert_eq!(error.message, None);
}

#[test]
fn query_compatible_errors_carry_the_old_code_and_status() {
    let error = Error::new(&NO_QUEUE, "The specified queue does not exist.");
    let answer = write_error(Some(&SERVICE), None, Protocol::Json, &error, &CONTEXT);
    assert_eq!(answer.status.as_u16(), 400);
    assert_eq!(header(&answer, "x-amzn-query-error"), "AWS.SimpleQueueService.NonExistentQueue;Sender");
    assert_eq!(
        body(&answer),
        r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#
    );
    let asked = AnswerContext { query_mode: true, ..CONTEXT };
    let answer = write_error(Some(&SERVICE), None, Protocol::Json, &error, &asked);
    assert_eq!(answer.status.as_u16(), 404);
    let answer = write_error(Some(&SERVICE), None, Protocol::Query, &error, &CONTEXT);
    let expected = "<ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error><Type>Sender</Type>\
                    <Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not \
                    exist.</Message></Error><RequestId>the-id</RequestId></ErrorResponse>";
    assert_eq!((answer.status.as_u16(), body(&answer).as_str()), (404, expected));
}

#[test]
fn operations_that_are_not_built_say_so_in_every_protocol() {
    let error = not_implemented(&SERVICE, &OPERATION);
    for protocol in [Protocol::Json, Protocol::Query, Protocol::Ec2, Protocol::RestJson, Protocol::RestXml] {
        let answer = write_error(Some(&SERVICE), Some(&OPERATION), protocol, &error, &CONTEXT);
        assert_eq!(answer.status.as_u16(), 501);
        assert!(body(&answer).contains("The GetBucketLocation operation of SQS is not implemented"), "{protocol:?}");
    }
    let answer = write_error(Some(&SERVICE), Some(&OPERATION), Protocol::RestJson, &error, &CONTEXT);
    assert_eq!(header(&answer, "x-amzn-errortype"), "NotImplementedException");
}

#[test]
fn denials_are_spelled_by_the_family() {
    let code = |protocol| access_denied(&SERVICE, protocol, "no".to_owned()).definition;
    assert_eq!(code(Protocol::Json).name, "AccessDeniedException");
    assert_eq!(code(Protocol::Query).code, "AccessDenied");
    assert_eq!(code(Protocol::Ec2).code, "UnauthorizedOperation");
}

#[test]
fn a_head_has_no_body() {
    let error = Error::new(&common::ACCESS_DENIED, "Access Denied").with("Key", Scalar::from("k"));
    let head = AnswerContext { head: true, ..CONTEXT };
    let answer = write_error(Some(&STORAGE), None, Protocol::RestXml, &error, &head);
    assert_eq!((answer.status.as_u16(), body(&answer).as_str()), (403, ""));
}

#[test]
fn the_location_of_a_bucket_is_the_text_of_the_root() {
    let mut output = Dynamic::new(&PLACE);
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let root = "LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
    let answer = write_output(&STORAGE, &OPERATION, Protocol::RestXml, &mut output, &CONTEXT);
    assert_eq!(body(&answer), format!("{declaration}<{root}></LocationConstraint>"));
    output.set("LocationConstraint", Value::String("eu-west-1".to_owned())).expect("the member exists");
    let answer = write_output(&STORAGE, &OPERATION, Protocol::RestXml, &mut output, &CONTEXT);
    assert_eq!(body(&answer), format!("{declaration}<{root}>eu-west-1</LocationConstraint>"));
}

#[test]
fn an_operation_without_output_still_answers_its_metadata() {
    let answer = write_output(&SERVICE, &OPERATION, Protocol::Query, &mut Dynamic::new(&UNIT), &CONTEXT);
    let expected = "<GetBucketLocationResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><ResponseMetadata>\
                    <RequestId>the-id</RequestId></ResponseMetadata></GetBucketLocationResponse>";
    assert_eq!(body(&answer), expected);
    let asked = AnswerContext { json_answer: true, ..CONTEXT };
    let answer = write_output(&SERVICE, &OPERATION, Protocol::Query, &mut Dynamic::new(&UNIT), &asked);
    assert_eq!(body(&answer), r#"{"GetBucketLocationResponse":{"ResponseMetadata":{"RequestId":"the-id"}}}"#);
    let answer = write_output(&SERVICE, &OPERATION, Protocol::Json, &mut Dynamic::new(&UNIT), &CONTEXT);
    assert_eq!((header(&answer, "x-amzn-requestid"), body(&answer).as_str()), ("the-id", ""));
}

#[test]
fn quotes_and_carriage_returns_are_escaped_in_xml() {
    let mut output = Dynamic::new(&PLACE);
    output.set("LocationConstraint", Value::String("\"a\"\r\n<&>".to_owned())).expect("the member exists");
    let answer = write_output(&SERVICE, &OPERATION, Protocol::Query, &mut output, &CONTEXT);
    assert!(body(&answer).contains("&quot;a&quot;&#xD;\n&lt;&amp;&gt;"), "{}", body(&answer));
}

#[test]
fn events_of_a_json_service_follow_an_initial_response() {
    static EVENTS: Shape = shape("Events", Kind::Union { members: &[] });
    static MEMBERS: [Member; 2] =
        [Member::new("Id", &TEXT), Member { event_stream: true, ..Member::new("Stream", &EVENTS) }];
    static OUTPUT: Shape = shape("StartOutput", Kind::Structure { members: &MEMBERS });
    let mut output = Dynamic::new(&OUTPUT);
    output.set("Id", Value::String("7".to_owned())).expect("the member exists");
    output.set("Stream", Value::Body(Body::from(Bytes::from_static(b"the events")))).expect("the member exists");
    let answer = write_output(&SERVICE, &OPERATION, Protocol::Json, &mut output, &CONTEXT);
    assert_eq!(header(&answer, "content-type"), "application/vnd.amazon.eventstream");
    let document = Bytes::from_static(br#"{"Id":"7"}"#);
    let first = crate::event_stream::Message::initial_response("application/x-amz-json-1.0", document);
    let expected = [first.encode().expect("a small frame"), Bytes::from_static(b"the events")].concat();
    let Body::Bytes(actual) = &answer.body else { panic!("no body") };
    assert_eq!(actual.as_ref(), expected);
}

#[test]
fn a_header_value_cannot_end_its_header() {
    let error = Error::bare(&common::ACCESS_DENIED).with_header("x-detail", "a\r\nset-cookie: b");
    let answer = write_error(Some(&STORAGE), None, Protocol::RestXml, &error, &CONTEXT);
    assert_eq!(answer.headers.get("x-detail"), Some(&HeaderValue::from_static("a  set-cookie: b")));
}
