//! `ListFunctions`.

use std::sync::Arc;

use api::lambda::{ListFunctionsRequest, ListFunctionsResponse};
use platform::Ctx;
use wire::Error;

use super::marker;
use crate::function::{FunctionId, Version};
use crate::{Lambda, errors, keys, view};

/// The functions of an account in a region by name, or all their versions.
pub async fn list_functions(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: ListFunctionsRequest,
) -> Result<ListFunctionsResponse, Error> {
    let limit = marker::page_items(input.max_items);
    let after = input.marker.as_deref().map(marker::read).transpose()?;
    let all_versions = input.function_version.is_some();
    if input.master_region.is_some() {
        if !all_versions {
            return Err(errors::invalid_parameter("FunctionVersion must be ALL when MasterRegion is specified."));
        }
        // Only replicas of Lambda@Edge functions have a master region, and there are none.
        return Ok(ListFunctionsResponse { functions: Some(Vec::new()), next_marker: None });
    }
    let (versions, next) = if all_versions {
        let after = after.map(|(name, version)| keys::version(&function(cx, name), version));
        let page = lambda.functions.list_versions(keys::all_versions(&cx.account, &cx.region), after, limit).await?;
        (page.versions, page.next)
    } else {
        let after = after.as_ref().map(|(name, _)| name.as_str());
        let page = lambda.functions.list(&cx.account, &cx.region, after, limit).await?;
        (page.versions, page.next.map(|name| (name, Version::Latest)))
    };
    let mut functions = Vec::with_capacity(versions.len());
    for version in &versions {
        let arn = if all_versions { version.qualified_arn() } else { version.arn() };
        functions.push(view::listed(cx, version, arn).await);
    }
    Ok(ListFunctionsResponse {
        functions: Some(functions),
        next_marker: next.map(|(name, version)| marker::write(&name, version)),
    })
}

fn function(cx: &Ctx, name: String) -> FunctionId {
    FunctionId { account: cx.account.clone(), region: cx.region.clone(), name }
}
