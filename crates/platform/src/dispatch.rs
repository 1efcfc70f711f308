//! The stages that every call passes, whether a client or another service makes it: authorise, validate, handle.

use std::panic::AssertUnwindSafe;

use api::Operation;
use api::wire::Error;
use api::wire::codec::Structure;
use api::wire::error::common;
use futures_util::FutureExt;

use crate::authorise::{AccessRequest, Decision};
use crate::context::Ctx;

impl Ctx {
    /// Runs the call this context describes.
    ///
    /// Errors: [`common::NOT_IMPLEMENTED`] for an operation that is not built, a denial, a validation error, the
    /// handler's own errors, and [`common::INTERNAL_FAILURE`] if the handler panicked.
    pub async fn dispatch(&self, input: Box<dyn Structure>) -> Result<Box<dyn Structure>, Error> {
        let handler = self.platform.services().handler(self.service, self.operation);
        let handler = handler.ok_or_else(|| not_implemented(self))?;
        self.authorise(input.as_ref())?;
        api::wire::validate::check(self.service, self.operation, input.as_ref())?;
        let outcome = AssertUnwindSafe(handler(self.clone(), input)).catch_unwind().await;
        outcome.unwrap_or_else(|_| {
            tracing::error!(service = self.service.id, operation = self.operation.name, request = %self.request_id, "handler panicked");
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
            Decision::MissingCredentials => Err(Error::new(
                &common::MISSING_AUTHENTICATION_TOKEN,
                "Missing Authentication Token",
            )),
            Decision::Deny(text) => Err(Error::new(&common::ACCESS_DENIED, text)),
        }
    }
}

fn not_implemented(cx: &Ctx) -> Error {
    let text = format!("Traca does not implement the {} operation of {} yet.", cx.operation.name, cx.service.service_id);
    Error::new(&common::NOT_IMPLEMENTED, text)
}
