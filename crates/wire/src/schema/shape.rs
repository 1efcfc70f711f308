//! Shapes and members: what a value looks like, and what it is called on each wire.

/// A named type of the model.
#[derive(Debug)]
pub struct Shape {
    /// Name in the model, for example `CreateFunctionRequest`.
    pub name: &'static str,
    /// What kind of value it is.
    pub kind: Kind,
    /// Bounds checked by the model-derived validator.
    pub constraints: &'static Constraints,
    /// The value must never be shown: not in errors, not in logs.
    pub sensitive: bool,
}

/// The kinds of value a model knows.
#[derive(Debug)]
pub enum Kind {
    /// Text, also every enum (an open set: the known values are in [`Constraints::one_of`]).
    String,
    /// A string that carries a JSON document (`jsonvalue`): base64 in headers, a JSON string elsewhere.
    JsonValue,
    /// Bytes: base64 in text protocols.
    Blob,
    /// `true` or `false`.
    Boolean,
    /// 32-bit signed integer.
    Integer,
    /// 64-bit signed integer.
    Long,
    /// 32-bit float.
    Float,
    /// 64-bit float.
    Double,
    /// A point in time; the format is the member's, else the shape's, else the protocol's.
    Timestamp(Option<TimestampFormat>),
    /// Any JSON value.
    Document,
    /// An ordered list. The pseudo-member names its elements (`Member::wire_name` is the XML element, default `member`).
    List {
        /// Element type and its traits.
        member: &'static Member,
        /// The shape itself is flattened (the trait may also sit on the member that refers to it).
        flattened: bool,
    },
    /// A map with string keys.
    Map {
        /// Key type; [`Member::wire_name`] defaults to `key`.
        key: &'static Member,
        /// Value type; [`Member::wire_name`] defaults to `value`.
        value: &'static Member,
        /// As for lists.
        flattened: bool,
    },
    /// A record.
    Structure {
        /// Members in the model's order, which XML output keeps.
        members: &'static [Member],
    },
    /// A record of which exactly one member is set.
    Union {
        /// The alternatives.
        members: &'static [Member],
    },
}

/// Bounds and patterns of a shape. Which of them apply follows from the kind.
#[derive(Debug, Clone, Copy)]
pub struct Constraints {
    /// Least length (characters, bytes, elements) or least value.
    pub min: Option<f64>,
    /// Greatest length or value.
    pub max: Option<f64>,
    /// Regular expression that the whole string must match.
    pub pattern: Option<&'static str>,
    /// Known values of an enum, in the order in which AWS lists them in its messages; empty if not an enum.
    pub one_of: &'static [&'static str],
}

impl Constraints {
    /// No bound at all.
    pub const NONE: Constraints = Constraints { min: None, max: None, pattern: None, one_of: &[] };
}

/// A member of a structure (or the pseudo-member of a list or map): a shape plus what is said where it is used.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Name in the model, as clients spell it (`FunctionName`).
    pub name: &'static str,
    /// `locationName`, if the model gives one (the EC2 query protocol spells the two cases differently).
    pub renamed: Option<&'static str>,
    /// `queryName`: the name in the EC2 query protocol and, where it is given, in the query protocol (SQS).
    pub query_name: Option<&'static str>,
    /// The member's type.
    pub shape: &'static Shape,
    /// Where it travels in a REST protocol.
    pub location: Location,
    /// The caller must give it.
    pub required: bool,
    /// List or map without its wrapping element.
    pub flattened: bool,
    /// Rendered as an attribute of the enclosing XML element.
    pub xml_attribute: bool,
    /// Namespace declared on the member's element.
    pub xml_namespace: Option<&'static XmlNamespace>,
    /// Overrides the shape's and the protocol's timestamp format.
    pub timestamp_format: Option<TimestampFormat>,
    /// A payload that is streamed rather than collected.
    pub streaming: bool,
    /// The payload is an event stream.
    pub event_stream: bool,
    /// In an event: travels in the event's headers (`eventheader`).
    pub event_header: bool,
    /// In an event: is the event's payload (`eventpayload`).
    pub event_payload: bool,
    /// Clients fill it with a random UUID if the caller does not.
    pub idempotency_token: bool,
}

impl Member {
    /// A plain body member; generated code spells out only what differs: `Member { required: true, ..Member::new(…) }`.
    pub const fn new(name: &'static str, shape: &'static Shape) -> Member {
        Member {
            name,
            renamed: None,
            query_name: None,
            shape,
            location: Location::Body,
            required: false,
            flattened: false,
            xml_attribute: false,
            xml_namespace: None,
            timestamp_format: None,
            streaming: false,
            event_stream: false,
            event_header: false,
            event_payload: false,
            idempotency_token: false,
        }
    }
}

/// `xmlNamespace` of a member, shape or service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XmlNamespace {
    /// The namespace's URI.
    pub uri: &'static str,
    /// Prefix to declare it under, if any.
    pub prefix: Option<&'static str>,
}

/// Where a member of a REST operation travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the document body.
    Body,
    /// In the header named by `wire_name`.
    Header,
    /// A map: every header that starts with `wire_name` is an entry.
    Headers,
    /// In the query string, under `wire_name`; a map's entries are keys of their own.
    Query,
    /// A label of the path.
    Uri,
    /// The HTTP status code.
    Status,
    /// The member *is* the body (the structure's `payload` trait).
    Payload,
}

/// How a timestamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFormat {
    /// Seconds since 1970, a JSON number, with a fraction where there is one.
    UnixTimestamp,
    /// `2015-01-25T08:00:00Z`.
    Iso8601,
    /// `Sun, 25 Jan 2015 08:00:00 GMT`.
    Rfc822,
}

impl Member {
    /// JSON key, XML element, header, query key or label: `locationName` of the model, else the name.
    pub fn wire_name(&self) -> &'static str {
        self.renamed.unwrap_or(self.name)
    }
}

impl Shape {
    /// Name of the empty structure that stands in where the model has no input or no output.
    pub const UNIT: &'static str = "Unit";

    /// Whether the model has nothing here: such an output is answered without a document, not with an empty one.
    pub fn is_unit(&self) -> bool {
        self.name == Shape::UNIT && self.members().is_empty()
    }

    /// Members of a structure or union; empty for every other kind.
    pub const fn members(&self) -> &'static [Member] {
        match self.kind {
            Kind::Structure { members } | Kind::Union { members } => members,
            _ => &[],
        }
    }

    /// The member that is the whole body, if the structure has one.
    pub fn payload(&self) -> Option<&'static Member> {
        self.members().iter().find(|member| member.location == Location::Payload)
    }
}
