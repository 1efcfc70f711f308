//! The stages that every call passes, whether a client or another service makes it: authorise, validate, handle.

use std::panic::AssertUnwindSafe;

use api::Operation;
use futures_util::FutureExt;
use wire::Error;
use wire::codec::Structure;
use wire::error::common;
use wire::schema::{OperationDef, Protocol, ServiceDef};
use wire::sigv4::SignatureError;

use crate::authorise::{AccessRequest, Decision};
use crate::context::Ctx;
use crate::refusal;

impl Ctx {
    /// Runs the call this context describes.
    ///
    /// Errors: [`common::NOT_IMPLEMENTED`] for an operation that is not built, a denial, a validation error, the
    /// handler's own errors, and [`common::INTERNAL_FAILURE`] if the handler panicked.
    pub async fn dispatch(&self, input: Box<dyn Structure>) -> Result<Box<dyn Structure>, Error> {
        let handler = self.platform.services().handler(self.service, self.operation);
        let handler = handler.ok_or_else(|| not_implemented(self.service, self.operation))?;
        self.authorise(input.as_ref())?;
        let work = async { handler(self.clone(), input).await };
        AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
            let (service, operation) = (self.service.id, self.operation.name);
            tracing::error!(service, operation, request = %self.request_id, "handler panicked");
            Err(Error::bare(&common::INTERNAL_FAILURE))
        })
    }

    pub(crate) async fn dispatch_typed<O: Operation>(&self, input: O::Input) -> Result<O::Output, Error> {
        let output = self.dispatch(Box::new(input)).await?;
        let output = output.into_any().downcast::<O::Output>();
        Ok(*output.unwrap_or_else(|_| unreachable!("handlers are registered by operation type")))
    }

    fn authorise(&self, input: &dyn Structure) -> Result<(), Error> {
        let request = AccessRequest { cx: self, service: self.service, operation: self.operation, input };
        match self.platform.authoriser.decide(&request) {
            Decision::Allow => Ok(()),
            Decision::MissingCredentials => {
                let protocol = self.protocol.or_else(|| self.service.protocols.first().copied());
                Err(refusal::error(&SignatureError::MissingCredentials, protocol.unwrap_or(Protocol::Json)))
            }
            Decision::Deny(text) => Err(Error::new(&common::ACCESS_DENIED, text)),
        }
    }
}

/// The answer to a call of an operation that AWS models and Traca has not built.
pub fn not_implemented(service: &ServiceDef, operation: &OperationDef) -> Error {
    let text = format!("Traca does not implement the {} operation of {} yet.", operation.name, service.service_id);
    Error::new(&common::NOT_IMPLEMENTED, text)
}
