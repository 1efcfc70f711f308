//! Key policies.

use api::Empty;
use api::kms::{
    GetKeyPolicyRequest, GetKeyPolicyResponse, ListKeyPoliciesRequest, ListKeyPoliciesResponse, PutKeyPolicyRequest,
};
use platform::Ctx;
use wire::Error;

use crate::errors;
use crate::limits::{LONG_PAGE_DEFAULT, LONG_PAGE_MAX};
use crate::operations::own_key;
use crate::operations::state::change;
use crate::paging;
use crate::policy_document::{self, POLICY_NAME};
use crate::resolve::require_customers;
use crate::service::Kms;

/// A key's policy.
pub async fn get_key_policy(kms: &Kms, cx: &Ctx, input: GetKeyPolicyRequest) -> Result<GetKeyPolicyResponse, Error> {
    let record = kms.find(&own_key(cx, &input.key_id)?).await?;
    if input.policy_name.is_some_and(|name| name != POLICY_NAME) {
        return Err(api::kms::errors::not_found_exception("No such policy exists"));
    }
    Ok(GetKeyPolicyResponse { policy: Some(record.policy), policy_name: Some(POLICY_NAME.to_owned()) })
}

/// Gives a key another policy.
pub async fn put_key_policy(kms: &Kms, cx: &Ctx, input: PutKeyPolicyRequest) -> Result<Empty, Error> {
    let name = own_key(cx, &input.key_id)?;
    if input.policy_name.is_some_and(|name| name != POLICY_NAME) {
        return Err(errors::unsupported_operation("Only default policy is supported"));
    }
    kms.find(&name).await?;
    let bypass_check = input.bypass_policy_lockout_safety_check.unwrap_or_default();
    let policy = policy_document::accept(cx, &input.policy, bypass_check)?;
    change(kms, cx, name, move |cx, record| {
        require_customers(cx, record)?;
        record.policy.clone_from(&policy);
        Ok(())
    })
    .await
}

/// Lists the names of a key's policies: there is one.
pub async fn list_key_policies(
    kms: &Kms,
    cx: &Ctx,
    input: ListKeyPoliciesRequest,
) -> Result<ListKeyPoliciesResponse, Error> {
    kms.find(&own_key(cx, &input.key_id)?).await?;
    paging::limit(input.limit, LONG_PAGE_DEFAULT, LONG_PAGE_MAX)?;
    let names = match paging::read_marker(input.marker.as_deref())? {
        None => vec![POLICY_NAME.to_owned()],
        Some(_) => Vec::new(),
    };
    Ok(ListKeyPoliciesResponse { policy_names: Some(names), next_marker: None, truncated: Some(false) })
}
