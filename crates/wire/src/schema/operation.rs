//! Services, operations and errors.

use crate::codec::{ReadResult, Reader, Structure};
use crate::schema::{Shape, XmlNamespace};

/// A service of the catalogue. All its operations are described; those that are built also carry a codec.
#[derive(Debug)]
pub struct ServiceDef {
    /// Short name used throughout Traca: the model's file name (`lambda`, `cognito-idp`).
    pub id: &'static str,
    /// Name that AWS uses in texts (`Lambda`, `Cognito Identity Provider`).
    pub service_id: &'static str,
    /// Name in a signature's credential scope.
    pub signing_name: &'static str,
    /// First label of the service's host names.
    pub endpoint_prefix: &'static str,
    /// What stands before the dot of `X-Amz-Target`.
    pub target_prefix: Option<&'static str>,
    /// `Version` of query protocols.
    pub api_version: &'static str,
    /// `1.0` or `1.1` for JSON protocols.
    pub json_version: &'static str,
    /// Protocols it accepts, the model's own first.
    pub protocols: &'static [Protocol],
    /// Namespace of XML answers.
    pub xml_namespace: Option<XmlNamespace>,
    /// JSON errors carry `x-amzn-query-error` (`awsQueryCompatible`).
    pub query_compatible: bool,
    /// What stands before `#` in a JSON error's `__type`; empty if the bare name is sent.
    pub error_namespace: &'static str,
    /// Errors that carry another namespace, by code: those that AWS's framework answers rather than the service.
    pub error_namespaces: &'static [(&'static str, &'static str)],
    /// Query clients may spell a member by its model name as well as by its `query_name` (SQS).
    pub query_member_names: bool,
    /// How inputs are checked against the model and how a failure is said.
    pub validation: Validation,
    /// All operations, sorted by name.
    pub operations: &'static [OperationDef],
    /// All errors of the model and the overlay, sorted by name.
    pub errors: &'static [&'static ErrorDef],
}

/// Wire protocols. The request decides which one an exchange uses; the answer keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `application/x-amz-json-1.0` or `-1.1` (see [`ServiceDef::json_version`]), operation in `X-Amz-Target`.
    Json,
    /// Form post with `Action` and `Version`, XML answers.
    Query,
    /// The EC2 variety of [`Protocol::Query`].
    Ec2,
    /// Operation by method and path, JSON documents.
    RestJson,
    /// Operation by method and path, XML documents.
    RestXml,
    /// Smithy RPC v2 CBOR: `/service/…/operation/…`.
    Cbor,
    /// `application/x-amz-cbor-1.1` under `X-Amz-Target`: older Kinesis clients.
    CborTarget,
}

/// The family of validation texts a service follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// "N validation errors detected: …" under the given error code.
    Generic {
        /// For example `ValidationException`.
        code: &'static str,
        /// "Value at 'path'": the value itself is not repeated (IAM).
        omit_value: bool,
        /// The path of a body member starts with the name of the operation's input (`createRestApiInput.`).
        body_path_prefix: bool,
        /// A list whose elements break a constraint is told all of them with "Member must not be null" at their end, and
        /// so are the keys of a map (Lambda, IAM).
        elements_not_null: bool,
    },
    /// "The request must contain the parameter X" (`MissingParameter`); all else is the service's own.
    MissingParameter,
    /// The service words every failure itself; only the presence of required members is checked, and a missing one is
    /// reported under this code.
    Own {
        /// For example `BadRequestException`.
        code: &'static str,
    },
}

/// One operation.
#[derive(Debug)]
pub struct OperationDef {
    /// For example `CreateFunction`.
    pub name: &'static str,
    /// Position in [`ServiceDef::operations`].
    pub index: u16,
    /// Method and path for REST protocols; `POST /` otherwise.
    pub http: &'static HttpBinding,
    /// Clients may call it without signing (`authtype: none`).
    pub unsigned: bool,
    /// Host prefix that clients put before the endpoint's name (`sync-`), if any.
    pub host_prefix: Option<&'static str>,
    /// Gzip request bodies are accepted (`requestcompression`).
    pub compressed_requests: bool,
    /// The element that wraps a query protocol's output, for example `GetCallerIdentityResult`.
    pub result_wrapper: Option<&'static str>,
    /// Root element of a REST XML input document and its namespace.
    pub input_root: Option<&'static (&'static str, Option<XmlNamespace>)>,
    /// Root element of a REST XML output document, where it differs from the shape's name.
    pub output_root: Option<&'static str>,
    /// The output's one member is the text of the root element itself (S3's GetBucketLocation).
    pub unwrapped_output: bool,
    /// Superseded by another operation with the same binding: loses ties in routing.
    pub deprecated: bool,
    /// The error code of failed validation, where it is not the service's.
    pub validation_code: Option<&'static str>,
    /// No policy can withhold it from an identified caller (STS GetCallerIdentity).
    pub always_allowed: bool,
    /// IAM actions a caller needs, all of them, for example `lambda:InvokeFunction`. Where there are none, nor any by
    /// content, only the account root may call.
    pub actions: &'static [&'static str],
    /// Further actions of which the input decides which ones are needed, for example `dynamodb:PartiQLSelect`. As long
    /// as nothing tells them apart, only the account root may call.
    pub actions_by_content: &'static [&'static str],
    /// Schemas and codec, if the operation is built.
    pub codec: Option<&'static OperationCodec>,
}

/// The generated entry points of a built operation.
#[derive(Debug)]
pub struct OperationCodec {
    /// Shape of the input; an empty structure if the model has none.
    pub input: &'static Shape,
    /// Shape of the output; an empty structure if the model has none.
    pub output: &'static Shape,
    /// Builds the typed input by driving a reader over it.
    pub read_input: fn(&mut dyn Reader) -> ReadResult<Box<dyn Structure>>,
}

/// Method, path and tie-breakers of a REST operation.
#[derive(Debug)]
pub struct HttpBinding {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// Path template as in the model, for example `/2015-03-31/functions/{FunctionName}/invocations`.
    pub uri: &'static str,
    /// The template split at slashes.
    pub segments: &'static [Segment],
    /// Query keys that the template fixes (`?uploads`, `?list-type=2`).
    pub query: &'static [QueryKey],
    /// Query keys of required members: break ties between operations that share method and path.
    pub required_query: &'static [&'static str],
    /// Headers of required members, lower case: likewise.
    pub required_headers: &'static [&'static str],
    /// Status of a successful answer.
    pub status: u16,
}

impl HttpBinding {
    /// The binding of every operation of a protocol that is not REST.
    pub const ROOT: HttpBinding = HttpBinding {
        method: "POST",
        uri: "/",
        segments: &[],
        query: &[],
        required_query: &[],
        required_headers: &[],
        status: 200,
    };
}

/// A piece of a path template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// Fixed text.
    Literal(&'static str),
    /// `{Name}`: one segment.
    Label(&'static str),
    /// `{Name+}`: one or more segments.
    Greedy(&'static str),
}

/// A query key that a path template fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryKey {
    /// The key.
    pub key: &'static str,
    /// The value it must have, if one is fixed.
    pub value: Option<&'static str>,
}

/// An error of a service.
#[derive(Debug)]
pub struct ErrorDef {
    /// Shape name, which is what JSON protocols and SDKs use.
    pub name: &'static str,
    /// Code in query and XML answers (`error.code` of the model), equal to `name` if none is given.
    pub code: &'static str,
    /// HTTP status in every protocol but those that always answer 400.
    pub status: u16,
    /// Whose fault it is.
    pub fault: Fault,
    /// Spelling of the member that carries the text: `message` or `Message`.
    pub message_member: &'static str,
    /// Further members that the shape has, in order; sent only when the error carries a value for them.
    pub members: &'static [crate::schema::Member],
    /// Legacy code for `x-amzn-query-error`, if it differs from `code`.
    pub query_code: Option<&'static str>,
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `Sender`, `Client`, `User`.
    Client,
    /// `Receiver`, `Server`, `Service`.
    Server,
}

impl ServiceDef {
    /// The operation of that name.
    pub fn operation(&'static self, name: &str) -> Option<&'static OperationDef> {
        self.operations.binary_search_by(|operation| operation.name.cmp(name)).ok().map(|i| &self.operations[i])
    }

    /// The error of that shape name.
    pub fn error(&'static self, name: &str) -> Option<&'static ErrorDef> {
        self.errors.binary_search_by(|error| error.name.cmp(name)).ok().map(|i| self.errors[i])
    }
}
