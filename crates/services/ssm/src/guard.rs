//! What permissions the operations need, and what is known of parameters when they are decided.

use std::sync::Arc;

use platform::guard::Members;
use platform::{Ctx, Facts, FactsFuture, Guard, Need};
use wire::codec::Structure;

use crate::names::{self, Reference};
use crate::records::ParameterRecord;
use crate::service::ParameterStore;

/// The service's guard.
pub struct ParameterGuard(pub Arc<ParameterStore>);

impl Guard for ParameterGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let members = Members(input);
        let resources: Vec<String> = match cx.operation.name {
            "DescribeParameters" => vec![cx.arn("ssm", "*")],
            "GetParameters" | "DeleteParameters" => {
                members.texts("Names").iter().map(|name| resource(cx, name)).collect()
            }
            "GetParametersByPath" => {
                let path = members.text("Path").unwrap_or_default();
                vec![names::arn(&cx.region, &cx.account, path.trim_end_matches('/'))]
            }
            "AddTagsToResource" | "RemoveTagsFromResource" | "ListTagsForResource" => {
                vec![resource(cx, &members.text("ResourceId").unwrap_or_default())]
            }
            "PutResourcePolicy" | "GetResourcePolicies" | "DeleteResourcePolicy" => {
                vec![resource(cx, &members.text("ResourceArn").unwrap_or_default())]
            }
            _ => vec![resource(cx, &members.text("Name").unwrap_or_default())],
        };
        let needs = resources.iter().flat_map(|resource| Need::of_operation(cx, resource));
        let mut needs: Vec<Need> = needs.map(|need| with_keys(cx, input, need)).collect();
        if needs.is_empty() {
            // A list of no names: the handler refuses it.
            needs = Need::of_operation(cx, "*");
        }
        if cx.operation.name == "PutParameter" && members.has("Tags") {
            let need = Need::new("ssm:AddTagsToResource", resources[0].clone());
            needs.push(with_tags(need, members));
        }
        needs
    }

    fn facts<'a>(&'a self, cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            let Ok(reference) = Reference::parse(cx, &need.resource) else { return Ok(Facts::default()) };
            Ok(self.0.find(&reference).await?.map_or_else(Facts::default, facts))
        })
    }
}

/// The ARN of what a request names, whichever version of it.
fn resource(cx: &Ctx, name: &str) -> String {
    match Reference::parse(cx, name) {
        Ok(reference) => names::arn(&reference.region, &reference.account, &reference.name),
        // Another region's ARN, or no name at all: the handler refuses it.
        Err(_) if name.starts_with("arn:") => name.to_owned(),
        Err(_) => "*".to_owned(),
    }
}

fn with_keys(cx: &Ctx, input: &dyn Structure, need: Need) -> Need {
    let members = Members(input);
    let flag = |name: &str| vec![members.text(name).unwrap_or_else(|| "false".to_owned())];
    match cx.operation.name {
        "PutParameter" => {
            let need = with_tags(need.with("ssm:Overwrite", flag("Overwrite")), members);
            match members.text("Policies") {
                Some(policies) => need.with("ssm:Policies", vec![policies]),
                None => need,
            }
        }
        "GetParametersByPath" => need.with("ssm:Recursive", flag("Recursive")),
        "AddTagsToResource" => with_tags(need, members),
        "RemoveTagsFromResource" => need.with("aws:TagKeys", members.texts("TagKeys")),
        _ => need,
    }
}

fn with_tags(need: Need, members: Members<'_>) -> Need {
    let tags = members.tags("Tags");
    need.with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

fn facts(record: ParameterRecord) -> Facts {
    let context =
        record.tags.iter().map(|(key, value)| (format!("ssm:resourceTag/{key}"), vec![value.clone()])).collect();
    let policy = record.resource_policies.into_iter().next().map(|policy| policy.document.into());
    Facts { policy, tags: record.tags.into_iter().collect(), context, ..Facts::default() }
}
