//! Errors in S3's words, with the elements that S3 adds to them.

use api::s3::errors;
use wire::Error;
use wire::error::Scalar;
use wire::schema::{ErrorDef, Fault};

static ILLEGAL_LOCATION: ErrorDef = local("IllegalLocationConstraintException", 400);

const fn local(name: &'static str, status: u16) -> ErrorDef {
    ErrorDef {
        name,
        code: name,
        status,
        fault: Fault::Client,
        message_member: "Message",
        members: &[],
        query_code: None,
    }
}

static ID_MISMATCH: ErrorDef = local("IdMismatch", 400);
static MISSING_REQUEST_BODY: ErrorDef = local("MissingRequestBodyError", 400);
static INVALID_DESTINATION: ErrorDef = local("InvalidS3DestinationBucket", 400);
static INVALID_NAMESPACE_HEADER: ErrorDef = local("InvalidNamespaceHeader", 400);
static TOO_MANY_CONFIGURATIONS: ErrorDef = local("TooManyConfigurations", 400);

/// The document of a configuration has another id than the request.
pub fn id_mismatch() -> Error {
    Error::new(&ID_MISMATCH, "Document ID does not match the specified configuration ID.")
}

/// The name of a bucket is not of the account's own namespace, whose names end so.
pub fn foreign_namespace(suffix: &str) -> Error {
    let text = format!(
        "The requested bucket name did not include the account-regional namespace suffix, but the provided \
         x-amz-bucket-namespace header value is account-regional. Specify {suffix} as the bucket name suffix to create a \
         bucket in your account-regional namespace, or remove the header."
    );
    Error::new(&INVALID_NAMESPACE_HEADER, text)
}

/// Reports cannot go there.
pub fn invalid_destination() -> Error {
    Error::new(&INVALID_DESTINATION, "Invalid bucket ARN.")
}

/// The bucket has all configurations of a kind that it may have.
pub fn too_many_configurations() -> Error {
    let text =
        "You are attempting to create a new configuration but have already reached the 1,000-configuration limit.";
    Error::new(&TOO_MANY_CONFIGURATIONS, text)
}

/// The region asked for is not the one the request was sent to.
pub fn illegal_location(constraint: &str) -> Error {
    let text = format!(
        "The {constraint} location constraint is incompatible for the region specific endpoint this request was sent to."
    );
    Error::new(&ILLEGAL_LOCATION, text)
}

/// No such bucket.
pub fn no_bucket(bucket: &str) -> Error {
    errors::no_such_bucket("The specified bucket does not exist").with("BucketName", Scalar::from(bucket))
}

/// No such object.
pub fn no_key(key: &str) -> Error {
    errors::no_such_key("The specified key does not exist.").with("Key", Scalar::from(key))
}

/// No such version of an object.
pub fn no_version(key: &str, id: &str) -> Error {
    errors::no_such_version("The specified version does not exist.")
        .with("Key", Scalar::from(key))
        .with("VersionId", Scalar::from(id))
}

/// No such upload.
pub fn no_upload(id: &str) -> Error {
    let text = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
                completed.";
    errors::no_such_upload(text).with("UploadId", Scalar::from(id))
}

/// An argument that does not hold.
pub fn argument(message: impl Into<String>, name: &str, value: &str) -> Error {
    errors::invalid_argument(message.into())
        .with("ArgumentName", Scalar::from(name))
        .with("ArgumentValue", Scalar::from(value))
}

/// An argument that does not hold, where S3 does not repeat its value.
pub fn argument_without_value(message: impl Into<String>, name: &str) -> Error {
    errors::invalid_argument(message.into()).with("ArgumentName", Scalar::from(name))
}

/// A document that is none.
pub fn malformed_xml() -> Error {
    errors::malformed_xml("The XML you provided was not well-formed or did not validate against our published schema")
}

/// A document that is missing.
pub fn empty_body() -> Error {
    Error::new(&MISSING_REQUEST_BODY, "Request Body is empty")
}

/// The bucket has no grants besides its owner's.
pub fn no_grants() -> Error {
    errors::access_control_list_not_supported("The bucket does not allow ACLs")
}

/// Accounts have no mail addresses here, as far as S3 is concerned.
pub fn no_mail_address() -> Error {
    let text = "The e-mail address you provided does not match any account on record.";
    errors::unresolvable_grant_by_email_address(text)
}

/// A request that makes no sense.
pub fn request(message: impl Into<String>) -> Error {
    errors::invalid_request(message.into())
}

/// A condition of the request that is not met.
pub fn precondition(condition: &str) -> Error {
    errors::precondition_failed("At least one of the pre-conditions you specified did not hold")
        .with("Condition", Scalar::from(condition))
}

/// What S3 has and is not built here, by the header or parameter that asks for it.
pub fn unsupported(header: &str) -> Error {
    errors::not_implemented("A header you provided implies functionality that is not implemented")
        .with("Header", Scalar::from(header))
}

/// A digest that the body does not have, of the given kind.
pub fn checksum_mismatch(algorithm: &str) -> Error {
    errors::bad_digest(format!("The {algorithm} you specified did not match the calculated checksum."))
}
