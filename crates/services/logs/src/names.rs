//! Which group is meant, by name or by ARN. As at AWS the ARN has no `:*` at its end, although descriptions show it so.

use platform::Ctx;
use store::keys::Key;
use wire::Error;

use crate::errors;
use crate::keys;

/// A log group's full name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupName {
    /// 12 digits.
    pub account: String,
    /// For example `eu-west-1`.
    pub region: String,
    /// The plain name.
    pub name: String,
}

impl GroupName {
    /// The group of that plain name in the call's account and region.
    pub fn new(cx: &Ctx, name: &str) -> GroupName {
        GroupName { account: cx.account.clone(), region: cx.region.clone(), name: name.to_owned() }
    }

    /// The group that an operation names either way.
    ///
    /// # Errors
    /// `InvalidParameterException` if it is named both ways or not at all, and as [`GroupName::identified`].
    pub fn either(cx: &Ctx, name: Option<&str>, identifier: Option<&str>) -> Result<GroupName, Error> {
        match (name, identifier) {
            (Some(_), Some(_)) => {
                Err(errors::invalid("LogGroup name and LogGroup ARN are mutually exclusive parameters."))
            }
            (Some(name), None) => Ok(GroupName::new(cx, name)),
            (None, Some(identifier)) => GroupName::identified(cx, identifier),
            (None, None) => Err(errors::invalid("Either LogGroup name or LogGroup ARN must be specified.")),
        }
    }

    /// The group of a `logGroupIdentifier`: its plain name or its ARN.
    ///
    /// # Errors
    /// `InvalidParameterException` for another kind of ARN, `ResourceNotFoundException` for a group of another account
    /// or region: nothing there is visible from here.
    pub fn identified(cx: &Ctx, identifier: &str) -> Result<GroupName, Error> {
        if !identifier.starts_with("arn:") {
            return Ok(GroupName::new(cx, identifier));
        }
        let group = GroupName::parse_arn(identifier);
        let group = group.ok_or_else(|| errors::invalid("The specified logGroupIdentifier is invalid."))?;
        group.visible_to(cx)
    }

    /// The group of a `resourceArn`. Of all that can be tagged only groups exist here.
    ///
    /// # Errors
    /// As [`GroupName::identified`].
    pub fn tagged(cx: &Ctx, arn: &str) -> Result<GroupName, Error> {
        let group = GroupName::parse_arn(arn);
        let group = group.ok_or_else(|| errors::invalid("The specified resourceArn is invalid."))?;
        group.visible_to(cx)
    }

    fn visible_to(self, cx: &Ctx) -> Result<GroupName, Error> {
        if self.account == cx.account && self.region == cx.region { Ok(self) } else { Err(errors::group_not_found()) }
    }

    /// The group of that ARN, without `:*`.
    pub fn parse_arn(arn: &str) -> Option<GroupName> {
        let mut parts = arn.splitn(7, ':');
        let prefix = [parts.next()?, parts.next()?, parts.next()?];
        let (region, account, kind) = (parts.next()?, parts.next()?, parts.next()?);
        if prefix != ["arn", "aws", "logs"] || kind != "log-group" {
            return None;
        }
        let name = parts.next()?;
        if name.is_empty() || name.contains([':', '*']) {
            return None;
        }
        Some(GroupName { account: account.to_owned(), region: region.to_owned(), name: name.to_owned() })
    }

    /// The key of its row.
    pub fn key(&self) -> Key {
        keys::group(&self.account, &self.region, &self.name)
    }

    /// Its ARN, without `:*`.
    pub fn arn(&self) -> String {
        format!("arn:aws:logs:{}:{}:log-group:{}", self.region, self.account, self.name)
    }

    /// The ARN of one of its streams.
    pub fn stream_arn(&self, stream: &str) -> String {
        format!("{}:log-stream:{stream}", self.arn())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_a_group() {
        let name = GroupName { account: "111122223333".into(), region: "eu-west-1".into(), name: "/aws/x#1".into() };
        assert_eq!(GroupName::parse_arn(&name.arn()), Some(name));
    }

    #[test]
    fn other_arns_name_no_group() {
        for arn in [
            "arn:aws:logs:eu-west-1:111122223333:destination:d",
            "arn:aws:sqs:eu-west-1:111122223333:log-group:g",
            "arn:aws:logs:eu-west-1:111122223333:log-group:",
            "arn:aws:logs:eu-west-1:111122223333:log-group:g:log-stream:s",
            "arn:aws:logs:eu-west-1:111122223333:log-group:g:*",
            "arn:aws:logs:eu-west-1:111122223333:log-group",
            "arn:",
        ] {
            assert_eq!(GroupName::parse_arn(arn), None, "{arn}");
        }
    }
}
