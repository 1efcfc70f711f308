//! ARNs of topics and subscriptions.

use wire::Error;

use crate::errors::{invalid, no_topic};
use crate::limits::NAME_CHARACTERS_MAX;

/// Ending of the names of FIFO topics.
pub const FIFO_SUFFIX: &str = ".fifo";

/// A topic's full name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TopicArn {
    /// For example `eu-west-1`.
    pub region: String,
    /// 12 digits.
    pub account: String,
    /// Unique within account and region.
    pub name: String,
}

impl TopicArn {
    /// Reads an ARN given as `parameter`.
    ///
    /// # Errors
    /// `InvalidParameter` in AWS's words.
    pub fn parse(parameter: &str, text: &str) -> Result<TopicArn, Error> {
        let parts: Vec<&str> = text.split(':').collect();
        if parts.len() < 6 {
            let count = parts.len();
            return Err(invalid(format!("{parameter} Reason: An ARN must have at least 6 elements, not {count}")));
        }
        match parts.as_slice() {
            ["arn", "aws", "sns", region, account, name] if is_name(name.strip_suffix(FIFO_SUFFIX).unwrap_or(name)) => {
                Ok(TopicArn { region: (*region).to_owned(), account: (*account).to_owned(), name: (*name).to_owned() })
            }
            ["arn", "aws", "sns", ..] => Err(invalid("Topic Name")),
            _ => Err(invalid(parameter)),
        }
    }

    /// Whether it is a FIFO topic, which its name tells.
    pub fn is_fifo(&self) -> bool {
        self.name.ends_with(FIFO_SUFFIX)
    }

    /// ARN of one of its subscriptions.
    pub fn subscription(&self, id: &str) -> String {
        format!("{self}:{id}")
    }
}

impl std::fmt::Display for TopicArn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "arn:aws:sns:{}:{}:{}", self.region, self.account, self.name)
    }
}

/// The topic and the id of a subscription's ARN.
///
/// # Errors
/// `InvalidParameter` in AWS's words.
pub fn parse_subscription(text: &str) -> Result<(TopicArn, String), Error> {
    let count = text.split(':').count();
    if count < 6 {
        return Err(invalid(format!("SubscriptionArn Reason: An ARN must have at least 6 elements, not {count}")));
    }
    let parts = text.rsplit_once(':').filter(|_| count == 7);
    let (topic, id) = parts.ok_or_else(|| invalid("SubscriptionId"))?;
    Ok((TopicArn::parse("SubscriptionArn", topic).map_err(|_| no_topic())?, id.to_owned()))
}

/// Whether a name, without the ending of FIFO topics, consists of what names consist of.
pub fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=NAME_CHARACTERS_MAX).contains(&name.len()) && name.bytes().all(allowed)
}
