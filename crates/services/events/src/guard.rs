//! What permissions the operations need, and what is known of a bus or rule when that is decided.

use std::any::Any;
use std::sync::Arc;

use api::events;
use platform::{Ctx, Facts, FactsFuture, Guard, Members, Need};
use wire::codec::Structure;

use crate::names::{BusId, parse_rule};
use crate::service::Events;

/// The service's part in enforcement.
pub struct BusGuard(pub Arc<Events>);

impl Guard for BusGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let any: &dyn Any = input;
        if let Some(input) = any.downcast_ref::<events::PutEventsRequest>() {
            return input.entries.iter().flat_map(|entry| of_entry(cx, entry)).collect();
        }
        let members = Members(input);
        let needs = Need::of_operation(cx, &resource(cx, members));
        let tags = members.tags("Tags");
        let (keys, targets) = (members.texts("TagKeys"), target_arns(any));
        let add = |need: Need| {
            let need = need.with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
            let need = if keys.is_empty() { need } else { need.with("aws:TagKeys", keys.clone()) };
            if targets.is_empty() { need } else { need.with("events:TargetArn", targets.clone()) }
        };
        let mut needs: Vec<Need> = needs.into_iter().map(add).collect();
        needs.extend(roles(any).into_iter().map(|role| {
            Need::new("iam:PassRole", role).with("iam:PassedToService", vec![crate::role::SERVICE.to_owned()])
        }));
        needs
    }

    fn facts<'a>(&'a self, cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            let rule = parse_rule(&need.resource);
            let bus = rule.as_ref().map(|(bus, _)| bus.clone()).or_else(|| BusId::parse(&need.resource));
            let Some(bus) = bus else { return Ok(Facts::default()) };
            // Only what does not exist has no facts; a failure of the store decides nothing.
            let record = match self.0.bus(&bus).await {
                Ok(record) => record,
                Err(error) if error.is("ResourceNotFoundException") => return Ok(Facts::default()),
                Err(error) => return Err(error),
            };
            let policy = record.policy.map(Arc::from);
            let Some((bus, name)) = rule else {
                return Ok(Facts { policy, tags: record.tags.into_iter().collect(), ..Facts::default() });
            };
            let rule = self.0.rule(&bus, &name).await?;
            let creator = rule.as_ref().map_or_else(|| cx.account.clone(), |rule| rule.created_by.clone());
            let tags = rule.map(|rule| rule.tags.into_iter().collect()).unwrap_or_default();
            let context = vec![("events:creatorAccount".to_owned(), vec![creator])];
            Ok(Facts { policy, tags, context, ..Facts::default() })
        })
    }
}

fn of_entry(cx: &Ctx, entry: &events::PutEventsRequestEntry) -> Vec<Need> {
    let bus = BusId::read(cx, entry.event_bus_name.as_deref());
    let is_foreign = bus.as_ref().is_ok_and(|bus| bus.account != cx.account);
    let resource = bus.map_or_else(|_| "*".to_owned(), |bus| bus.arn());
    let text = |text: &Option<String>| vec![text.clone().unwrap_or_default()];
    let add = |need: Need| {
        need.with("events:source", text(&entry.source))
            .with("events:detail-type", text(&entry.detail_type))
            .with("events:eventBusInvocation", vec![is_foreign.to_string()])
    };
    Need::of_operation(cx, &resource).into_iter().map(add).collect()
}

fn target_arns(input: &dyn Any) -> Vec<String> {
    let input = input.downcast_ref::<events::PutTargetsRequest>();
    input.map(|input| input.targets.iter().map(|target| target.arn.clone()).collect()).unwrap_or_default()
}

/// The roles that an input hands to the service.
fn roles(input: &dyn Any) -> Vec<String> {
    if let Some(input) = input.downcast_ref::<events::PutRuleRequest>() {
        return input.role_arn.clone().into_iter().collect();
    }
    let input = input.downcast_ref::<events::PutTargetsRequest>();
    input.map(|input| input.targets.iter().filter_map(|target| target.role_arn.clone()).collect()).unwrap_or_default()
}

/// ARN of what an operation is about; `*` for lists and where an input names nothing.
fn resource(cx: &Ctx, input: Members<'_>) -> String {
    let any = || "*".to_owned();
    let bus = |name: &str| BusId::read(cx, input.text(name).as_deref());
    let rule = |name: &str| {
        let name = input.text(name).unwrap_or_default();
        bus("EventBusName").map_or_else(|_| any(), |bus| bus.rule_arn(&name))
    };
    match cx.operation.name {
        "CreateEventBus" | "DeleteEventBus" | "DescribeEventBus" | "UpdateEventBus" => {
            bus("Name").map_or_else(|_| any(), |bus| bus.arn())
        }
        "PutPermission" | "RemovePermission" => bus("EventBusName").map_or_else(|_| any(), |bus| bus.arn()),
        "DeleteRule" | "DescribeRule" | "DisableRule" | "EnableRule" | "PutRule" => rule("Name"),
        "ListTargetsByRule" | "PutTargets" | "RemoveTargets" => rule("Rule"),
        "ListTagsForResource" | "TagResource" | "UntagResource" => input.text("ResourceARN").unwrap_or_else(any),
        "CreateArchive" | "DeleteArchive" | "DescribeArchive" | "UpdateArchive" => {
            cx.arn("events", &format!("archive/{}", input.text("ArchiveName").unwrap_or_default()))
        }
        "CreateApiDestination" | "UpdateApiDestination" | "DeleteApiDestination" | "DescribeApiDestination" => {
            cx.arn("events", &format!("api-destination/{}", input.text("Name").unwrap_or_default()))
        }
        "CreateConnection"
        | "UpdateConnection"
        | "DeleteConnection"
        | "DeauthorizeConnection"
        | "DescribeConnection" => cx.arn("events", &format!("connection/{}", input.text("Name").unwrap_or_default())),
        "CancelReplay" | "DescribeReplay" | "StartReplay" => {
            cx.arn("events", &format!("replay/{}", input.text("ReplayName").unwrap_or_default()))
        }
        _ => any(),
    }
}
