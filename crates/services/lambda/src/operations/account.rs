//! `GetAccountSettings`.

use std::sync::Arc;

use api::lambda::{AccountLimit, AccountUsage, GetAccountSettingsRequest, GetAccountSettingsResponse};
use platform::Ctx;
use wire::Error;

use super::concurrency;
use crate::Lambda;
use crate::functions::CODE_STORAGE_BYTES_MAX;
use crate::package::{UNZIPPED_BYTES_MAX, ZIPPED_BYTES_MAX};

/// Invocations of an account at work at once in a region. AWS Lambda quotas.
pub const CONCURRENT_EXECUTIONS_MAX: i32 = 1_000;

/// The account's limits and what it uses of them.
pub async fn get_account_settings(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    _input: GetAccountSettingsRequest,
) -> Result<GetAccountSettingsResponse, Error> {
    let bespoken = concurrency::bespoken(lambda, &cx.account, &cx.region).await?.total() as i32;
    let usage = lambda.functions.usage(&cx.account, &cx.region).await?;
    Ok(GetAccountSettingsResponse {
        account_limit: Some(AccountLimit {
            total_code_size: Some(CODE_STORAGE_BYTES_MAX as i64),
            code_size_unzipped: Some(UNZIPPED_BYTES_MAX as i64),
            code_size_zipped: Some(ZIPPED_BYTES_MAX as i64),
            concurrent_executions: Some(CONCURRENT_EXECUTIONS_MAX),
            unreserved_concurrent_executions: Some(CONCURRENT_EXECUTIONS_MAX - bespoken),
        }),
        account_usage: Some(AccountUsage {
            total_code_size: Some(usage.code_bytes as i64),
            function_count: Some(usage.functions as i64),
        }),
    })
}
