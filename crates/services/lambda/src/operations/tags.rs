//! `TagResource`, `UntagResource` and `ListTags`.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Empty;
use api::lambda::{ListTagsRequest, ListTagsResponse, TagResourceRequest, UntagResourceRequest};
use platform::Ctx;
use store::Transaction;
use wire::Error;

use crate::code_signing::{CodeSigningConfig, unknown};
use crate::functions::rows;
use crate::mapping::Mapping;
use crate::{FunctionId, Lambda, errors, keys, names};

/// Most tags of a function. Developer guide, "Using tags on Lambda functions".
const TAGS_MAX: usize = 50;

/// Begins the keys that only AWS itself sets, in any case.
const RESERVED_PREFIX: &str = "aws:";

/// What can have tags.
enum Subject {
    Function(FunctionId),
    /// An event source mapping, by its UUID.
    Mapping(String),
    /// A code signing configuration, by its id.
    CodeSigning(String),
}

/// Adds tags, or replaces their values.
pub async fn tag_resource(lambda: &Arc<Lambda>, cx: &Ctx, input: TagResourceRequest) -> Result<Empty, Error> {
    subject(cx, &input.resource)?;
    if input.tags.is_empty() {
        return Err(errors::invalid_parameter("An error occurred and the request cannot be processed."));
    }
    check(&input.tags)?;
    let added = input.tags;
    let apply = move |tags: &mut BTreeMap<String, String>| {
        tags.extend(added.clone());
        check_number(tags)
    };
    edit(lambda, cx, &input.resource, apply).await?;
    Ok(Empty)
}

/// Removes tags; they need not exist.
pub async fn untag_resource(lambda: &Arc<Lambda>, cx: &Ctx, input: UntagResourceRequest) -> Result<Empty, Error> {
    subject(cx, &input.resource)?;
    if input.tag_keys.is_empty() {
        return Err(errors::validation(&[
            "Value null at 'tagKeys' failed to satisfy constraint: Member must not be null".to_owned(),
        ]));
    }
    let removed = input.tag_keys;
    let apply = move |tags: &mut BTreeMap<String, String>| {
        tags.retain(|key, _| !removed.contains(key));
        Ok(())
    };
    edit(lambda, cx, &input.resource, apply).await?;
    Ok(Empty)
}

/// The tags of a function, an event source mapping or a code signing configuration.
pub async fn list_tags(lambda: &Arc<Lambda>, cx: &Ctx, input: ListTagsRequest) -> Result<ListTagsResponse, Error> {
    let tags = match subject(cx, &input.resource)? {
        Subject::Function(function) => {
            let record = lambda.functions.function(&function).await?;
            record.ok_or_else(|| errors::function_not_found(&function, None))?.tags
        }
        Subject::Mapping(uuid) => {
            let key = keys::mapping(&cx.account, &cx.region, &uuid);
            let mapping: Option<Mapping> = lambda.functions.row(&key).await?;
            mapping.ok_or_else(|| absent(&input.resource))?.tags
        }
        Subject::CodeSigning(id) => {
            let key = keys::code_signing(&cx.account, &cx.region, &id);
            let config: Option<CodeSigningConfig> = lambda.functions.row(&key).await?;
            config.ok_or_else(|| unknown(&input.resource))?.tags
        }
    };
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

/// What an ARN names.
fn subject(cx: &Ctx, arn: &str) -> Result<Subject, Error> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        [_, _, _, region, account, "event-source-mapping", uuid] if *region == cx.region && *account == cx.account => {
            Ok(Subject::Mapping((*uuid).to_owned()))
        }
        [_, _, _, region, account, "code-signing-config", id] if *region == cx.region && *account == cx.account => {
            Ok(Subject::CodeSigning((*id).to_owned()))
        }
        [_, _, _, _, _, "function", ..] => {
            let target = names::target(cx, arn, None)?;
            if target.qualifier.is_some() {
                return Err(errors::invalid_parameter(
                    "Tags on function aliases and versions are not supported. Please specify a function ARN.",
                ));
            }
            Ok(Subject::Function(target.function))
        }
        _ => Err(absent(arn)),
    }
}

fn absent(arn: &str) -> Error {
    errors::not_found(format!("The resource you requested does not exist: {arn}"))
}

async fn edit<F>(lambda: &Lambda, cx: &Ctx, arn: &str, apply: F) -> Result<(), Error>
where
    F: Fn(&mut BTreeMap<String, String>) -> Result<(), Error> + Send + Sync + 'static,
{
    let uuid = match subject(cx, arn)? {
        Subject::Function(function) => return lambda.functions.edit_tags(&function, apply).await,
        Subject::CodeSigning(id) => return edit_code_signing(lambda, cx, &id, arn, apply).await,
        Subject::Mapping(uuid) => uuid,
    };
    let key = keys::mapping(&cx.account, &cx.region, &uuid);
    let mapping: Mapping = lambda.functions.row(&key).await?.ok_or_else(|| absent(arn))?;
    let error = absent(arn);
    let closure = move |rows: &mut dyn Transaction| {
        let found: Option<Mapping> = rows::read(rows, &key)?;
        let mut mapping = found.ok_or_else(|| error.clone())?;
        apply(&mut mapping.tags)?;
        rows::put(rows, &key, &mapping)
    };
    lambda.functions.commit(&mapping.function, None, closure).await
}

async fn edit_code_signing<F>(lambda: &Lambda, cx: &Ctx, id: &str, arn: &str, apply: F) -> Result<(), Error>
where
    F: Fn(&mut BTreeMap<String, String>) -> Result<(), Error> + Send + Sync + 'static,
{
    let (key, error) = (keys::code_signing(&cx.account, &cx.region, id), unknown(arn));
    let closure = move |rows: &mut dyn Transaction| {
        let found: Option<CodeSigningConfig> = rows::read(rows, &key)?;
        let mut config = found.ok_or_else(|| error.clone())?;
        apply(&mut config.tags)?;
        rows::put(rows, &key, &config)
    };
    lambda.functions.change(closure).await
}
