//! The texts recorded from AWS, on shapes as the models have them.

use crate::codec::Structure;
use crate::codec::json::{JsonReader, Wording};
use crate::codec::value::Dynamic;
use crate::schema::*;
use crate::validate::validate;

const GENERIC: Validation = Validation::Generic {
    code: "ValidationException",
    omit_value: false,
    body_path_prefix: false,
    elements_not_null: false,
};

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn shape(name: &'static str, kind: Kind, constraints: Constraints) -> &'static Shape {
    leak(Shape { name, kind, constraints: leak(constraints), sensitive: false })
}

fn plain(name: &'static str, kind: Kind) -> &'static Shape {
    shape(name, kind, Constraints::NONE)
}

fn structure(name: &'static str, members: Vec<Member>) -> &'static Shape {
    plain(name, Kind::Structure { members: Vec::leak(members) })
}

fn list(element: &'static Shape) -> &'static Shape {
    plain("List", Kind::List { member: leak(Member::new("member", element)), flattened: false })
}

fn map(key: &'static Shape, value: &'static Shape) -> &'static Shape {
    plain(
        "Map",
        Kind::Map { key: leak(Member::new("key", key)), value: leak(Member::new("value", value)), flattened: false },
    )
}

fn text() -> &'static Shape {
    plain("Text", Kind::String)
}

fn one_of(values: &'static [&'static str]) -> &'static Shape {
    shape("Choice", Kind::String, Constraints { one_of: values, ..Constraints::NONE })
}

fn bounded(kind: Kind, min: f64, max: f64) -> &'static Shape {
    shape("Bounded", kind, Constraints { min: Some(min), max: Some(max), ..Constraints::NONE })
}

fn service(validation: Validation, protocol: Protocol) -> &'static ServiceDef {
    leak(ServiceDef {
        id: "example",
        service_id: "Example",
        signing_name: "example",
        endpoint_prefix: "example",
        target_prefix: None,
        api_version: "2026-01-01",
        json_version: "1.1",
        protocols: Vec::leak(vec![protocol]),
        xml_namespace: None,
        query_compatible: false,
        error_namespace: "",
        error_namespaces: &[],
        query_member_names: false,
        validation,
        operations: &[],
        errors: &[],
    })
}

fn operation(name: &'static str) -> &'static OperationDef {
    leak(OperationDef {
        name,
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
    })
}

fn check(validation: Validation, shape: &'static Shape, input: &str) -> Result<(), String> {
    let protocol = if validation == Validation::MissingParameter { Protocol::Ec2 } else { Protocol::Json };
    let mut reader = JsonReader::new(input.as_bytes(), Wording::Class).expect("the test data is valid");
    let input = Dynamic::read(&mut reader, shape).expect("the test data is valid");
    let checked = validate(service(validation, protocol), operation("CreateRestApi"), &input as &dyn Structure);
    checked.map_err(|error| format!("{}: {}", error.definition.name, error.message.unwrap_or_default()))
}

fn text_of(shape: &'static Shape, input: &str) -> String {
    check(GENERIC, shape, input).expect_err("the test input is invalid")
}

const ONE: &str = "ValidationException: 1 validation error detected: ";

#[test]
fn a_number_beyond_its_bound() {
    let shape = structure("R", vec![Member::new("NumberOfBytes", bounded(Kind::Integer, 1.0, 1024.0))]);
    let expected = "Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or \
                    equal to 1024";
    assert_eq!(text_of(shape, r#"{"NumberOfBytes":1025}"#), format!("{ONE}{expected}"));
    assert_eq!(check(GENERIC, shape, r#"{"NumberOfBytes":1024}"#), Ok(()));
}

#[test]
fn an_enum_and_a_missing_member() {
    let shape = structure(
        "R",
        vec![
            Member::new("statusFilter", one_of(&["RUNNING", "FAILED"])),
            Member { required: true, ..Member::new("Item", text()) },
        ],
    );
    let expected = "2 validation errors detected: Value 'succeeded' at 'statusFilter' failed to satisfy constraint: \
                    Member must satisfy enum value set: [RUNNING, FAILED]; Value null at 'item' failed to satisfy \
                    constraint: Member must not be null";
    assert_eq!(
        text_of(shape, r#"{"statusFilter":"succeeded","Item":null}"#),
        format!("ValidationException: {expected}")
    );
}

#[test]
fn members_of_listed_structures_are_named_by_their_index() {
    let id = shape(
        "Id",
        Kind::String,
        Constraints { min: Some(1.0), max: Some(4.0), pattern: Some(r"[\.\-_A-Za-z0-9]+"), one_of: &[] },
    );
    let target = structure("Target", vec![Member { required: true, ..Member::new("Id", id) }]);
    let shape = structure("R", vec![Member::new("Targets", list(target))]);
    let expected = "2 validation errors detected: Value '!@#$@!#$' at 'targets.1.member.id' failed to satisfy \
                    constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+; Value '!@#$@!#$' \
                    at 'targets.1.member.id' failed to satisfy constraint: Member must have length less than or equal \
                    to 4";
    assert_eq!(text_of(shape, r#"{"Targets":[{"Id":"!@#$@!#$"}]}"#), format!("ValidationException: {expected}"));
}

#[test]
fn lists_of_scalars_fail_as_a_whole() {
    let shape = structure("R", vec![Member::new("types", list(one_of(&["REGIONAL", "EDGE"])))]);
    let expected = "Value '[wrong, EDGE]' at 'types' failed to satisfy constraint: Member must satisfy constraint: \
                    [Member must satisfy enum value set: [REGIONAL, EDGE]]";
    assert_eq!(text_of(shape, r#"{"types":["wrong","EDGE"]}"#), format!("{ONE}{expected}"));
}

#[test]
fn maps_fail_as_a_whole_and_floats_keep_their_point() {
    let weights = map(text(), bounded(Kind::Double, 0.0, 1.0));
    let shape = structure("R", vec![Member::new("AdditionalVersionWeights", weights)]);
    let expected = "Value '{2=2.0}' at 'additionalVersionWeights' failed to satisfy constraint: Map value must satisfy \
                    constraint: [Member must have value less than or equal to 1.0, Member must have value greater than \
                    or equal to 0.0, Member must not be null]";
    assert_eq!(text_of(shape, r#"{"AdditionalVersionWeights":{"2":2.0}}"#), format!("{ONE}{expected}"));
}

#[test]
fn what_is_not_a_number_is_within_no_bound() {
    let shape = structure("R", vec![Member::new("weight", bounded(Kind::Double, 0.0, 1.0))]);
    let text = text_of(shape, r#"{"weight":"NaN"}"#);
    assert!(text.starts_with("ValidationException: 2 validation errors detected: Value 'NaN' at 'weight'"), "{text}");
}

#[test]
fn map_keys_have_constraints_of_their_own() {
    let shape = structure("R", vec![Member::new("Tags", map(bounded(Kind::String, 1.0, 2.0), text()))]);
    let expected = "Value '{abc=x}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [Member \
                    must have length less than or equal to 2, Member must have length greater than or equal to 1]";
    assert_eq!(text_of(shape, r#"{"Tags":{"abc":"x"}}"#), format!("{ONE}{expected}"));
}

#[test]
fn members_of_mapped_structures_are_named_by_their_key() {
    let value = structure("V", vec![Member { required: true, ..Member::new("DataType", text()) }]);
    let entry = structure("E", vec![Member::new("MessageAttributes", map(text(), value))]);
    let shape = structure("R", vec![Member::new("Entries", list(entry))]);
    let expected = "Value null at 'entries.1.member.messageAttributes.attr1.member.dataType' failed to satisfy \
                    constraint: Member must not be null";
    assert_eq!(text_of(shape, r#"{"Entries":[{"MessageAttributes":{"attr1":{}}}]}"#), format!("{ONE}{expected}"));
}

#[test]
fn structures_and_blobs_are_shown_as_java_shows_them() {
    let blob = plain("B", Kind::Blob);
    let item = structure(
        "MetricTransformation",
        vec![Member::new("metricName", text()), Member::new("unit", text()), Member::new("data", blob)],
    );
    let items = shape(
        "Items",
        Kind::List { member: leak(Member::new("member", item)), flattened: false },
        Constraints { max: Some(0.0), ..Constraints::NONE },
    );
    let shape = structure("R", vec![Member::new("metricTransformations", items)]);
    let expected = "Value '[MetricTransformation(metricName=m, unit=null, data=java.nio.HeapByteBuffer[pos=0 lim=5 \
                    cap=5])]' at 'metricTransformations' failed to satisfy constraint: Member must have length less \
                    than or equal to 0";
    let input = r#"{"metricTransformations":[{"metricName":"m","data":"aGVsbG8="}]}"#;
    assert_eq!(text_of(shape, input), format!("{ONE}{expected}"));
}

#[test]
fn sensitive_values_and_values_of_reticent_services_are_not_shown() {
    let secret = leak(Shape {
        name: "Secret",
        kind: Kind::String,
        constraints: &Constraints { max: Some(2.0), ..Constraints::NONE },
        sensitive: true,
    });
    let hidden = structure("R", vec![Member::new("plaintext", secret)]);
    let expected = "Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 2";
    assert_eq!(text_of(hidden, r#"{"plaintext":"abc"}"#), format!("{ONE}{expected}"));
    let shown = structure("R", vec![Member::new("plaintext", bounded(Kind::String, 0.0, 2.0))]);
    let reticent = Validation::Generic {
        code: "ValidationError",
        omit_value: true,
        body_path_prefix: false,
        elements_not_null: false,
    };
    let error = check(reticent, shown, r#"{"plaintext":"abc"}"#).expect_err("the test input is invalid");
    assert_eq!(error, format!("ValidationError: 1 validation error detected: {expected}"));
}

#[test]
fn body_members_may_be_prefixed_with_the_operation() {
    let shape = structure(
        "R",
        vec![
            Member { location: Location::Uri, required: true, ..Member::new("restApiId", text()) },
            Member { required: true, ..Member::new("name", text()) },
        ],
    );
    let prefixed = Validation::Generic {
        code: "ValidationException",
        omit_value: false,
        body_path_prefix: true,
        elements_not_null: false,
    };
    let expected = "2 validation errors detected: Value null at 'restApiId' failed to satisfy constraint: Member must \
                    not be null; Value null at 'createRestApiInput.name' failed to satisfy constraint: Member must not \
                    be null";
    assert_eq!(
        check(prefixed, shape, "{}").expect_err("the test input is invalid"),
        format!("ValidationException: {expected}")
    );
}

#[test]
fn no_more_than_ten_failures_are_named() {
    let members = (0..12).map(|index| {
        let name: &'static str = String::leak(format!("m{index}"));
        Member { required: true, ..Member::new(name, text()) }
    });
    let text = text_of(structure("R", members.collect()), "{}");
    assert!(text.starts_with("ValidationException: 10 validation errors detected: "), "{text}");
    assert_eq!(text.matches("Value null at").count(), 10);
}

#[test]
fn services_with_words_of_their_own_name_the_first_missing_member() {
    let shape = structure(
        "R",
        vec![
            Member::new("Count", bounded(Kind::Integer, 1.0, 2.0)),
            Member { required: true, ..Member::new("VpcId", text()) },
        ],
    );
    let error = check(Validation::MissingParameter, shape, r#"{"Count":7}"#).expect_err("the test input is invalid");
    assert_eq!(error, "MissingParameter: The request must contain the parameter VpcId");
    let bounds_are_their_own = check(Validation::MissingParameter, shape, r#"{"Count":7,"VpcId":"x"}"#);
    assert_eq!(bounds_are_their_own, Ok(()));
    let error =
        check(Validation::Own { code: "BadRequestException" }, shape, "{}").expect_err("the test input is invalid");
    assert_eq!(error, "BadRequestException: Missing required parameter: VpcId");
}

#[test]
fn an_operation_may_have_a_code_of_its_own() {
    let shape = structure("R", vec![Member { required: true, ..Member::new("Name", text()) }]);
    let definition = leak(OperationDef {
        validation_code: Some("InvalidParameterException"),
        http: &HttpBinding::ROOT,
        ..*operation("PutDeliverySource")
    });
    let error = validate(service(GENERIC, Protocol::Json), definition, &Dynamic::new(shape)).expect_err("no name");
    assert_eq!(error.definition.name, "InvalidParameterException");
}
