//! `DeleteParameter` and `DeleteParameters`.

use api::ssm::{DeleteParameterRequest, DeleteParameterResult, DeleteParametersRequest, DeleteParametersResult};
use platform::Ctx;
use wire::Error;

use crate::names::Reference;
use crate::service::ParameterStore;
use crate::{parameter_policies, rows};

/// Deletes a parameter with all its versions.
pub async fn delete_parameter(
    service: &ParameterStore,
    cx: &Ctx,
    input: DeleteParameterRequest,
) -> Result<DeleteParameterResult, Error> {
    delete(service, cx, &input.name).await?;
    Ok(DeleteParameterResult {})
}

/// Deletes several parameters; the names of those that there are not are told apart.
pub async fn delete_parameters(
    service: &ParameterStore,
    cx: &Ctx,
    input: DeleteParametersRequest,
) -> Result<DeleteParametersResult, Error> {
    let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
    for name in input.names {
        match delete(service, cx, &name).await {
            Ok(()) => deleted.push(name),
            Err(error) if error.is("ParameterNotFound") => invalid.push(name),
            Err(error) => return Err(error),
        }
    }
    Ok(DeleteParametersResult { deleted_parameters: Some(deleted), invalid_parameters: Some(invalid) })
}

async fn delete(service: &ParameterStore, cx: &Ctx, name: &str) -> Result<(), Error> {
    let reference = Reference::parse(cx, name)?;
    if reference.selector.is_some() {
        return Err(crate::errors::parameter_not_found());
    }
    let timers = service.timers(&reference.account).await?;
    let account = reference.account.clone();
    service
        .transact(&account, move |transaction| {
            let record = rows::parameter(transaction, &reference)?;
            parameter_policies::cancel_timers(transaction, &timers, &reference.region, &record)?;
            rows::remove(transaction, &reference.region, &record)
        })
        .await
}
