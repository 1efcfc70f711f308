//! `DeleteFunction`.

use std::sync::Arc;

use api::lambda::{DeleteFunctionRequest, DeleteFunctionResponse};
use platform::Ctx;
use wire::Error;

use super::{concurrency, provisioned_concurrency};
use crate::{Lambda, Version, errors, names};

/// Status of a deletion's answer. AWS answers 204 although the model says 200.
const NO_CONTENT: i32 = 204;

/// Deletes a function with all its versions, or one published version.
pub async fn delete_function(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: DeleteFunctionRequest,
) -> Result<DeleteFunctionResponse, Error> {
    let target = names::target(cx, &input.function_name, input.qualifier.as_deref())?;
    match target.qualifier.as_deref().map(|qualifier| (qualifier, names::version(qualifier))) {
        None => {
            lambda.functions.delete(&target.function).await?;
            concurrency::refresh(lambda, &target.function).await?;
            provisioned_concurrency::refresh(lambda, &target.function).await?;
        }
        Some((_, Some(Version::Latest))) => {
            return Err(errors::invalid_parameter("$LATEST version cannot be deleted without deleting the function."));
        }
        Some((_, Some(Version::Published(number)))) => {
            lambda.functions.delete_version(&target.function, number).await?;
            provisioned_concurrency::refresh(lambda, &target.function).await?;
        }
        Some((alias, None)) => return Err(errors::function_not_found(&target.function, Some(alias))),
    }
    lambda.sweep_soon();
    Ok(DeleteFunctionResponse { status_code: Some(NO_CONTENT) })
}
