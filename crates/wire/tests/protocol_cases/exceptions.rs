//! Cases that do not apply, each with its reason.

const ENDPOINT_PATH: &str = "client only: puts the configured endpoint's path before the operation's";
const COMPRESSION: &str =
    "client only: compresses the body, which the case therefore leaves out; unpacking is tested by itself";
const TOKEN: &str = "client only: fills in an idempotency token that the caller did not give";
const EMPTY: &str = "an empty list or map leaves no trace on this wire, so a server cannot tell it from an absent one";
const EMPTY_PAYLOAD: &str =
    "client only: sends `{}` for a payload that was not given, which a server reads as an empty one";
const PAYLOAD_ROOT: &str = "the root's name comes from the target shape, which our definitions do not carry: in the \
                            catalogue the member or operation has the same name (botocore skips this case as well)";
const QUERY_IN_ANSWER: &str = "the output binds a member to the query string, which no output of the catalogue does";

/// Direction, id and reason.
const TABLE: &[(&str, &str, &str)] = &[
    ("input", "Ec2QueryHostWithPath", ENDPOINT_PATH),
    ("input", "AwsJson11HostWithPath", ENDPOINT_PATH),
    ("input", "AwsJson10HostWithPath", ENDPOINT_PATH),
    ("input", "QueryHostWithPath", ENDPOINT_PATH),
    ("input", "RestJsonHostWithPath", ENDPOINT_PATH),
    ("input", "SDKAppliedContentEncoding_ec2Query", COMPRESSION),
    ("input", "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query", COMPRESSION),
    ("input", "SDKAppliedContentEncoding_awsJson1_1", COMPRESSION),
    ("input", "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1", COMPRESSION),
    ("input", "SDKAppliedContentEncoding_awsJson1_0", COMPRESSION),
    ("input", "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0", COMPRESSION),
    ("input", "SDKAppliedContentEncoding_awsQuery", COMPRESSION),
    ("input", "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery", COMPRESSION),
    ("input", "SDKAppliedContentEncoding_restJson1", COMPRESSION),
    ("input", "SDKAppendedGzipAfterProvidedEncoding_restJson1", COMPRESSION),
    ("input", "SDKAppliedContentEncoding_restXml", COMPRESSION),
    ("input", "SDKAppendedGzipAfterProvidedEncoding_restXml", COMPRESSION),
    ("input", "Ec2ProtocolIdempotencyTokenAutoFill", TOKEN),
    ("input", "QueryProtocolIdempotencyTokenAutoFill", TOKEN),
    ("input", "RestJsonQueryIdempotencyTokenAutoFill", TOKEN),
    ("input", "QueryIdempotencyTokenAutoFill", TOKEN),
    ("input", "Ec2EmptyQueryLists", EMPTY),
    ("input", "QueryEmptyQueryMaps", EMPTY),
    ("input", "RestJsonHttpPrefixHeadersAreNotPresent", EMPTY),
    ("input", "HttpPrefixHeadersAreNotPresent", EMPTY),
    ("output", "HttpPrefixHeadersAreNotPresent", EMPTY),
    ("input", "RestJsonNullAndEmptyHeaders", EMPTY),
    ("input", "NullAndEmptyHeaders", EMPTY),
    ("input", "RestJsonOmitsEmptyListQueryValues", EMPTY),
    ("input", "RestJsonHttpWithEmptyStructurePayload", EMPTY_PAYLOAD),
    ("input", "RestJsonHttpWithHeadersButNoPayload", EMPTY_PAYLOAD),
    ("input", "BodyWithXmlName", PAYLOAD_ROOT),
    ("input", "RestXmlHttpPayloadWithUnion", PAYLOAD_ROOT),
    ("input", "HttpPayloadWithXmlName", PAYLOAD_ROOT),
    ("input", "HttpPayloadWithXmlNamespace", PAYLOAD_ROOT),
    ("input", "HttpPayloadWithXmlNamespaceAndPrefix", PAYLOAD_ROOT),
    ("input", "XmlAttributesOnPayload", PAYLOAD_ROOT),
    ("output", "IgnoreQueryParamsInResponse", QUERY_IN_ANSWER),
];

/// Number of cases that the table excepts.
pub const COUNT: usize = TABLE.len();

/// Why a case does not apply.
pub fn reason(direction: &str, id: &str) -> Option<&'static str> {
    TABLE.iter().find(|row| row.0 == direction && row.1 == id).map(|row| row.2)
}
