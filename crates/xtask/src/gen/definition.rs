//! `definition.rs` of a service: its definition and the table of all its operations.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::load::{Actions, Service};
use super::model::{Http, Operation, Validation};
use super::names;
use super::schemas;
use super::text::{self, quoted, quoted_option};
use crate::failure::{Failure, Outcome};

/// The file's text.
pub fn render(service: &Service) -> Outcome<String> {
    let mut out = text::header("The service and the table of its operations.");
    if service.built.is_empty() {
        out.push_str("use super::errors;\n");
    } else {
        out.push_str("use super::{errors, operations};\n");
    }
    out.push_str("use crate::support::*;\n\n");
    out.push_str(&definition(service)?);
    let count = service.model.operations.len();
    let _ = writeln!(out, "pub(super) static OPERATIONS: [OperationDef; {count}] = [");
    for (index, (name, operation)) in service.model.operations.iter().enumerate() {
        let _ = writeln!(out, "    {},", operation_definition(service, index, name, operation)?);
    }
    out.push_str("];\n");
    Ok(out)
}

fn definition(service: &Service) -> Outcome<String> {
    let metadata = &service.model.metadata;
    let signing_name = metadata.signing_name.as_ref().unwrap_or(&metadata.endpoint_prefix);
    let namespaces: Vec<String> = metadata
        .error_namespace_by_code
        .iter()
        .map(|(code, namespace)| format!("({}, {})", quoted(code), quoted(namespace)))
        .collect();
    let fields = [
        ("id", quoted(&service.id)),
        ("service_id", quoted(&metadata.service_id)),
        ("signing_name", quoted(signing_name)),
        ("endpoint_prefix", quoted(&metadata.endpoint_prefix)),
        ("target_prefix", quoted_option(&metadata.target_prefix)),
        ("api_version", quoted(&metadata.api_version)),
        ("json_version", quoted(metadata.json_version.as_deref().unwrap_or("1.1"))),
        ("protocols", protocols(service)?),
        ("xml_namespace", optional(metadata.xml_namespace.as_ref().map(schemas::xml_namespace))),
        ("query_compatible", metadata.aws_query_compatible.is_some().to_string()),
        ("error_namespace", quoted(&metadata.error_namespace)),
        ("error_namespaces", format!("&[{}]", namespaces.join(", "))),
        ("query_member_names", metadata.query_member_names.to_string()),
        ("validation", validation(&service.id, &metadata.validation)?),
        ("operations", "&OPERATIONS".to_owned()),
        ("errors", "&errors::ALL".to_owned()),
    ];
    let mut out =
        String::from("/// The service and all its operations.\npub static SERVICE: ServiceDef = ServiceDef {\n");
    for (field, value) in fields {
        let _ = writeln!(out, "    {field}: {value},");
    }
    Ok(out + "};\n\n")
}

fn optional(value: Option<String>) -> String {
    value.map_or("None".to_owned(), |value| format!("Some({value})"))
}

fn protocols(service: &Service) -> Outcome<String> {
    let metadata = &service.model.metadata;
    let single = vec![metadata.protocol.clone()];
    let mut out = Vec::new();
    for protocol in metadata.protocols.as_ref().unwrap_or(&single) {
        out.push(match protocol.as_str() {
            "json" => "Protocol::Json",
            "query" => "Protocol::Query",
            "ec2" => "Protocol::Ec2",
            "rest-json" => "Protocol::RestJson",
            "rest-xml" => "Protocol::RestXml",
            "smithy-rpc-v2-cbor" => "Protocol::Cbor",
            "cbor-1.1" => "Protocol::CborTarget",
            other => return Err(Failure::new(format!("{}: unknown protocol {other}", service.id))),
        });
    }
    Ok(format!("&[{}]", out.join(", ")))
}

fn validation(id: &str, validation: &Validation) -> Outcome<String> {
    let code = || {
        let missing = || Failure::new(format!("{id}: validation of family {} needs a code", validation.family));
        validation.code.as_ref().map(|code| quoted(code)).ok_or_else(missing)
    };
    Ok(match validation.family.as_str() {
        "generic" => format!(
            "Validation::Generic {{ code: {}, omit_value: {}, body_path_prefix: {}, elements_not_null: {} }}",
            code()?,
            validation.omit_value,
            validation.body_path_prefix,
            validation.elements_not_null
        ),
        "missingParameter" => "Validation::MissingParameter".to_owned(),
        "own" => format!("Validation::Own {{ code: {} }}", code()?),
        other => return Err(Failure::new(format!("{id}: unknown validation family {other}"))),
    })
}

fn operation_definition(service: &Service, index: usize, name: &str, operation: &Operation) -> Outcome<String> {
    let mut fields = Vec::new();
    if service.model.metadata.protocol.starts_with("rest-") {
        fields.push(format!("http: &{}", http(service, operation)?));
    }
    if operation.authtype.as_deref() == Some("none") || operation.auth.iter().any(|auth| auth == "smithy.api#noAuth") {
        fields.push("unsigned: true".to_owned());
    }
    if let Some(endpoint) = &operation.endpoint {
        fields.push(format!("host_prefix: Some({})", quoted(&endpoint.host_prefix)));
    }
    if operation.requestcompression.is_some() {
        fields.push("compressed_requests: true".to_owned());
    }
    fields.extend(roots(operation));
    if let Some(validation) = &operation.validation {
        fields.push(format!("validation_code: Some({})", quoted(&validation.code)));
    }
    if operation.deprecated {
        fields.push("deprecated: true".to_owned());
    }
    match service.actions.get(name) {
        None => {}
        Some(Actions::Always(actions)) if actions.is_empty() => fields.push("always_allowed: true".to_owned()),
        Some(Actions::Always(actions)) => fields.push(format!("actions: &{}", text::list(actions))),
        Some(Actions::Mixed { always, by_content }) => {
            fields.push(format!("actions: &{}", text::list(always)));
            fields.push(format!("actions_by_content: &{}", text::list(by_content)));
        }
    }
    if service.built.contains(name) {
        fields.push(format!("codec: Some(&operations::{})", names::screaming(name)));
    }
    let plain = format!("operation({}, {index})", quoted(name));
    Ok(if fields.is_empty() { plain } else { format!("OperationDef {{ {}, ..{plain} }}", fields.join(", ")) })
}

fn roots(operation: &Operation) -> Vec<String> {
    let mut fields = Vec::new();
    if let Some((name, input)) = operation.input.as_ref().and_then(|input| Some((input.location_name.as_ref()?, input)))
    {
        let namespace = optional(input.xml_namespace.as_ref().map(schemas::xml_namespace));
        fields.push(format!("input_root: Some(&({}, {namespace}))", quoted(name)));
    }
    if let Some(output) = &operation.output {
        if output.result_wrapper.is_some() {
            fields.push(format!("result_wrapper: {}", quoted_option(&output.result_wrapper)));
        }
        let root = output.xml_root_name.as_ref().or(output.location_name.as_ref());
        if root.is_some() {
            fields.push(format!("output_root: {}", quoted_option(&root.cloned())));
        }
        if output.unwrapped_xml_output {
            fields.push("unwrapped_output: true".to_owned());
        }
    }
    fields
}

fn http(service: &Service, operation: &Operation) -> Outcome<String> {
    let Http { method, request_uri, response_code } = &operation.http;
    let (path, query) = request_uri.split_once('?').unwrap_or((request_uri, ""));
    let segments: Vec<String> = path.split('/').filter(|piece| !piece.is_empty()).map(segment).collect();
    let fixed: Vec<(&str, Option<&str>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').map_or((pair, None), |(key, value)| (key, Some(value))))
        .collect();
    let keys: Vec<String> = fixed
        .iter()
        .map(|(key, value)| {
            let value = value.filter(|value| !value.is_empty()).map(str::to_owned);
            format!("QueryKey {{ key: {}, value: {} }}", quoted(key), quoted_option(&value))
        })
        .collect();
    let fixed_keys: BTreeSet<&str> = fixed.iter().map(|(key, _)| *key).collect();
    let required_query = required(service, operation, "querystring");
    let required_query: Vec<&String> = required_query.iter().filter(|key| !fixed_keys.contains(key.as_str())).collect();
    let required_headers: Vec<String> =
        required(service, operation, "header").iter().map(|name| name.to_ascii_lowercase()).collect();
    Ok(format!(
        "HttpBinding {{ method: {}, uri: {}, segments: &[{}], query: &[{}], required_query: &{}, \
         required_headers: &{}, status: {} }}",
        quoted(method),
        quoted(request_uri),
        segments.join(", "),
        keys.join(", "),
        text::list(&required_query),
        text::list(&required_headers),
        response_code.unwrap_or(200)
    ))
}

fn segment(piece: &str) -> String {
    match piece.strip_prefix('{').and_then(|label| label.strip_suffix('}')) {
        None => format!("Segment::Literal({})", quoted(piece)),
        Some(label) => match label.strip_suffix('+') {
            Some(label) => format!("Segment::Greedy({})", quoted(label)),
            None => format!("Segment::Label({})", quoted(label)),
        },
    }
}

/// Wire names of the required members of an input that travel in the given location.
fn required(service: &Service, operation: &Operation, location: &str) -> Vec<String> {
    let Some(input) = &operation.input else { return Vec::new() };
    let shape = service.model.shape(&input.shape);
    let members = shape.members.iter().filter(|(name, member)| {
        member.location.as_deref() == Some(location) && shape.required.iter().any(|required| required == name)
    });
    members.map(|(name, member)| member.location_name.clone().unwrap_or_else(|| name.to_owned())).collect()
}
