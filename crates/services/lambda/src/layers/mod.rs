//! Layers: packages that functions share, unpacked under `/opt`.
//!
//! A function keeps the content of its layers, not their names alone: a layer version that is deleted goes on working
//! where it is in use, as on AWS.

mod attach;
mod rows;

pub use attach::{attach, check_total};
pub use rows::{LayerPage, LayerVersionPage};

use std::sync::LazyLock;

use platform::Ctx;
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::function::CodePackage;

/// Most layers of a function. AWS Lambda quotas.
pub const LAYERS_MAX: usize = 5;

/// The parts of an ARN of a layer or of one of its versions.
static ARN: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):layer:(?P<name>[a-zA-Z0-9_-]+)(?::(?P<number>[0-9]+))?$";
    Regex::new(pattern).expect("the pattern is constant and valid")
});

/// Which layer is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerId {
    /// 12 digits.
    pub account: String,
    /// For example `eu-west-1`.
    pub region: String,
    /// The plain name.
    pub name: String,
}

impl LayerId {
    /// The layer that a caller means by a name or an ARN, which the validator has checked.
    pub fn of(cx: &Ctx, name: &str) -> LayerId {
        let parsed = parse_arn(name).map(|(layer, _)| layer);
        parsed.unwrap_or_else(|| LayerId {
            account: cx.account.clone(),
            region: cx.region.clone(),
            name: name.to_owned(),
        })
    }

    /// `arn:aws:lambda:REGION:ACCOUNT:layer:NAME`
    pub fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:layer:{}", self.region, self.account, self.name)
    }

    /// `arn:aws:lambda:REGION:ACCOUNT:layer:NAME:NUMBER`
    pub fn version_arn(&self, number: u64) -> String {
        format!("{}:{number}", self.arn())
    }
}

/// The layer in an ARN, and the version if it names one.
pub fn parse_arn(arn: &str) -> Option<(LayerId, Option<u64>)> {
    let captures = ARN.captures(arn)?;
    let part = |part: &str| captures.name(part).map(|found| found.as_str());
    let text = |name: &str| part(name).unwrap_or_default().to_owned();
    let layer = LayerId { account: text("account"), region: text("region"), name: text("name") };
    // A number beyond all others names a version that does not exist.
    Some((layer, part("number").map(|number| number.parse().unwrap_or(u64::MAX))))
}

/// What belongs to a layer as a whole. It stays when all versions are deleted, so that no number is used again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerRecord {
    /// Number of the version published last.
    pub last_published: u64,
}

/// One version of a layer; it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerVersion {
    /// The layer it belongs to.
    pub layer: LayerId,
    /// From 1.
    pub number: u64,
    /// At most 256 characters.
    pub description: String,
    /// What it holds.
    pub code: CodePackage,
    /// Runtimes it says it is for; `None` if it says nothing.
    pub runtimes: Option<Vec<String>>,
    /// Architectures it says it is for; `None` if it says nothing.
    pub architectures: Option<Vec<String>>,
    /// At most 512 characters.
    pub license: Option<String>,
    /// Milliseconds since 1970 of its publication.
    pub created: i64,
}

impl LayerVersion {
    /// Its ARN.
    pub fn arn(&self) -> String {
        self.layer.version_arn(self.number)
    }

    /// Whether it says that it is for what is asked for.
    pub fn matches(&self, wanted: &Wanted) -> bool {
        let has = |list: &Option<Vec<String>>, wanted: &Option<String>| {
            let Some(wanted) = wanted else { return true };
            list.as_ref().is_some_and(|list| list.contains(wanted))
        };
        has(&self.runtimes, &wanted.runtime) && has(&self.architectures, &wanted.architecture)
    }
}

/// What a list of layers is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// A runtime that versions say they are for.
    pub runtime: Option<String>,
    /// An architecture that versions say they are for.
    pub architecture: Option<String>,
}

/// A layer version as a function uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedLayer {
    /// The version's ARN.
    pub arn: String,
    /// What it holds.
    pub code: CodePackage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_read_and_written() {
        let (layer, number) = parse_arn("arn:aws:lambda:eu-west-1:111122223333:layer:shared:7").unwrap();
        assert_eq!((layer.name.as_str(), number), ("shared", Some(7)));
        assert_eq!(layer.version_arn(7), "arn:aws:lambda:eu-west-1:111122223333:layer:shared:7");
        assert_eq!(parse_arn(&layer.arn()), Some((layer, None)));
        assert_eq!(parse_arn("arn:aws:lambda:eu-west-1:111122223333:function:shared"), None);
    }
}
