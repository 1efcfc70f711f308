//! The model files, typed. Unknown keys are refused, so that no fact of a model is dropped unseen.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A service's model with its overlay merged in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub metadata: Metadata,
    pub operations: BTreeMap<String, Operation>,
    pub shapes: BTreeMap<String, Shape>,
}

/// Facts of the service as a whole.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    pub api_version: String,
    pub aws_query_compatible: Option<Value>,
    pub endpoint_prefix: String,
    pub json_version: Option<String>,
    pub protocol: String,
    pub protocols: Option<Vec<String>>,
    pub service_id: String,
    pub signing_name: Option<String>,
    pub target_prefix: Option<String>,
    pub xml_namespace: Option<XmlNamespace>,
    /// Overlay: what stands before `#` in a JSON error's `__type`.
    #[serde(default)]
    pub error_namespace: String,
    /// Overlay: errors with another namespace, by code.
    #[serde(default)]
    pub error_namespace_by_code: BTreeMap<String, String>,
    /// Overlay: query clients may use model names as well as query names.
    #[serde(default)]
    pub query_member_names: bool,
    /// Overlay: how failures of validation are worded.
    pub validation: Validation,
    // Facts of signing, which is one verifier for all services.
    #[serde(rename = "auth")]
    _auth: Option<Value>,
    #[serde(rename = "globalEndpoint")]
    _global_endpoint: Option<Value>,
    #[serde(rename = "signatureVersion")]
    _signature_version: Option<Value>,
}

/// How a service words validation failures.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Validation {
    pub family: String,
    pub code: Option<String>,
    #[serde(default)]
    pub omit_value: bool,
    #[serde(default)]
    pub body_path_prefix: bool,
    #[serde(default)]
    pub elements_not_null: bool,
}

/// The code under which an operation reports such failures, where it is not the service's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationCode {
    pub code: String,
}

/// An operation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Operation {
    pub http: Http,
    pub input: Option<Root>,
    pub output: Option<Root>,
    #[serde(default)]
    pub errors: Vec<String>,
    #[serde(default)]
    pub auth: Vec<String>,
    pub authtype: Option<String>,
    #[serde(default)]
    pub deprecated: bool,
    pub endpoint: Option<Endpoint>,
    pub requestcompression: Option<Value>,
    /// Overlay: its own error code for failures of validation.
    pub validation: Option<ValidationCode>,
    /// Set on operations that the model only names.
    pub part: Option<String>,
    // Advice to clients.
    #[serde(rename = "idempotent")]
    _idempotent: Option<Value>,
    #[serde(rename = "httpChecksum")]
    _http_checksum: Option<Value>,
    #[serde(rename = "httpChecksumRequired")]
    _http_checksum_required: Option<Value>,
    #[serde(rename = "unsignedPayload")]
    _unsigned_payload: Option<Value>,
    #[serde(rename = "eventStream")]
    _event_stream: Option<Value>,
}

/// Method and path.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Http {
    pub method: String,
    pub request_uri: String,
    pub response_code: Option<u16>,
}

/// What clients put before the endpoint's name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    pub host_prefix: String,
}

/// An operation's input or output.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Root {
    pub shape: String,
    pub result_wrapper: Option<String>,
    pub location_name: Option<String>,
    pub xml_namespace: Option<XmlNamespace>,
    /// Overlay: root element of the XML document.
    pub xml_root_name: Option<String>,
    /// Overlay: the one member is the root element's text.
    #[serde(default)]
    pub unwrapped_xml_output: bool,
}

/// A shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shape {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub required: Vec<String>,
    #[serde(default)]
    pub members: Ordered<Reference>,
    pub member: Option<Reference>,
    pub key: Option<Reference>,
    pub value: Option<Reference>,
    pub payload: Option<String>,
    #[serde(rename = "enum", default)]
    pub values: Vec<String>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub pattern: Option<String>,
    #[serde(default)]
    pub sensitive: bool,
    #[serde(default)]
    pub union: bool,
    /// Of a union: more than one member is the service's to refuse, in its own words.
    #[serde(default)]
    pub lenient: bool,
    #[serde(default)]
    pub document: bool,
    #[serde(default)]
    pub eventstream: bool,
    pub error: Option<ErrorTrait>,
    #[serde(default)]
    pub exception: bool,
    #[serde(default)]
    pub fault: bool,
    pub location_name: Option<String>,
    #[serde(default)]
    pub flattened: bool,
    #[serde(default)]
    pub streaming: bool,
    pub timestamp_format: Option<String>,
    pub xml_namespace: Option<XmlNamespace>,
    /// Overlay: path of a hand-written type that takes this shape's place.
    pub rust_type: Option<String>,
    // Facts that no generated code needs, named so that anything new is noticed.
    #[serde(rename = "event")]
    _event: Option<Value>,
    #[serde(rename = "box")]
    _boxed: Option<Value>,
    #[serde(rename = "retryable")]
    _retryable: Option<Value>,
    #[serde(rename = "synthetic")]
    _synthetic: Option<Value>,
    #[serde(rename = "wrapper")]
    _wrapper: Option<Value>,
    #[serde(rename = "sparse")]
    _sparse: Option<Value>,
    #[serde(rename = "xmlOrder")]
    _xml_order: Option<Value>,
}

/// A use of a shape: a member of a structure, an element of a list, a key or value of a map.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reference {
    pub shape: String,
    pub location: Option<String>,
    pub location_name: Option<String>,
    pub query_name: Option<String>,
    #[serde(default)]
    pub eventheader: bool,
    #[serde(default)]
    pub eventpayload: bool,
    #[serde(default)]
    pub flattened: bool,
    #[serde(default)]
    pub idempotency_token: bool,
    #[serde(default)]
    pub streaming: bool,
    #[serde(default)]
    pub xml_attribute: bool,
    pub timestamp_format: Option<String>,
    pub xml_namespace: Option<XmlNamespace>,
    // The label of a host prefix is also a label of the path here; two members list values that their service checks.
    #[serde(rename = "hostLabel")]
    _host_label: Option<Value>,
    #[serde(rename = "box")]
    _boxed: Option<Value>,
    #[serde(rename = "enum")]
    _values: Option<Value>,
}

/// What the model says of an error.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErrorTrait {
    pub code: Option<String>,
    pub http_status_code: Option<u16>,
    #[serde(default)]
    pub sender_fault: bool,
    /// Overlay: code for `x-amzn-query-error`, where it is not `code`.
    pub query_code: Option<String>,
    #[serde(rename = "fault")]
    _fault: Option<Value>,
}

/// A namespace: a bare URI, or a URI with a prefix.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum XmlNamespace {
    Uri(String),
    Prefixed { uri: String, prefix: Option<String> },
}

/// A JSON object whose order means something.
#[derive(Debug)]
pub struct Ordered<T>(Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Ordered<T> {
        Ordered(Vec::new())
    }
}

impl<T> Ordered<T> {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Ordered<T>, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

impl Model {
    /// The shape of that name; every reference of a model resolves, which loading has checked.
    pub fn shape(&self, name: &str) -> &Shape {
        self.shapes.get(name).unwrap_or_else(|| panic!("loading checked that the model has a shape {name}"))
    }
}

impl Shape {
    /// Every use of another shape in this one.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let members = self.members.iter().map(|(_, member)| member);
        members.chain(self.member.iter()).chain(self.key.iter()).chain(self.value.iter())
    }

    /// A structure that is not free-form JSON and not a choice.
    pub fn is_structure(&self) -> bool {
        self.kind == "structure" && !self.document && !self.union && !self.eventstream
    }

    /// A choice of one among several members. The events of a stream are one as well.
    pub fn is_union(&self) -> bool {
        self.kind == "structure" && !self.document && (self.union || self.eventstream)
    }
}
