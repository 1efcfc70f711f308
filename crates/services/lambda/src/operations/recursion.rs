//! What happens to a function that is invoked in a loop: `PutFunctionRecursionConfig` and `GetFunctionRecursionConfig`.

use std::sync::Arc;

use api::lambda::{
    GetFunctionRecursionConfigRequest, GetFunctionRecursionConfigResponse, PutFunctionRecursionConfigRequest,
    PutFunctionRecursionConfigResponse,
};
use platform::Ctx;
use store::Transaction;
use wire::Error;

use crate::functions::rows;
use crate::{Lambda, errors, keys, names};

/// The loop goes on.
const ALLOW: &str = "Allow";

/// It is stopped; so it is unless set.
const TERMINATE: &str = "Terminate";

/// Says whether loops go on.
pub async fn put_function_recursion_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: PutFunctionRecursionConfigRequest,
) -> Result<PutFunctionRecursionConfigResponse, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    let allows_loops = input.recursive_loop == ALLOW;
    let key = id.clone();
    let closure = move |rows: &mut dyn Transaction| {
        let mut record = rows::function(rows, &key)?;
        record.allows_loops = allows_loops;
        rows::put(rows, &keys::function(&key), &record)
    };
    lambda.functions.commit(&id, None, closure).await?;
    Ok(PutFunctionRecursionConfigResponse { recursive_loop: Some(input.recursive_loop) })
}

/// Tells whether loops go on.
pub async fn get_function_recursion_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetFunctionRecursionConfigRequest,
) -> Result<GetFunctionRecursionConfigResponse, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    let record = lambda.functions.function(&id).await?.ok_or_else(|| errors::function_not_found(&id, None))?;
    let name = if record.allows_loops { ALLOW } else { TERMINATE };
    Ok(GetFunctionRecursionConfigResponse { recursive_loop: Some(name.to_owned()) })
}
