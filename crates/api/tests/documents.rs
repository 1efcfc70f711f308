//! Generated structures read what they write and know what is missing.

use serde_json::{Map, Value, json};
use traca_api::{SERVICES, lambda, logs, read_structure};
use wire::codec::json::{JsonReader, JsonWriter, Wording};
use wire::codec::{ReadValue, Structure, WriteValue, Writer};
use wire::schema::{Kind, Member, OperationCodec, Shape, TimestampFormat};
use wire::validate::validate;

/// Deepest level at which a sample still has optional members: enough to pass through every kind of shape.
const SAMPLE_DEPTH: usize = 6;

fn codecs() -> impl Iterator<Item = &'static OperationCodec> {
    SERVICES.iter().flat_map(|service| service.operations).filter_map(|operation| operation.codec)
}

fn read(codec: &OperationCodec, document: &Value) -> Box<dyn Structure> {
    let text = document.to_string();
    let mut reader = JsonReader::new(text.as_bytes(), Wording::Class).expect("it is JSON");
    (codec.read_input)(&mut reader).unwrap_or_else(|error| panic!("{}: {error}: {document}", codec.input.name))
}

fn written(structure: &dyn Structure) -> Value {
    let mut writer = JsonWriter::new();
    writer.begin_structure(structure.shape());
    structure.write_members(&mut writer);
    writer.end_structure();
    serde_json::from_str(&writer.finish()).expect("it is JSON")
}

/// A document with every member of the shape.
fn sample(shape: &'static Shape, format: Option<TimestampFormat>, depth: usize) -> Value {
    match &shape.kind {
        Kind::String | Kind::JsonValue => json!("text"),
        Kind::Blob => json!("Ynl0ZXM="),
        Kind::Boolean => json!(true),
        Kind::Integer | Kind::Long => json!(7),
        Kind::Float | Kind::Double => json!(1.5),
        Kind::Timestamp(own) => match format.or(*own) {
            None | Some(TimestampFormat::UnixTimestamp) => json!(1_400_000_000.5),
            Some(TimestampFormat::Iso8601) => json!("2014-05-13T16:53:20Z"),
            Some(TimestampFormat::Rfc822) => json!("Tue, 13 May 2014 16:53:20 GMT"),
        },
        Kind::Document => json!({"free": ["form"]}),
        Kind::List { member, .. } => json!([sample_of(member, depth)]),
        Kind::Map { value, .. } => json!({"key": sample_of(value, depth)}),
        Kind::Structure { members } => {
            let present = members.iter().filter(|member| !member.streaming && !member.event_stream);
            let present = present.filter(|member| member.required || depth < SAMPLE_DEPTH);
            // Two members of S3's old notifications share a name: only the first can be told from JSON.
            let first = |member: &&Member| members.iter().find(|other| other.wire_name() == member.wire_name());
            let present = present.filter(|member| first(member).is_some_and(|first| std::ptr::eq(first, *member)));
            let entries = present.map(|member| (member.wire_name().to_owned(), sample_of(member, depth)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        // A plain alternative ends a recursion.
        Kind::Union { members } => {
            let plain = members.iter().find(|member| member.shape.members().is_empty());
            let member = plain.or(members.first()).expect("a union has alternatives");
            json!({ member.wire_name(): sample_of(member, depth) })
        }
    }
}

fn sample_of(member: &'static Member, depth: usize) -> Value {
    sample(member.shape, member.timestamp_format, depth + 1)
}

#[test]
fn every_input_writes_the_members_it_has_read() {
    for codec in codecs() {
        let document = sample(codec.input, None, 0);
        assert_eq!(written(&*read(codec, &document)), document, "{}", codec.input.name);
    }
}

#[test]
fn every_input_without_members_is_missing_what_it_requires() {
    for service in SERVICES {
        for operation in service.operations {
            let Some(codec) = operation.codec else { continue };
            let input = read(codec, &json!({}));
            let requires = codec.input.members().iter().any(|member| member.required);
            assert_eq!(validate(service, operation, &*input).is_err(), requires, "{} {}", service.id, operation.name);
        }
    }
}

#[test]
fn unknown_and_null_members_count_as_absent() {
    let document = br#"{"FunctionName": "f", "Handler": null, "NotAMember": {"deep": [1]}}"#;
    let mut reader = JsonReader::new(document, Wording::Class).expect("it is JSON");
    let request: lambda::CreateFunctionRequest = read_structure(&mut reader).expect("it can be read");
    assert_eq!(request.function_name, "f");
    assert_eq!(request.handler, None);
    let missing = |name: &str| {
        let index = request.shape().members().iter().position(|member| member.name == name);
        request.missing.has(index.expect("the model has it"))
    };
    assert!(missing("Role") && missing("Code"));
    assert!(!missing("FunctionName") && !missing("Handler"));
}

#[test]
fn structures_that_our_own_code_builds_miss_nothing() {
    let request = logs::CreateLogStreamRequest {
        log_group_name: "group".into(),
        log_stream_name: "stream".into(),
        ..Default::default()
    };
    assert_eq!(written(&request), json!({"logGroupName": "group", "logStreamName": "stream"}));
}

#[test]
fn outputs_can_be_read_back() {
    let configuration = lambda::FunctionConfiguration {
        function_name: Some("f".into()),
        timeout: Some(3),
        code_size: Some(1 << 40),
        architectures: Some(vec![lambda::enums::architecture::ARM64.into()]),
        ..Default::default()
    };
    let document = written(&configuration);
    assert_eq!(
        document,
        json!({"FunctionName": "f", "CodeSize": 1_u64 << 40, "Timeout": 3, "Architectures": ["arm64"]})
    );
    let text = document.to_string();
    let mut reader = JsonReader::new(text.as_bytes(), Wording::Class).expect("it is JSON");
    assert_eq!(read_structure::<lambda::FunctionConfiguration>(&mut reader).expect("it can be read"), configuration);
}

/// A value of the type can be handed on as it is, which calls between services rely on.
#[test]
fn inputs_give_their_type_back() {
    fn is_value<T: ReadValue + WriteValue>() {}
    is_value::<lambda::InvocationRequest>();
    let boxed: Box<dyn Structure> =
        Box::new(lambda::InvocationRequest { function_name: "f".into(), ..Default::default() });
    let request = boxed.into_any().downcast::<lambda::InvocationRequest>().expect("it is one");
    assert_eq!(request.function_name, "f");
}
