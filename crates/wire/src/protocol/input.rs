//! Requests to typed inputs.

use crate::body::Body;
use crate::codec::Structure;
use crate::error::{Error, common};
use crate::protocol::RequestView;
use crate::schema::{OperationDef, Protocol, ServiceDef};

/// Whether the operation's input has a streaming payload: such a body is handed to [`read_input`] as it arrives; every
/// other body must be collected first.
pub fn streams_input(operation: &OperationDef) -> bool {
    let payload = operation.codec.and_then(|codec| codec.input.payload());
    payload.is_some_and(|member| member.streaming || member.event_stream)
}

/// Reads the typed input of a built operation.
///
/// # Errors
/// The protocol's own error for a document that cannot be read; `NotImplementedException` for an operation without codec.
pub fn read_input(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    request: &RequestView<'_>,
    body: Body,
) -> Result<Box<dyn Structure>, Error> {
    let _ = (service, operation, protocol, request, body);
    Err(Error::bare(&common::INTERNAL_FAILURE))
}
