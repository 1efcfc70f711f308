//! `PutFunctionRecursionConfig` and `GetFunctionRecursionConfig`.

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

/// Loops through a function are let go on.
const ALLOW: &str = "Allow";
/// Loops through a function are ended.
const TERMINATE: &str = "Terminate";

/// Says what becomes of recursive loops through a function.
pub async fn put_function_recursion_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: PutFunctionRecursionConfigRequest,
) -> Result<PutFunctionRecursionConfigResponse, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    let (key, allows) = (id.clone(), input.recursive_loop == ALLOW);
    let closure = move |rows: &mut dyn Transaction| {
        let mut function = rows::function(rows, &key)?;
        function.allows_recursion = allows;
        rows::put(rows, &keys::function(&key), &function)
    };
    lambda.functions.commit(&id, None, closure).await?;
    Ok(PutFunctionRecursionConfigResponse { recursive_loop: Some(input.recursive_loop) })
}

/// What becomes of recursive loops through a function.
pub async fn get_function_recursion_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetFunctionRecursionConfigRequest,
) -> Result<GetFunctionRecursionConfigResponse, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    let function = lambda.functions.function(&id).await?.ok_or_else(|| errors::function_not_found(&id, None))?;
    let recursive_loop = if function.allows_recursion { ALLOW } else { TERMINATE };
    Ok(GetFunctionRecursionConfigResponse { recursive_loop: Some(recursive_loop.to_owned()) })
}
