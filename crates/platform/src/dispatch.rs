//! The stages that every call passes, whether a client or another service makes it: authorise, validate, handle.

use std::panic::AssertUnwindSafe;

use api::Operation;
use futures_util::FutureExt;
use wire::Error;
use wire::codec::Structure;
use wire::error::common;
use wire::protocol;

use crate::authorise;
use crate::context::Ctx;
use crate::guard::Need;

impl Ctx {
    /// Runs the call this context describes.
    ///
    /// Errors: [`common::NOT_IMPLEMENTED`] for an operation that is not built, a denial, a validation error, the
    /// handler's own errors, and [`common::INTERNAL_FAILURE`] if the handler panicked.
    pub async fn dispatch(&self, input: Box<dyn Structure>) -> Result<Box<dyn Structure>, Error> {
        let handler = self.platform.services().handler(self.service, self.operation);
        let handler = handler.ok_or_else(|| protocol::not_implemented(self.service, self.operation))?;
        let needs = authorise::needs(self, input.as_ref());
        authorise::authorise(self, needs).await?;
        wire::validate::validate(self.service, self.operation, input.as_ref()).map_err(|error| {
            let reword = self.platform.services().reword(self.service);
            reword.map_or(error, |reword| reword(self.operation, input.as_ref()))
        })?;
        let work = async { handler(self.clone(), input).await };
        AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
            let (service, operation) = (self.service.id, self.operation.name);
            tracing::error!(service, operation, request = %self.request_id, "handler panicked");
            Err(Error::bare(&common::INTERNAL_FAILURE))
        })
    }

    /// Decides about a permission that shows only while the call is at work: one for each of many things, or one on which
    /// the form of an error depends.
    ///
    /// # Errors
    /// The denial, in the words and codes of the service; the failure of a look-up.
    pub async fn authorise(&self, need: Need) -> Result<(), Error> {
        authorise::authorise(self, vec![need]).await
    }

    pub(crate) async fn dispatch_typed<O: Operation>(&self, input: O::Input) -> Result<O::Output, Error> {
        let output = self.dispatch(Box::new(input)).await?;
        let output = output.into_any().downcast::<O::Output>();
        Ok(*output.unwrap_or_else(|_| unreachable!("handlers are registered by operation type")))
    }
}
