//! Errors that come before a service sees a request, in the words of its family.

use crate::error::{Error, Scalar, common};
use crate::schema::{ErrorDef, OperationDef, Protocol, ServiceDef};
use crate::sigv4::Refusal;

/// The operation is modelled by AWS but not built here.
pub fn not_implemented(service: &ServiceDef, operation: &OperationDef) -> Error {
    let message = format!("The {} operation of {} is not implemented", operation.name, service.service_id);
    Error::new(&common::NOT_IMPLEMENTED, message)
}

/// The request names an operation that the service does not have. `action` is the name it gave, if any.
pub fn unknown_operation(service: Option<&'static ServiceDef>, protocol: Protocol, action: Option<&str>) -> Error {
    match (protocol, action) {
        (Protocol::Query, Some(action)) => {
            let version = service.map_or("", |service| service.api_version);
            Error::new(&common::INVALID_ACTION, format!("Could not find operation {action} for version {version}"))
        }
        (Protocol::Ec2, Some(action)) => {
            let message = format!("The action {action} is not valid for this web service.");
            Error::new(&common::INVALID_ACTION, message)
        }
        (Protocol::Query | Protocol::Ec2, None) => {
            Error::new(&common::MISSING_ACTION, "The request must contain the parameter Action")
        }
        (Protocol::RestXml, _) => {
            let definition = service.and_then(|service| service.error("MethodNotAllowed"));
            let message = "The specified method is not allowed against this resource.";
            Error::new(definition.unwrap_or(&common::METHOD_NOT_ALLOWED), message)
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
