//! Typed outputs to answers.

use http::{HeaderMap, StatusCode};

use crate::body::Body;
use crate::codec::Structure;
use crate::protocol::{AnswerContext, ResponseParts};
use crate::schema::{OperationDef, Protocol, ServiceDef};

/// Renders the output of an operation.
pub fn write_output(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    output: &mut dyn Structure,
    context: &AnswerContext<'_>,
) -> ResponseParts {
    let _ = (service, operation, protocol, output, context);
    ResponseParts { status: StatusCode::OK, headers: HeaderMap::new(), body: Body::Empty }
}
