//! What permissions the operations need. As at AWS the resource of most of them is a log stream, an unnamed one where only
//! the group is meant, so that policies for a group end in `:*`.

use platform::{Ctx, Facts, FactsFuture, Guard, Members, Need};
use wire::Error;
use wire::codec::Structure;

use crate::names::GroupName;
use crate::rows;
use crate::service::Logs;

impl Guard for Logs {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let members = Members(input);
        match cx.operation.name {
            "CreateLogGroup" => created(cx, members),
            // Nothing of it concerns a group of the account.
            "TestMetricFilter" => Need::of_operation(cx, "*"),
            "ListTagsForResource" | "TagResource" | "UntagResource" => {
                let resource = members.text("resourceArn").unwrap_or_else(|| "*".to_owned());
                tagged(Need::of_operation(cx, &resource), members.tags("tags"), members.texts("tagKeys"))
            }
            "TagLogGroup" => tagged(on_stream(cx, members), members.tags("tags"), Vec::new()),
            "UntagLogGroup" => tagged(on_stream(cx, members), Vec::new(), members.texts("tags")),
            _ => on_stream(cx, members),
        }
    }

    fn facts<'a>(&'a self, cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            // The root needs no tags, and groups have no policies.
            if cx.principal.acts_as_root() { Ok(Facts::default()) } else { facts(self, &need.resource).await }
        })
    }
}

/// The operation's action on the stream the input names, or on the unnamed one of its group.
fn on_stream(cx: &Ctx, members: Members<'_>) -> Vec<Need> {
    let group = members.text("logGroupName").or_else(|| members.text("logGroupIdentifier")).unwrap_or_default();
    let stream = members.text("logStreamName").unwrap_or_default();
    Need::of_operation(cx, &stream_arn(cx, &group, &stream))
}

fn stream_arn(cx: &Ctx, group: &str, stream: &str) -> String {
    if group.starts_with("arn:") {
        return format!("{}:log-stream:{stream}", group.trim_end_matches(":*"));
    }
    cx.arn("logs", &format!("log-group:{group}:log-stream:{stream}"))
}

/// Tags at a group's creation need the permission to tag, too (API reference, CreateLogGroup).
fn created(cx: &Ctx, members: Members<'_>) -> Vec<Need> {
    let tags = members.tags("tags");
    let mut needs = tagged(on_stream(cx, members), tags.clone(), Vec::new());
    if let (Some(need), false) = (needs.first(), tags.is_empty()) {
        needs.push(Need { action: "logs:TagResource", ..need.clone() });
    }
    needs
}

fn tagged(needs: Vec<Need>, tags: Vec<(String, String)>, keys: Vec<String>) -> Vec<Need> {
    let tagged = |need: Need| {
        let need = need.with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        if keys.is_empty() { need } else { need.with("aws:TagKeys", keys.clone()) }
    };
    needs.into_iter().map(tagged).collect()
}

/// A group's tags, which are also its streams'.
async fn facts(logs: &Logs, arn: &str) -> Result<Facts, Error> {
    let group_arn = arn.split_once(":log-stream:").map_or(arn, |(group, _)| group);
    let Some(group) = GroupName::parse_arn(group_arn) else { return Ok(Facts::default()) };
    let snapshot = logs.snapshot().await?;
    match rows::get_group(&snapshot, &group).await {
        Ok(record) => Ok(Facts { tags: record.tags.into_iter().collect(), ..Facts::default() }),
        Err(error) if error.is("ResourceNotFoundException") => Ok(Facts::default()),
        Err(error) => Err(error),
    }
}
