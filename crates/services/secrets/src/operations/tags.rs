//! `TagResource`, `UntagResource`, and the rules of tags.

use api::Empty;
use api::secretsmanager::{Tag, TagResourceRequest, UntagResourceRequest};
use platform::Ctx;
use wire::Error;

use crate::errors;
use crate::limits::TAGS_MAX;
use crate::names::SecretId;
use crate::service::Secrets;

/// Keys that begin so belong to AWS, in any case.
const RESERVED_PREFIX: &str = "aws:";

/// Adds tags, or gives them other values.
pub async fn tag_resource(secrets: &Secrets, cx: &Ctx, input: TagResourceRequest) -> Result<Empty, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    let change = secrets.change(&id, move |record| {
        record.tags = Some(added(record.tags.as_deref().unwrap_or_default(), &input.tags)?);
        Ok(())
    });
    change.await?;
    Ok(Empty {})
}

/// Takes tags away; those that there are not are passed over.
pub async fn untag_resource(secrets: &Secrets, cx: &Ctx, input: UntagResourceRequest) -> Result<Empty, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    let change = secrets.change(&id, move |record| {
        if let Some(tags) = &mut record.tags {
            tags.retain(|(key, _)| !input.tag_keys.contains(key));
        }
        Ok(())
    });
    change.await?;
    Ok(Empty {})
}

/// The tags with others added.
///
/// # Errors
/// `InvalidParameterException`, `LimitExceededException`.
pub fn added(tags: &[(String, String)], others: &[Tag]) -> Result<Vec<(String, String)>, Error> {
    let mut tags = tags.to_vec();
    for Tag { key, value } in others {
        let key = key.as_deref().ok_or_else(|| errors::parameter("A tag must have a key."))?;
        if key.get(..RESERVED_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_PREFIX)) {
            return Err(errors::parameter("Tag keys can't start with the prefix aws:."));
        }
        let value = value.clone().unwrap_or_default();
        match tags.iter_mut().find(|(existing, _)| existing == key) {
            Some(tag) => tag.1 = value,
            None => tags.push((key.to_owned(), value)),
        }
    }
    if tags.len() > TAGS_MAX {
        return Err(errors::limit(format!("A secret can't have more than {TAGS_MAX} tags.")));
    }
    Ok(tags)
}
