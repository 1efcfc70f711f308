//! Static definitions out of a case's JSON model, leaked: the test process is short-lived.

use serde_json::Value as Json;
use traca_wire::schema::*;

/// How often a shape may contain itself before it is cut off. No case nests deeper.
const UNROLLED: usize = 5;

pub fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

pub fn text(value: &str) -> &'static str {
    String::leak(value.to_owned())
}

pub struct Model<'a> {
    pub shapes: &'a Json,
}

pub static UNIT: Shape = Shape {
    name: Shape::UNIT,
    kind: Kind::Structure { members: &[] },
    constraints: &Constraints::NONE,
    sensitive: false,
};

impl Model<'_> {
    pub fn shape(&self, name: &str) -> &'static Shape {
        self.shape_within(name, &mut Vec::new(), None)
    }

    fn shape_within(&self, name: &str, inside: &mut Vec<String>, reference: Option<&Json>) -> &'static Shape {
        if inside.iter().filter(|outer| *outer == name).count() >= UNROLLED {
            return &UNIT;
        }
        inside.push(name.to_owned());
        let model = &self.shapes[name];
        let kind = self.kind(model, inside, reference);
        inside.pop();
        leak(Shape { name: text(name), kind, constraints: &Constraints::NONE, sensitive: false })
    }

    fn kind(&self, model: &Json, inside: &mut Vec<String>, reference: Option<&Json>) -> Kind {
        let flattened = model["flattened"].as_bool().unwrap_or(false);
        if model["document"].as_bool() == Some(true) {
            return Kind::Document;
        }
        match model["type"].as_str().expect("every shape has a type") {
            "string" | "character" if reference.is_some_and(|it| it["jsonvalue"].as_bool() == Some(true)) => {
                Kind::JsonValue
            }
            "string" | "character" => Kind::String,
            "blob" => Kind::Blob,
            "boolean" => Kind::Boolean,
            "integer" | "byte" | "short" => Kind::Integer,
            "long" => Kind::Long,
            "float" => Kind::Float,
            "double" => Kind::Double,
            "timestamp" => Kind::Timestamp(format(&model["timestampFormat"])),
            "list" => {
                Kind::List { member: leak(self.member("member", &model["member"], inside, &Json::Null)), flattened }
            }
            "map" => Kind::Map {
                key: leak(self.member("key", &model["key"], inside, &Json::Null)),
                value: leak(self.member("value", &model["value"], inside, &Json::Null)),
                flattened,
            },
            "structure" => {
                let members = self.members(model, inside);
                if model["union"].as_bool() == Some(true) {
                    Kind::Union { members }
                } else {
                    Kind::Structure { members }
                }
            }
            other => panic!("unknown type {other}"),
        }
    }

    fn members(&self, model: &Json, inside: &mut Vec<String>) -> &'static [Member] {
        let members = model["members"].as_object().expect("a structure has members");
        Vec::leak(members.iter().map(|(name, member)| self.member(name, member, inside, model)).collect())
    }

    pub fn member(&self, name: &str, member: &Json, inside: &mut Vec<String>, owner: &Json) -> Member {
        let target = member["shape"].as_str().expect("a member has a shape");
        let shape = self.shape_within(target, inside, Some(member));
        let streaming = owner["payload"] == name && self.shapes[target]["streaming"].as_bool() == Some(true);
        let location_name = member["locationName"].as_str();
        let target_name = matches!(shape.kind, Kind::Structure { .. } | Kind::Union { .. });
        let shape_name =
            self.shapes[target]["locationName"].as_str().filter(|_| target_name && owner["payload"] == name);
        Member {
            renamed: location_name.or(shape_name).map(text),
            query_name: member["queryName"].as_str().map(text),
            location: if owner["payload"] == name { Location::Payload } else { location(&member["location"]) },
            required: owner["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name)),
            flattened: member["flattened"].as_bool().unwrap_or(false),
            xml_attribute: member["xmlAttribute"].as_bool().unwrap_or(false),
            xml_namespace: namespace(&member["xmlNamespace"])
                .or(namespace(&self.shapes[target]["xmlNamespace"]))
                .map(leak),
            timestamp_format: format(&member["timestampFormat"]),
            streaming,
            ..Member::new(text(name), shape)
        }
    }
}

pub fn namespace(model: &Json) -> Option<XmlNamespace> {
    let uri = model["uri"].as_str().or(model.as_str())?;
    Some(XmlNamespace { uri: text(uri), prefix: model["prefix"].as_str().map(text) })
}

fn format(model: &Json) -> Option<TimestampFormat> {
    match model.as_str()? {
        "iso8601" => Some(TimestampFormat::Iso8601),
        "rfc822" => Some(TimestampFormat::Rfc822),
        "unixTimestamp" => Some(TimestampFormat::UnixTimestamp),
        other => panic!("unknown format {other}"),
    }
}

fn location(model: &Json) -> Location {
    match model.as_str() {
        None => Location::Body,
        Some("header") => Location::Header,
        Some("headers") => Location::Headers,
        Some("querystring") => Location::Query,
        Some("uri") => Location::Uri,
        Some("statusCode") => Location::Status,
        Some(other) => panic!("unknown location {other}"),
    }
}

pub fn protocol(metadata: &Json) -> Protocol {
    match metadata["protocol"].as_str().expect("a suite has a protocol") {
        "json" => Protocol::Json,
        "query" => Protocol::Query,
        "ec2" => Protocol::Ec2,
        "rest-json" => Protocol::RestJson,
        "rest-xml" => Protocol::RestXml,
        "smithy-rpc-v2-cbor" => Protocol::Cbor,
        other => panic!("unknown protocol {other}"),
    }
}

pub fn service(metadata: &Json, protocol: Protocol) -> &'static ServiceDef {
    leak(ServiceDef {
        id: "example",
        service_id: "Example",
        signing_name: "example",
        endpoint_prefix: "example",
        target_prefix: metadata["targetPrefix"].as_str().map(text),
        api_version: text(metadata["apiVersion"].as_str().unwrap_or("2020-01-08")),
        json_version: text(metadata["jsonVersion"].as_str().unwrap_or("1.1")),
        protocols: Vec::leak(vec![protocol]),
        xml_namespace: namespace(&metadata["xmlNamespace"]),
        query_compatible: metadata.get("awsQueryCompatible").is_some(),
        error_namespace: "aws.protocoltests",
        error_namespaces: &[],
        query_member_names: false,
        validation: Validation::Own { code: "BadRequestException" },
        operations: &[],
        errors: &[],
    })
}

fn segments(path: &str) -> &'static [Segment] {
    let segments = path.split('/').skip(1).map(|segment| {
        match segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
            None => Segment::Literal(text(segment)),
            Some(label) => match label.strip_suffix('+') {
                Some(greedy) => Segment::Greedy(text(greedy)),
                None => Segment::Label(text(label)),
            },
        }
    });
    Vec::leak(segments.collect())
}

pub fn operation(model: &Model<'_>, given: &Json, output: &'static Shape) -> &'static OperationDef {
    let name = text(given["name"].as_str().unwrap_or("OperationName"));
    let uri = given["http"]["requestUri"].as_str().unwrap_or("/");
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let keys = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| match pair.split_once('=') {
        Some((key, value)) => QueryKey { key: text(key), value: Some(text(value)) },
        None => QueryKey { key: text(pair), value: None },
    });
    let input_root = given["input"]["locationName"].as_str();
    let input_shape = given["input"]["shape"].as_str().map(|shape| &model.shapes[shape]);
    let input_name = input_root.or(input_shape.and_then(|shape| shape["locationName"].as_str()));
    let input_namespace =
        namespace(&given["input"]["xmlNamespace"]).or(input_shape.and_then(|shape| namespace(&shape["xmlNamespace"])));
    let fallback = given["input"]["shape"].as_str().unwrap_or_default();
    leak(OperationDef {
        name,
        index: 0,
        http: leak(HttpBinding {
            method: text(given["http"]["method"].as_str().unwrap_or("POST")),
            uri: text(uri),
            segments: segments(path),
            query: Vec::leak(keys.collect()),
            required_query: &[],
            required_headers: &[],
            status: given["http"]["responseCode"].as_u64().unwrap_or(200) as u16,
        }),
        unsigned: false,
        host_prefix: None,
        compressed_requests: false,
        result_wrapper: (!output.members().is_empty()).then(|| text(&format!("{name}Result"))),
        input_root: Some(leak((text(input_name.unwrap_or(fallback)), input_namespace))),
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
