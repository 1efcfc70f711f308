//! Measures the hot paths of the codecs: `cargo run --release -p traca-wire --example bench_codec [NAME [ROUNDS]]`.
//!
//! `NAME` picks the measurements whose name contains it. Under `valgrind --tool=callgrind` a name and few rounds count
//! the instructions of one path, which no load on the machine changes.
//!
//! The structures are written by hand the way the generator writes them, with DynamoDB's PutItem and GetItem as models.

#![allow(clippy::print_stdout, reason = "measurements are printed")]

use std::any::Any;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method};
use traca_wire::Body;
use traca_wire::codec::json::{JsonReader, JsonWriter, Wording};
use traca_wire::codec::{Missing, ReadResult, ReadValue, Reader, Structure, WriteValue, Writer};
use traca_wire::protocol::{AnswerContext, RequestView, read_input, write_output};
use traca_wire::schema::*;
use traca_wire::validate::validate;

const PUT_ITEM: &str = r##"{"TableName":"orders","Item":{"pk":{"S":"customer#12345"},"sk":{"S":"order#2026-01-25T08:00:00Z"},"total":{"N":"129.95"},"quantity":{"N":"3"},"paid":{"BOOL":true},"address":{"M":{"street":{"S":"Main Street 1"},"zip":{"S":"12345"},"city":{"S":"Springfield"}}},"tags":{"L":[{"S":"new"},{"S":"gift"},{"S":"express"}]}},"ConditionExpression":"attribute_not_exists(pk)","ReturnConsumedCapacity":"TOTAL","ExpressionAttributeNames":{"#p":"pk"},"ReturnValues":"NONE"}"##;
const GET_ITEM: &str =
    r##"{"TableName":"orders","Key":{"pk":{"S":"customer#12345"},"sk":{"S":"order#1"}},"ConsistentRead":true}"##;

/// Length of the text that shows what a large value costs.
const LONG_TEXT_BYTES: usize = 65_536;

/// Iterations of each measurement, unless the command line says otherwise.
const ROUNDS: u32 = 200_000;

const fn shape(name: &'static str, kind: Kind) -> Shape {
    Shape { name, kind, constraints: &Constraints::NONE, sensitive: false }
}

static TEXT: Shape = shape("String", Kind::String);
static FLAG: Shape = shape("Boolean", Kind::Boolean);
static TABLE_NAME: Shape = Shape {
    name: "TableArn",
    kind: Kind::String,
    constraints: &Constraints { min: Some(1.0), max: Some(1024.0), pattern: None, one_of: &[] },
    sensitive: false,
};
static RETURN_VALUES: Shape = Shape {
    name: "ReturnValue",
    kind: Kind::String,
    constraints: &Constraints {
        min: None,
        max: None,
        pattern: None,
        one_of: &["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"],
    },
    sensitive: false,
};
static VALUE: Shape = shape("AttributeValue", Kind::Union { members: &VALUE_MEMBERS });
static VALUE_MEMBERS: [Member; 5] = [
    Member::new("S", &TEXT),
    Member::new("N", &TEXT),
    Member::new("M", &ITEM),
    Member::new("L", &LIST),
    Member::new("BOOL", &FLAG),
];
static LIST: Shape =
    shape("ListAttributeValue", Kind::List { member: &Member::new("member", &VALUE), flattened: false });
static ITEM: Shape = shape(
    "PutItemInputAttributeMap",
    Kind::Map { key: &Member::new("key", &TEXT), value: &Member::new("value", &VALUE), flattened: false },
);
static NAMES: Shape = shape(
    "ExpressionAttributeNameMap",
    Kind::Map { key: &Member::new("key", &TEXT), value: &Member::new("value", &TEXT), flattened: false },
);
static PUT: Shape = shape("PutItemInput", Kind::Structure { members: &PUT_MEMBERS });
static PUT_MEMBERS: [Member; 6] = [
    Member { required: true, ..Member::new("TableName", &TABLE_NAME) },
    Member { required: true, ..Member::new("Item", &ITEM) },
    Member::new("ReturnValues", &RETURN_VALUES),
    Member::new("ReturnConsumedCapacity", &TEXT),
    Member::new("ConditionExpression", &TEXT),
    Member::new("ExpressionAttributeNames", &NAMES),
];
static GET: Shape = shape("GetItemInput", Kind::Structure { members: &GET_MEMBERS });
static GET_MEMBERS: [Member; 3] = [
    Member { required: true, ..Member::new("TableName", &TABLE_NAME) },
    Member { required: true, ..Member::new("Key", &ITEM) },
    Member::new("ConsistentRead", &FLAG),
];
static GOT: Shape = shape("GetItemOutput", Kind::Structure { members: &GOT_MEMBERS });
static GOT_MEMBERS: [Member; 1] = [Member::new("Item", &ITEM)];

#[derive(Debug, Default)]
enum Value {
    #[default]
    Unset,
    S(String),
    N(String),
    M(BTreeMap<String, Value>),
    L(Vec<Value>),
    Bool(bool),
}

impl ReadValue for Value {
    fn read(reader: &mut dyn Reader, _: &'static Member) -> ReadResult<Self> {
        let mut value = Value::Unset;
        reader.structure(&VALUE, &mut |index, reader| {
            value = match index {
                0 => Value::S(ReadValue::read(reader, &VALUE_MEMBERS[0])?),
                1 => Value::N(ReadValue::read(reader, &VALUE_MEMBERS[1])?),
                2 => Value::M(ReadValue::read(reader, &VALUE_MEMBERS[2])?),
                3 => Value::L(ReadValue::read(reader, &VALUE_MEMBERS[3])?),
                _ => Value::Bool(ReadValue::read(reader, &VALUE_MEMBERS[4])?),
            };
            Ok(())
        })?;
        Ok(value)
    }
}

fn put<T: WriteValue>(writer: &mut dyn Writer, member: &'static Member, value: &T) {
    writer.member(member);
    value.write(writer, member);
}

impl WriteValue for Value {
    fn write(&self, writer: &mut dyn Writer, _: &'static Member) {
        writer.begin_structure(&VALUE);
        match self {
            Value::Unset => {}
            Value::S(value) => put(writer, &VALUE_MEMBERS[0], value),
            Value::N(value) => put(writer, &VALUE_MEMBERS[1], value),
            Value::M(value) => put(writer, &VALUE_MEMBERS[2], value),
            Value::L(value) => put(writer, &VALUE_MEMBERS[3], value),
            Value::Bool(value) => put(writer, &VALUE_MEMBERS[4], value),
        }
        writer.end_structure();
    }
}

/// Writes the generator's glue for a structure.
macro_rules! structure {
    ($name:ident, $shape:ident, $members:ident, { $($index:literal $field:ident: $type:ty),* }) => {
        #[derive(Debug, Default)]
        struct $name {
            $($field: Option<$type>,)*
            missing: Missing,
        }

        impl $name {
            fn read(reader: &mut dyn Reader) -> ReadResult<$name> {
                let mut structure = $name { missing: const { Missing::all_required(&$shape) }, ..$name::default() };
                reader.structure(&$shape, &mut |index, reader| {
                    structure.missing.found(index);
                    match index {
                        $($index => structure.$field = Some(ReadValue::read(reader, &$members[$index])?),)*
                        _ => {}
                    }
                    Ok(())
                })?;
                Ok(structure)
            }
        }

        impl Structure for $name {
            fn shape(&self) -> &'static Shape {
                &$shape
            }

            fn write_members(&self, writer: &mut dyn Writer) {
                $(match &self.$field {
                    Some(value) => put(writer, &$members[$index], value),
                    None if self.missing.has($index) => writer.missing(&$members[$index]),
                    None => {}
                })*
            }

            fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
                self
            }
        }
    };
}

structure!(PutItemInput, PUT, PUT_MEMBERS, {
    0 table_name: String, 1 item: BTreeMap<String, Value>, 2 return_values: String, 3 consumed: String,
    4 condition: String, 5 names: BTreeMap<String, String>
});
structure!(GetItemInput, GET, GET_MEMBERS, {
    0 table_name: String, 1 key: BTreeMap<String, Value>, 2 consistent: bool
});
structure!(GetItemOutput, GOT, GOT_MEMBERS, { 0 item: BTreeMap<String, Value> });

static CODEC: OperationCodec =
    OperationCodec { input: &PUT, output: &GOT, read_input: |reader| Ok(Box::new(PutItemInput::read(reader)?)) };

static OPERATION: OperationDef = OperationDef {
    name: "PutItem",
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
    codec: Some(&CODEC),
};

static SERVICE: ServiceDef = ServiceDef {
    id: "dynamodb",
    service_id: "DynamoDB",
    signing_name: "dynamodb",
    endpoint_prefix: "dynamodb",
    target_prefix: Some("DynamoDB_20120810"),
    api_version: "2012-08-10",
    json_version: "1.0",
    protocols: &[Protocol::Json],
    xml_namespace: None,
    query_compatible: false,
    error_namespace: "com.amazonaws.dynamodb.v20120810",
    error_namespaces: &[],
    query_member_names: false,
    validation: Validation::Generic {
        code: "ValidationException",
        omit_value: false,
        body_path_prefix: false,
        elements_not_null: false,
    },
    operations: &[],
    errors: &[],
};

/// What the command line asks for.
struct Bench {
    name: String,
    rounds: u32,
}

impl Bench {
    fn measure<T>(&self, what: &str, mut run: impl FnMut() -> T) {
        if !what.contains(&self.name) {
            return;
        }
        for _ in 0..self.rounds / 10 {
            black_box(run());
        }
        let start = Instant::now();
        for _ in 0..self.rounds {
            black_box(run());
        }
        println!("{what:<44} {:>6} ns", start.elapsed().as_nanos() / u128::from(self.rounds));
    }
}

fn parse<T>(text: &str, read: fn(&mut dyn Reader) -> ReadResult<T>) -> T {
    let mut reader = JsonReader::new(text.as_bytes(), Wording::Token).expect("valid JSON");
    let value = read(&mut reader).expect("the sample fits its shape");
    reader.finish().expect("nothing follows");
    value
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let rounds = arguments.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS).max(1);
    let bench = Bench { name, rounds };
    let put_item = PUT_ITEM.to_owned();
    println!("PutItem {} bytes, GetItem {} bytes", put_item.len(), GET_ITEM.len());
    bench.measure("parse PutItem", || parse(&put_item, PutItemInput::read));
    bench.measure("  for scale: serde_json::Value of the same", || {
        serde_json::from_str::<serde_json::Value>(&put_item).is_ok()
    });
    bench.measure("parse GetItem", || parse(GET_ITEM, GetItemInput::read));
    let long = format!(r#"{{"TableName":"{}"}}"#, "long text ".repeat(LONG_TEXT_BYTES / 10));
    bench.measure("parse a text of 64 KiB", || parse(&long, GetItemInput::read));
    let input = parse(&put_item, PutItemInput::read);
    bench.measure("validate PutItem", || validate(&SERVICE, &OPERATION, &input).is_ok());
    let mut output = parse(&put_item, GetItemOutput::read);
    bench.measure("write GetItemOutput (document)", || {
        let mut writer = JsonWriter::new();
        writer.begin_structure(output.shape());
        output.write_members(&mut writer);
        writer.end_structure();
        writer.finish()
    });
    let headers = HeaderMap::new();
    let request = RequestView { method: &Method::POST, labels: &[], query: "", headers: &headers };
    let body = Bytes::from(put_item.clone());
    bench.measure("read_input PutItem", || {
        read_input(&SERVICE, &OPERATION, Protocol::Json, &request, Body::Bytes(body.clone())).is_ok()
    });
    let context = AnswerContext::of(&request, "0c0b5a0e-0000-4000-8000-000000000000", "");
    bench.measure("write_output GetItemOutput", || {
        write_output(&SERVICE, &OPERATION, Protocol::Json, &mut output, &context)
    });
}
