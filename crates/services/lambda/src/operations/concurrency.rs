//! `PutFunctionConcurrency`, `GetFunctionConcurrency` and `DeleteFunctionConcurrency`.

use std::sync::Arc;

use api::Empty;
use api::lambda::{
    Concurrency, DeleteFunctionConcurrencyRequest, GetFunctionConcurrencyRequest, GetFunctionConcurrencyResponse,
    PutFunctionConcurrencyRequest,
};
use platform::Ctx;
use store::{Direction, Transaction};
use wire::Error;

use super::account::CONCURRENT_EXECUTIONS_MAX;
use crate::functions::rows;
use crate::{FunctionId, Lambda, errors, keys, names};

/// Concurrency that an account's reservations leave to all its other functions. Developer guide, "Configuring reserved
/// concurrency".
const UNRESERVED_MIN: u32 = 100;

/// Most reservations of an account: each but those of nothing takes one execution at least. Those of nothing are
/// bounded along with them.
const RESERVATIONS_MAX: usize = 10_000;

/// Reserves concurrency for a function, which is also the most it gets.
pub async fn put_function_concurrency(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: PutFunctionConcurrencyRequest,
) -> Result<Concurrency, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    let reserved = input.reserved_concurrent_executions.unsigned_abs();
    let key = id.clone();
    let closure = move |rows: &mut dyn Transaction| {
        rows::function(rows, &key)?;
        let own = keys::reservation(&key);
        let all = keys::reservations(&key.account, &key.region).range();
        let mut sum = reserved;
        for (other, row) in rows.scan(all, Direction::Forward, RESERVATIONS_MAX)? {
            if other[..] != own[..] {
                sum = sum.saturating_add(rows::decode(&row)?);
            }
        }
        if sum.saturating_add(UNRESERVED_MIN) > CONCURRENT_EXECUTIONS_MAX.unsigned_abs() {
            return Err(errors::invalid_parameter(format!(
                "Specified ReservedConcurrentExecutions for function decreases account's \
                 UnreservedConcurrentExecution below its minimum value of [{UNRESERVED_MIN}]."
            ))
            .into());
        }
        rows::put(rows, &own, &reserved)
    };
    lambda.functions.commit(&id, None, closure).await?;
    refresh(lambda, &id).await?;
    Ok(Concurrency { reserved_concurrent_executions: Some(input.reserved_concurrent_executions) })
}

/// What is reserved for a function.
pub async fn get_function_concurrency(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetFunctionConcurrencyRequest,
) -> Result<GetFunctionConcurrencyResponse, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    if lambda.functions.function(&id).await?.is_none() {
        return Err(errors::function_not_found(&id, None));
    }
    Ok(GetFunctionConcurrencyResponse { reserved_concurrent_executions: reserved(lambda, &id).await? })
}

/// Lets a function share the account's concurrency again.
pub async fn delete_function_concurrency(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: DeleteFunctionConcurrencyRequest,
) -> Result<Empty, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    let key = id.clone();
    let closure = move |rows: &mut dyn Transaction| {
        rows::function(rows, &key)?;
        rows.delete(&keys::reservation(&key));
        Ok(())
    };
    lambda.functions.commit(&id, None, closure).await?;
    refresh(lambda, &id).await?;
    Ok(Empty)
}

/// What is reserved for a function.
pub async fn reserved(lambda: &Lambda, id: &FunctionId) -> Result<Option<i32>, Error> {
    lambda.functions.row(&keys::reservation(id)).await
}

/// Makes invocations keep to what is reserved now. Whoever comes last reads what is stored last.
pub async fn refresh(lambda: &Lambda, id: &FunctionId) -> Result<(), Error> {
    let _alone = lambda.reservations.lock().await;
    let reserved: Option<u32> = lambda.functions.row(&keys::reservation(id)).await?;
    lambda.invoker.reserve(id, reserved);
    Ok(())
}

/// Makes invocations keep to all reservations, at start.
///
/// # Errors
/// When the store cannot be read.
pub async fn load(lambda: &Lambda) -> Result<(), Error> {
    for (key, reserved) in lambda.functions.all_rows::<u32>(keys::all_reservations()).await? {
        let Ok(id) = keys::read_owner(&key) else { continue };
        lambda.invoker.reserve(&id, Some(reserved));
    }
    Ok(())
}
