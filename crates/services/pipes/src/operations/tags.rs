//! Tags of pipes.

use api::pipes::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, TagResourceRequest, TagResourceResponse,
    UntagResourceRequest, UntagResourceResponse,
};
use platform::Ctx;
use wire::Error;

use crate::errors::{no_pipe, validation};
use crate::limits::TAGS_MAX;
use crate::names::PipeName;
use crate::service::Pipes;

/// The pipe of an ARN in the caller's account.
fn named(cx: &Ctx, arn: &str) -> Result<PipeName, Error> {
    let is_own = |name: &PipeName| name.account == cx.account && name.region == cx.region;
    PipeName::parse_arn(arn).filter(is_own).ok_or_else(|| no_pipe(arn))
}

/// Adds tags to a pipe.
///
/// # Errors
/// `NotFoundException`, `ValidationException`.
pub async fn tag_resource(service: &Pipes, cx: &Ctx, input: TagResourceRequest) -> Result<TagResourceResponse, Error> {
    let add = move |pipe: &mut crate::record::Pipe| {
        pipe.tags.extend(input.tags.clone());
        if pipe.tags.len() > TAGS_MAX {
            return Err(validation(format!("A pipe cannot have more than {TAGS_MAX} tags.")));
        }
        Ok(())
    };
    service.change(&named(cx, &input.resource_arn)?, add).await?;
    Ok(TagResourceResponse {})
}

/// Removes tags from a pipe.
///
/// # Errors
/// `NotFoundException`.
pub async fn untag_resource(
    service: &Pipes,
    cx: &Ctx,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, Error> {
    let name = named(cx, &input.resource_arn)?;
    let remove = move |pipe: &mut crate::record::Pipe| {
        pipe.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    };
    service.change(&name, remove).await?;
    Ok(UntagResourceResponse {})
}

/// Lists the tags of a pipe.
///
/// # Errors
/// `NotFoundException`.
pub async fn list_tags_for_resource(
    service: &Pipes,
    cx: &Ctx,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Error> {
    let name = named(cx, &input.resource_arn)?;
    let pipe = service.find(&name).await?.ok_or_else(|| no_pipe(&name.name))?;
    Ok(ListTagsForResourceResponse { tags: Some(pipe.tags) })
}
