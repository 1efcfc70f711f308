//! Mobile push at rest: applications and the devices that registered with them. Nothing is sent to a push service: what
//! a device would get is in the outbox. Hence the credentials of applications are checked for presence and not kept.

use std::collections::BTreeMap;

use platform::Ctx;
use serde::{Deserialize, Serialize};
use wire::Error;

use crate::errors::{invalid, no_application};
use crate::limits::NAME_CHARACTERS_MAX;

/// Push services, as the API reference of `CreatePlatformApplication` and the developer guide name them.
const PLATFORMS: [&str; 11] = [
    "ADM",
    "APNS",
    "APNS_SANDBOX",
    "APNS_VOIP",
    "APNS_VOIP_SANDBOX",
    "BAIDU",
    "GCM",
    "MACOS",
    "MACOS_SANDBOX",
    "MPNS",
    "WNS",
];

/// Attribute of applications and devices.
pub const ENABLED: &str = "Enabled";

/// Attribute of devices: what the push service knows them by.
pub const TOKEN: &str = "Token";

/// Attribute of devices: what the application keeps with them.
pub const USER_DATA: &str = "CustomUserData";

/// Attributes by name.
pub type Attributes = BTreeMap<String, String>;

/// An application: account and region are the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The push service.
    pub platform: String,
    /// Unique for its push service.
    pub name: String,
}

impl Application {
    /// A new application's name.
    ///
    /// # Errors
    /// `InvalidParameter` in AWS's words.
    pub fn new(platform: &str, name: &str) -> Result<Application, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let reason = if name.is_empty() {
            "cannot be empty"
        } else if name.chars().count() > NAME_CHARACTERS_MAX {
            "must be at most 256 characters long"
        } else if !name.bytes().all(plain) {
            "must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"
        } else if !PLATFORMS.contains(&platform) {
            return Err(invalid(format!("Platform Reason: {platform} is not supported")));
        } else {
            return Ok(Application { platform: platform.to_owned(), name: name.to_owned() });
        };
        Err(invalid(format!("{name} Reason: {reason}")))
    }

    /// Reads an application's ARN.
    ///
    /// # Errors
    /// `InvalidParameter` if it is no ARN; `NotFound` if it is not one of an application of the caller's.
    pub fn parse(cx: &Ctx, arn: &str) -> Result<Application, Error> {
        let local = local(cx, "PlatformApplicationArn", arn)?.ok_or_else(no_application)?;
        match local.split('/').collect::<Vec<_>>().as_slice() {
            ["app", platform, name] => Ok(Application { platform: (*platform).into(), name: (*name).into() }),
            _ => Err(no_application()),
        }
    }

    /// Its ARN.
    pub fn arn(&self, cx: &Ctx) -> String {
        cx.arn("sns", &format!("app/{}/{}", self.platform, self.name))
    }

    /// ARN of one of its devices.
    pub fn endpoint(&self, cx: &Ctx, id: &str) -> String {
        cx.arn("sns", &format!("endpoint/{}/{}/{id}", self.platform, self.name))
    }
}

/// The application and the id in the ARN of a device; nothing if it is none of the caller's account and region.
///
/// # Errors
/// `InvalidParameter` if it is no ARN.
pub fn parse_endpoint(cx: &Ctx, parameter: &str, arn: &str) -> Result<Option<(Application, String)>, Error> {
    Ok(local(cx, parameter, arn)?.and_then(read_endpoint))
}

/// The application and the id in the last part of a device's ARN.
pub fn read_endpoint(local: &str) -> Option<(Application, String)> {
    match local.split('/').collect::<Vec<_>>().as_slice() {
        ["endpoint", platform, name, id] => {
            Some((Application { platform: (*platform).into(), name: (*name).into() }, (*id).into()))
        }
        _ => None,
    }
}

/// The last part of an ARN of the caller's account and region.
fn local<'a>(cx: &Ctx, parameter: &str, arn: &'a str) -> Result<Option<&'a str>, Error> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", "aws", "sns", region, account, local] => {
            Ok((*region == cx.region && *account == cx.account).then_some(*local))
        }
        [_, _, _, _, _, _] => Ok(None),
        parts => {
            let count = parts.len();
            Err(invalid(format!("{parameter} Reason: An ARN must have at least 6 elements, not {count}")))
        }
    }
}

/// A registered device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// `Enabled`, `Token`, and `CustomUserData` if it has any.
    pub attributes: Attributes,
}

impl Device {
    /// Whether it gets messages.
    pub fn is_enabled(&self) -> bool {
        self.attributes.get(ENABLED).is_some_and(|value| value == "true")
    }

    /// What the push service knows it by.
    pub fn token(&self) -> &str {
        self.attributes.get(TOKEN).map(String::as_str).unwrap_or_default()
    }
}
