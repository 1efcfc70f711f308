//! What permissions the operations need. A schedule has the tags of its group.

use std::sync::Arc;

use platform::{Ctx, Facts, FactsFuture, Guard, Members, Need, OrFailure};
use wire::codec::Structure;

use crate::invocation::SERVICE;
use crate::names::{DEFAULT_GROUP, Place, group_of_arn};
use crate::records::Group;
use crate::service::Scheduler;
use crate::{keys, rows};

/// The service's part in enforcement.
pub struct ScheduleGuard(pub Arc<Scheduler>);

impl Guard for ScheduleGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let members = Members(input);
        let (tags, keys) = (members.tags("Tags"), members.texts("TagKeys"));
        let add = |need: Need| {
            let need = need.with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
            if keys.is_empty() { need } else { need.with("aws:TagKeys", keys.clone()) }
        };
        let mut needs: Vec<Need> = Need::of_operation(cx, &resource(cx, members)).into_iter().map(add).collect();
        if let Some(role) = members.text_at(&["Target", "RoleArn"]) {
            needs.push(Need::new("iam:PassRole", role).with("iam:PassedToService", vec![SERVICE.to_owned()]));
        }
        needs
    }

    fn facts<'a>(&'a self, _: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            let Some((place, group)) = group_of_arn(&need.resource) else { return Ok(Facts::default()) };
            let partition = keys::partition(&place.account, &place.region);
            let row = self.0.platform.store.get(&partition, &keys::group(&group)).await.or_failure()?;
            let group: Option<Group> = row.map(|row| rows::decode(&row)).transpose()?;
            let tags = group.map(|group| group.tags.into_iter().collect()).unwrap_or_default();
            Ok(Facts { tags, ..Facts::default() })
        })
    }
}

/// ARN of what an operation is about; `*` for lists.
fn resource(cx: &Ctx, members: Members<'_>) -> String {
    let (place, name) = (Place::of(cx), members.text("Name").unwrap_or_default());
    match cx.operation.name {
        "ListSchedules" | "ListScheduleGroups" => "*".to_owned(),
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            members.text("ResourceArn").unwrap_or_else(|| "*".to_owned())
        }
        operation if operation.ends_with("Group") => place.group_arn(&name),
        _ => place.schedule_arn(members.text("GroupName").as_deref().unwrap_or(DEFAULT_GROUP), &name),
    }
}
