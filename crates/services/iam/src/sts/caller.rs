//! Who somebody is.

use api::sts::{
    GetAccessKeyInfoRequest, GetAccessKeyInfoResponse, GetCallerIdentityRequest, GetCallerIdentityResponse,
};
use platform::Ctx;
use platform::credentials::Issuer;
use wire::Error;

use super::Sts;
use super::refusals::invalid;

/// Tells who the caller is. Every identified caller may ask.
pub async fn get_caller_identity(
    _: &Sts,
    cx: &Ctx,
    _: GetCallerIdentityRequest,
) -> Result<GetCallerIdentityResponse, Error> {
    Ok(GetCallerIdentityResponse {
        account: Some(cx.principal.account().unwrap_or(&cx.account).to_owned()),
        arn: Some(cx.principal.arn()),
        user_id: Some(cx.principal.user_id()),
    })
}

/// Tells which account an access key id belongs to: the id itself carries it.
pub async fn get_access_key_info(
    _: &Sts,
    _: &Ctx,
    input: GetAccessKeyInfoRequest,
) -> Result<GetAccessKeyInfoResponse, Error> {
    match Issuer::account_of(&input.access_key_id) {
        Some(account) => Ok(GetAccessKeyInfoResponse { account: Some(account) }),
        None => Err(invalid(format!("Invalid value {} for parameter AccessKeyId", input.access_key_id))),
    }
}
