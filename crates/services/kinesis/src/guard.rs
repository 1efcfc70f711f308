//! What permissions the operations need, and what is known of a stream or consumer when that is decided.

use std::sync::Arc;

use platform::{Ctx, Facts, FactsFuture, Guard, Members, Need};
use wire::Error;
use wire::codec::Structure;

use crate::iterator::Iterator;
use crate::names::{ConsumerName, StreamName};
use crate::operations::consumers::{Resource, resource};
use crate::operations::shards::Token;
use crate::service::Kinesis;
use crate::token;

/// The service's part in enforcement.
pub struct StreamGuard(pub Arc<Kinesis>);

impl Guard for StreamGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let members = Members(input);
        let mut needs = Need::of_operation(cx, &named(cx, members));
        let (tags, keys) = (members.tags("Tags"), members.texts("TagKeys"));
        let tagged = |need: Need| {
            let need = need.with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
            if keys.is_empty() { need } else { need.with("aws:TagKeys", keys.clone()) }
        };
        needs = needs.into_iter().map(tagged).collect();
        // Tags at creation need the permission to tag, too (API reference, CreateStream and RegisterStreamConsumer).
        let further = match cx.operation.name {
            "CreateStream" => Some("kinesis:AddTagsToStream"),
            "RegisterStreamConsumer" => Some("kinesis:TagResource"),
            _ => None,
        };
        if let (Some(action), Some(need), false) = (further, needs.first(), tags.is_empty()) {
            needs.push(Need { action, ..need.clone() });
        }
        needs
    }

    fn facts<'a>(&'a self, cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            let Some(named) = resource_of(cx, &need.resource) else { return Ok(Facts::default()) };
            // Only what does not exist has no facts; a failure of the store decides nothing.
            match resource(&self.0, &named).await {
                Ok(found) => {
                    let (tags, policy) = (found.tags.into_iter().collect(), found.policy.map(Arc::from));
                    Ok(Facts { resource: Some(found.arn), policy, tags, ..Facts::default() })
                }
                Err(error) if error.is("ResourceNotFoundException") => Ok(Facts::default()),
                Err(error) => Err::<Facts, Error>(error),
            }
        })
    }
}

/// The resource of a need; a consumer's ARN may lack the time at its end.
fn resource_of(cx: &Ctx, arn: &str) -> Option<Resource> {
    match arn.split_once("/consumer/") {
        Some((stream, name)) if !name.contains(':') => {
            let stream = StreamName::parse_arn(stream)?;
            Some(Resource::Consumer(ConsumerName { stream, name: name.to_owned(), created: None }))
        }
        _ => Resource::new(cx, arn, None).ok(),
    }
}

/// ARN of the stream or consumer that an input names; `*` if it names none.
fn named(cx: &Ctx, members: Members<'_>) -> String {
    if matches!(
        cx.operation.name,
        "ListStreams" | "DescribeLimits" | "DescribeAccountSettings" | "UpdateAccountSettings"
    ) {
        return "*".to_owned();
    }
    // An iterator and a token name the stream they go on with, whatever stands beside them.
    if let Some(iterator) = members.text("ShardIterator").as_deref().and_then(Iterator::read) {
        return iterator.name.arn();
    }
    let token = members.text("NextToken").as_deref().and_then(token::read::<Token>);
    if let ("ListShards", Some(token)) = (cx.operation.name, token) {
        return token.arn;
    }
    if let Some(arn) = members.text("ConsumerARN").or_else(|| members.text("ResourceARN")) {
        return arn;
    }
    let stream = members.text("StreamARN");
    let of_consumer = matches!(cx.operation.name, "DescribeStreamConsumer" | "DeregisterStreamConsumer");
    match (stream, members.text("StreamName")) {
        // The ARN of a consumer ends in a time, which only its row tells.
        (Some(stream), _) if of_consumer => {
            let consumer = members.text("ConsumerName").unwrap_or_default();
            let parsed = StreamName::parse_arn(&stream);
            parsed.map_or(stream, |stream| format!("{}/consumer/{consumer}", stream.arn()))
        }
        (Some(stream), _) => stream,
        (None, Some(name)) => StreamName::here(cx, &name).arn(),
        (None, None) => "*".to_owned(),
    }
}
