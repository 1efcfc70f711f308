//! Names and ARNs of buses and rules.

use platform::Ctx;
use serde::{Deserialize, Serialize};
use wire::Error;

use crate::errors::invalid;

/// The bus that every account has in every region.
pub const DEFAULT_BUS: &str = "default";

/// A bus.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BusId {
    /// 12 digits.
    pub account: String,
    /// For example `eu-west-1`.
    pub region: String,
    /// Unique within account and region.
    pub name: String,
}

impl BusId {
    /// A bus of the caller's account and region.
    pub fn of_caller(cx: &Ctx, name: &str) -> BusId {
        BusId { account: cx.account.clone(), region: cx.region.clone(), name: name.to_owned() }
    }

    /// Reads a name or an ARN; nothing means the default bus.
    ///
    /// # Errors
    /// `ValidationException` for an ARN of something else.
    pub fn read(cx: &Ctx, text: Option<&str>) -> Result<BusId, Error> {
        let text = text.unwrap_or(DEFAULT_BUS);
        if !text.starts_with("arn:") {
            return Ok(BusId::of_caller(cx, text));
        }
        BusId::parse(text).ok_or_else(|| invalid("EventBusName", "Provided Arn is not in correct format."))
    }

    /// Reads an ARN.
    pub fn parse(arn: &str) -> Option<BusId> {
        let (region, account, resource) = events_arn(arn)?;
        let name = resource.strip_prefix("event-bus/").filter(|name| !name.is_empty())?;
        Some(BusId { account: account.to_owned(), region: region.to_owned(), name: name.to_owned() })
    }

    /// The bus's ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:events:{}:{}:event-bus/{}", self.region, self.account, self.name)
    }

    /// ARN of one of its rules.
    pub fn rule_arn(&self, rule: &str) -> String {
        let (region, account) = (&self.region, &self.account);
        if self.name == DEFAULT_BUS {
            return format!("arn:aws:events:{region}:{account}:rule/{rule}");
        }
        format!("arn:aws:events:{region}:{account}:rule/{}/{rule}", self.name)
    }
}

/// The bus and the name of a rule, from its ARN.
pub fn parse_rule(arn: &str) -> Option<(BusId, String)> {
    let (region, account, resource) = events_arn(arn)?;
    let path = resource.strip_prefix("rule/")?;
    let (bus, rule) = path.rsplit_once('/').unwrap_or((DEFAULT_BUS, path));
    let bus = BusId { account: account.to_owned(), region: region.to_owned(), name: bus.to_owned() };
    Some((bus, rule.to_owned())).filter(|(_, rule)| !rule.is_empty())
}

/// Region, account and resource of an ARN of this service.
fn events_arn(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let ["arn", "aws", "events"] = [parts.next()?, parts.next()?, parts.next()?] else { return None };
    Some((parts.next()?, parts.next()?, parts.next()?))
}

/// The parts of any ARN: service, region, account, resource.
pub fn arn_parts(arn: &str) -> Option<(&str, &str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let ["arn", "aws"] = [parts.next()?, parts.next()?] else { return None };
    let found = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(found).filter(|(service, _, _, resource)| !service.is_empty() && !resource.is_empty())
}
