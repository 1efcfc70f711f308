//! `TagResource`, `UntagResource` and `ListTags`.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Empty;
use api::lambda::{ListTagsRequest, ListTagsResponse, TagResourceRequest, UntagResourceRequest};
use platform::Ctx;
use wire::Error;

use crate::{FunctionId, Lambda, errors, names};

/// Most tags of a function. Developer guide, "Using tags on Lambda functions".
const TAGS_MAX: usize = 50;

/// Begins the keys that only AWS itself sets, in any case.
const RESERVED_PREFIX: &str = "aws:";

/// Adds tags, or replaces their values.
pub async fn tag_resource(lambda: &Arc<Lambda>, cx: &Ctx, input: TagResourceRequest) -> Result<Empty, Error> {
    let function = function(cx, &input.resource)?;
    if input.tags.is_empty() {
        return Err(errors::invalid_parameter("An error occurred and the request cannot be processed."));
    }
    check(&input.tags)?;
    let apply = move |tags: &mut BTreeMap<String, String>| {
        tags.extend(input.tags.clone());
        check_number(tags)
    };
    lambda.functions.edit_tags(&function, apply).await?;
    Ok(Empty)
}

/// Removes tags; they need not exist.
pub async fn untag_resource(lambda: &Arc<Lambda>, cx: &Ctx, input: UntagResourceRequest) -> Result<Empty, Error> {
    let function = function(cx, &input.resource)?;
    if input.tag_keys.is_empty() {
        return Err(errors::validation(&[
            "Value null at 'tagKeys' failed to satisfy constraint: Member must not be null".to_owned(),
        ]));
    }
    let apply = move |tags: &mut BTreeMap<String, String>| {
        tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    };
    lambda.functions.edit_tags(&function, apply).await?;
    Ok(Empty)
}

/// A function's tags.
pub async fn list_tags(lambda: &Arc<Lambda>, cx: &Ctx, input: ListTagsRequest) -> Result<ListTagsResponse, Error> {
    let function = function(cx, &input.resource)?;
    let record = lambda.functions.function(&function).await?;
    let tags = record.ok_or_else(|| errors::function_not_found(&function, None))?.tags;
    Ok(ListTagsResponse { tags: Some(tags) })
}

/// Checks the tags of a request; the generic validator has checked each by itself.
pub fn check(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    let is_reserved = |key: &String| {
        key.get(..RESERVED_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_PREFIX))
    };
    if let Some(key) = tags.keys().find(|key| is_reserved(key)) {
        let text =
            format!("Tag key {key} is invalid: keys that start with {RESERVED_PREFIX} are reserved for AWS use.");
        return Err(errors::invalid_parameter(text));
    }
    check_number(tags)
}

fn check_number(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > TAGS_MAX {
        return Err(errors::invalid_parameter("Number of tags exceeds resource tag limit."));
    }
    Ok(())
}

/// The function an ARN names. The other resources that can have tags do not exist here.
fn function(cx: &Ctx, arn: &str) -> Result<FunctionId, Error> {
    if arn.split(':').nth(5) != Some("function") {
        return Err(errors::not_found(format!("The resource you requested does not exist: {arn}")));
    }
    let target = names::target(cx, arn, None)?;
    if target.qualifier.is_some() {
        return Err(errors::invalid_parameter(
            "Tags on function aliases and versions are not supported. Please specify a function ARN.",
        ));
    }
    Ok(target.function)
}
