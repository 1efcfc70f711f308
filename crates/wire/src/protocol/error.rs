//! Errors to answers.

use http::{HeaderMap, StatusCode};

use crate::body::Body;
use crate::error::Error;
use crate::protocol::{AnswerContext, ResponseParts};
use crate::schema::{OperationDef, Protocol, ServiceDef};

/// Renders an error. `service` and `operation` are `None` where routing failed before they were known.
pub fn write_error(
    service: Option<&'static ServiceDef>,
    operation: Option<&'static OperationDef>,
    protocol: Protocol,
    error: &Error,
    context: &AnswerContext<'_>,
) -> ResponseParts {
    let _ = (service, operation, protocol, error, context);
    ResponseParts { status: StatusCode::INTERNAL_SERVER_ERROR, headers: HeaderMap::new(), body: Body::Empty }
}
