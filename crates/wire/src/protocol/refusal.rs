//! Errors that come before a service sees a request, in the words of its family.

use crate::error::{Error, Scalar, common};
use crate::schema::{ErrorDef, OperationDef, Protocol, ServiceDef};
use crate::sigv4::Refusal;

/// The operation is modelled by AWS but not built here.
pub fn not_implemented(service: &ServiceDef, operation: &OperationDef) -> Error {
    let message = format!("The {} operation of {} is not implemented", operation.name, service.service_id);
    Error::new(&common::NOT_IMPLEMENTED, message)
}

/// An action that a query request names.
#[derive(Debug, Clone, Copy)]
pub struct NamedAction<'a> {
    /// `Action`.
    pub name: &'a str,
    /// `Version`, if it names one.
    pub version: Option<&'a str>,
}

/// What AWS puts in place of a `Version` that was not given.
const NO_VERSION: &str = "NO_VERSION_SPECIFIED";

/// The request names an operation that the service does not have, or none at all.
pub fn unknown_operation(
    service: Option<&'static ServiceDef>,
    protocol: Protocol,
    action: Option<NamedAction<'_>>,
) -> Error {
    let signing_name = service.map(|service| service.signing_name);
    match (protocol, action) {
        (Protocol::Query, Some(NamedAction { name, .. })) if signing_name == Some("sqs") => {
            Error::new(&common::INVALID_ACTION, format!("The action {name} is not valid for this endpoint."))
        }
        (Protocol::Query, Some(NamedAction { name, version })) => {
            let version = version.unwrap_or(NO_VERSION);
            Error::new(&common::INVALID_ACTION, format!("Could not find operation {name} for version {version}"))
        }
        (Protocol::Ec2, Some(NamedAction { name, .. })) => {
            let message = format!("The action {name} is not valid for this web service.");
            Error::new(&common::INVALID_ACTION, message)
        }
        (Protocol::Ec2, None) => Error::new(&common::MISSING_ACTION, "The request must contain the parameter Action"),
        (Protocol::RestXml, _) => {
            let definition = service.and_then(|service| service.error("MethodNotAllowed"));
            let message = "The specified method is not allowed against this resource.";
            Error::new(definition.unwrap_or(&common::METHOD_NOT_ALLOWED), message)
        }
        // API Gateway looks for credentials before it looks at the path, and says so whatever was wrong.
        (Protocol::RestJson, _) if signing_name == Some("apigateway") => {
            Error::new(&common::MISSING_AUTHENTICATION_TOKEN, "Missing Authentication Token")
        }
        _ => Error::bare(&common::UNKNOWN_OPERATION),
    }
}

/// The principal may not do it. The message is AWS's sentence about who may not do what.
pub fn access_denied(service: &'static ServiceDef, protocol: Protocol, message: String) -> Error {
    let own = match protocol {
        Protocol::Ec2 => Some(&common::UNAUTHORIZED_OPERATION),
        Protocol::RestXml => service.error("AccessDenied"),
        // SNS has an error of its own for it.
        Protocol::Query => service.error("AuthorizationErrorException"),
        _ => None,
    };
    Error::new(own.unwrap_or(&common::ACCESS_DENIED), message)
}

/// The signature was refused.
pub fn signature_refused(service: Option<&'static ServiceDef>, refusal: Refusal) -> Error {
    let Refusal { code, status, message, fields } = refusal;
    let own = service.and_then(|service| service.error(code));
    let definition = own.or_else(|| named(code)).unwrap_or(if status < 500 {
        &common::ACCESS_DENIED
    } else {
        &common::INTERNAL_FAILURE
    });
    let error = Error::new(definition, message);
    fields.into_iter().fold(error, |error, (name, value)| error.with(name, Scalar::String(value)))
}

/// A framework error by its name or its code.
pub(crate) fn named(code: &str) -> Option<&'static ErrorDef> {
    let by_name = common::ALL.iter().find(|definition| definition.name == code);
    by_name.or_else(|| common::ALL.iter().find(|definition| definition.code == code)).copied()
}
