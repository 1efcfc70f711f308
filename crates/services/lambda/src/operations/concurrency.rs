//! `PutFunctionConcurrency`, `GetFunctionConcurrency` and `DeleteFunctionConcurrency`.

use std::collections::HashMap;
use std::sync::Arc;

use api::Empty;
use api::lambda::{
    Concurrency, DeleteFunctionConcurrencyRequest, GetFunctionConcurrencyRequest, GetFunctionConcurrencyResponse,
    PutFunctionConcurrencyRequest,
};
use platform::Ctx;
use store::{Abort, Direction, Transaction};
use wire::Error;

use super::account::CONCURRENT_EXECUTIONS_MAX;
use crate::function::ProvisionedConcurrency;
use crate::functions::rows;
use crate::{FunctionId, Lambda, errors, keys, names};

/// Concurrency that an account's reservations leave to all its other functions. Developer guide, "Configuring reserved
/// concurrency".
pub(super) const UNRESERVED_MIN: u32 = 100;

/// Most reservations of an account, and most configurations of provisioned concurrency: each but reservations of nothing
/// takes one execution at least. Those of nothing are bounded along with them.
const RESERVATIONS_MAX: usize = 10_000;

/// What the functions of an account have for themselves in a region, by their names.
#[derive(Debug, Default)]
pub struct Bespoken {
    /// Reservations.
    pub reserved: HashMap<String, u32>,
    /// Provisioned concurrency of all versions and aliases together.
    pub provisioned: HashMap<String, u32>,
}

impl Bespoken {
    /// Reads it.
    pub fn read(rows: &mut dyn Transaction, account: &str, region: &str) -> Result<Bespoken, Abort<Error>> {
        let mut bespoken = Bespoken::default();
        let owner = |key: &[u8]| keys::read_owner(key).map_err(crate::store_failure);
        let reservations = keys::reservations(account, region).range();
        for (key, row) in rows.scan(reservations, Direction::Forward, RESERVATIONS_MAX)? {
            bespoken.reserved.insert(owner(&key)?.name, rows::decode(&row)?);
        }
        let provisioned = keys::provisioned_in(account, region).range();
        for (key, row) in rows.scan(provisioned, Direction::Forward, RESERVATIONS_MAX)? {
            let config: ProvisionedConcurrency = rows::decode(&row)?;
            *bespoken.provisioned.entry(owner(&key)?.name).or_default() += config.requested;
        }
        Ok(bespoken)
    }

    /// Executions that are kept free for functions. What is provisioned for a function with a reservation is part of it.
    pub fn total(&self) -> u32 {
        let provisioned = self.provisioned.iter().filter(|(name, _)| !self.reserved.contains_key(*name));
        self.reserved.values().chain(provisioned.map(|(_, provisioned)| provisioned)).sum()
    }
}

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
        if rows.get(&keys::function(&key))?.is_none() {
            return Err(errors::function_not_found(&key, Some("$LATEST")).into());
        }
        let own = keys::reservation(&key);
        let mut bespoken = Bespoken::read(rows, &key.account, &key.region)?;
        bespoken.reserved.insert(key.name.clone(), reserved);
        if bespoken.total().saturating_add(UNRESERVED_MIN) > CONCURRENT_EXECUTIONS_MAX.unsigned_abs() {
            return Err(errors::invalid_parameter(format!(
                "Specified ReservedConcurrentExecutions for function decreases account's \
                 UnreservedConcurrentExecution below its minimum value of [{UNRESERVED_MIN}]."
            ))
            .into());
        }
        let provisioned = bespoken.provisioned.get(&key.name).copied().unwrap_or(0);
        if provisioned > reserved {
            return Err(errors::invalid_parameter(format!(
                " ReservedConcurrentExecutions  {reserved} should not be lower than function's total provisioned \
                 concurrency [{provisioned}]."
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

/// What the functions of an account have for themselves in a region.
pub async fn bespoken(lambda: &Lambda, account: &str, region: &str) -> Result<Bespoken, Error> {
    let (account, region) = (account.to_owned(), region.to_owned());
    lambda.functions.change(move |rows| Bespoken::read(rows, &account, &region)).await
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
