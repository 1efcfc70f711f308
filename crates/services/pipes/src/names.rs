//! Names and ARNs.

use platform::Ctx;
use serde::{Deserialize, Serialize};

/// Which pipe.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PipeName {
    /// 12 digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// Its name.
    pub name: String,
}

impl PipeName {
    /// The pipe of that name in the caller's account.
    pub fn here(cx: &Ctx, name: &str) -> PipeName {
        PipeName { account: cx.account.clone(), region: cx.region.clone(), name: name.to_owned() }
    }

    /// The ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:pipes:{}:{}:pipe/{}", self.region, self.account, self.name)
    }

    /// The pipe of an ARN.
    pub fn parse_arn(arn: &str) -> Option<PipeName> {
        let (service, region, account, resource) = arn_parts(arn)?;
        let name = resource.strip_prefix("pipe/").filter(|name| !name.is_empty() && service == "pipes")?;
        Some(PipeName { account: account.to_owned(), region: region.to_owned(), name: name.to_owned() })
    }
}

/// Service, region, account and resource of an ARN.
pub fn arn_parts(arn: &str) -> Option<(&str, &str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (arn, _, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    Some((service, region, account, resource)).filter(|_| arn == "arn" && !resource.is_empty())
}
