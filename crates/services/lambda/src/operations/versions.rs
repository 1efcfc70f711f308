//! `PublishVersion` and `ListVersionsByFunction`.

use std::sync::Arc;

use api::lambda::{
    FunctionConfiguration, ListVersionsByFunctionRequest, ListVersionsByFunctionResponse, PublishVersionRequest,
};
use platform::Ctx;
use wire::Error;

use super::marker;
use crate::functions::Publication;
use crate::{Lambda, errors, keys, names, view};

/// Publishes `$LATEST` as it is; answers the last version if nothing has changed since.
pub async fn publish_version(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: PublishVersionRequest,
) -> Result<FunctionConfiguration, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    if input.publish_to.is_some() {
        return Err(errors::unsupported("PublishTo"));
    }
    let publication =
        Publication { revision_id: input.revision_id, code_sha256: input.code_sha256, description: input.description };
    let version = lambda.functions.publish(&id, publication).await?.version;
    Ok(view::full(cx, &version, version.qualified_arn()).await)
}

/// The versions of a function, `$LATEST` first.
pub async fn list_versions_by_function(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: ListVersionsByFunctionRequest,
) -> Result<ListVersionsByFunctionResponse, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    if lambda.functions.function(&id).await?.is_none() {
        return Err(errors::function_not_found(&id, None));
    }
    let after = input.marker.as_deref().map(marker::read).transpose()?;
    let after = after.map(|(_, version)| keys::version(&id, version));
    let limit = marker::page_items(input.max_items);
    let page = lambda.functions.list_versions(keys::versions(&id), after, limit).await?;
    let mut versions = Vec::with_capacity(page.versions.len());
    for version in &page.versions {
        versions.push(view::listed(cx, version, version.qualified_arn()).await);
    }
    Ok(ListVersionsByFunctionResponse {
        versions: Some(versions),
        next_marker: page.next.map(|(name, version)| marker::write(&name, version)),
    })
}
