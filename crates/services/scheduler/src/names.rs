//! Names and ARNs of groups and schedules.

use platform::Ctx;

/// The group of schedules that name none. It is always there.
pub const DEFAULT_GROUP: &str = "default";

/// An account in a region: where names are unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// 12 digits.
    pub account: String,
    /// The region.
    pub region: String,
}

impl Place {
    /// The caller's.
    pub fn of(cx: &Ctx) -> Place {
        Place { account: cx.account.clone(), region: cx.region.clone() }
    }

    /// ARN of a group.
    pub fn group_arn(&self, group: &str) -> String {
        format!("arn:aws:scheduler:{}:{}:schedule-group/{group}", self.region, self.account)
    }

    /// ARN of a schedule.
    pub fn schedule_arn(&self, group: &str, name: &str) -> String {
        format!("arn:aws:scheduler:{}:{}:schedule/{group}/{name}", self.region, self.account)
    }
}

/// Service, region, account and resource of an ARN.
pub fn arn_parts(arn: &str) -> Option<(&str, &str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (arn, _, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    Some((service, region, account, resource)).filter(|_| arn == "arn" && !resource.is_empty())
}

/// The group of an ARN of a group or of a schedule.
pub fn group_of_arn(arn: &str) -> Option<(Place, String)> {
    let (service, region, account, resource) = arn_parts(arn)?;
    let mut steps = resource.split('/');
    let (kind, group) = (steps.next()?, steps.next()?);
    let is_ours = service == "scheduler" && matches!(kind, "schedule" | "schedule-group") && !group.is_empty();
    let place = Place { account: account.to_owned(), region: region.to_owned() };
    is_ours.then(|| (place, group.to_owned()))
}
