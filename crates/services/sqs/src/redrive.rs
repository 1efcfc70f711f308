//! Where dead letters go, and who may send them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wire::Error;

use crate::address::QueueName;
use crate::errors;
use crate::limits::{RECEIVE_COUNT_MAX, REDRIVE_SOURCES_MAX};

/// The attribute `RedrivePolicy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedrivePolicy {
    /// As it was set.
    pub text: String,
    /// Name of the dead-letter queue, in the same account and region.
    pub target: String,
    /// How often a message may be received before it goes there.
    pub receive_count_max: u32,
}

impl RedrivePolicy {
    /// Reads the attribute's value.
    ///
    /// # Errors
    /// `InvalidParameterValue` in AWS's words.
    pub fn parse(queue: &QueueName, text: &str) -> Result<RedrivePolicy, Error> {
        let refuse = |reason: &str| errors::invalid_value(text, "RedrivePolicy", reason);
        let policy: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| refuse("Redrive policy is not a valid JSON map."))?;
        let missing = |name: &str| refuse(&format!("Redrive policy does not contain mandatory attribute: {name}."));
        let target = policy.get("deadLetterTargetArn").ok_or_else(|| missing("deadLetterTargetArn"))?;
        let count = policy.get("maxReceiveCount").ok_or_else(|| missing("maxReceiveCount"))?;
        if let Some(name) =
            policy.keys().find(|name| !["deadLetterTargetArn", "maxReceiveCount"].contains(&name.as_str()))
        {
            return Err(refuse(&format!("Unknown attribute: {name}.")));
        }
        let target = target.as_str().and_then(QueueName::of_arn);
        let target = target.ok_or_else(|| refuse("Invalid value for deadLetterTargetArn."))?;
        let number = count.as_u64().or_else(|| count.as_str().and_then(|count| count.parse().ok()));
        let number = number.filter(|number| (1..=RECEIVE_COUNT_MAX).contains(number)).ok_or_else(|| {
            let given = count.as_str().map_or_else(|| count.to_string(), str::to_owned);
            refuse(&format!(
                "Invalid value for maxReceiveCount: {given}, valid values are from 1 to {RECEIVE_COUNT_MAX} both inclusive."
            ))
        })?;
        if target.region != queue.region || target.account != queue.account {
            return Err(refuse("Dead letter target owner should be same as the source."));
        }
        if target.is_fifo() != queue.is_fifo() {
            return Err(refuse("Dead-letter queue must be same type of queue as the source."));
        }
        // The bound above is far below that of the type.
        let receive_count_max = u32::try_from(number).unwrap_or(u32::MAX);
        Ok(RedrivePolicy { text: text.to_owned(), target: target.name, receive_count_max })
    }
}

/// The attribute `RedriveAllowPolicy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveAllowPolicy {
    /// As it was set.
    pub text: String,
    /// Who may.
    pub permission: RedrivePermission,
}

/// Who may send dead letters to a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RedrivePermission {
    /// Every queue of the account and region.
    AllowAll,
    /// None.
    DenyAll,
    /// The queues of these ARNs.
    ByQueue(Vec<String>),
}

impl RedriveAllowPolicy {
    /// Reads the attribute's value.
    ///
    /// # Errors
    /// `InvalidParameterValue` in AWS's words.
    pub fn parse(text: &str) -> Result<RedriveAllowPolicy, Error> {
        let refuse = |reason: &str| errors::invalid_value(text, "RedriveAllowPolicy", reason);
        let policy: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| refuse("Amazon SQS can't create the redrive allow policy."))?;
        let queues = policy.get("sourceQueueArns");
        let permission = match (policy.get("redrivePermission").and_then(Value::as_str), queues) {
            (Some("allowAll"), None) => RedrivePermission::AllowAll,
            (Some("denyAll"), None) => RedrivePermission::DenyAll,
            (Some("allowAll" | "denyAll"), Some(_)) => {
                return Err(refuse("sourceQueueArns may only be given with the permission byQueue."));
            }
            (Some("byQueue"), Some(Value::Array(arns))) if (1..=REDRIVE_SOURCES_MAX).contains(&arns.len()) => {
                let arns: Option<Vec<String>> = arns
                    .iter()
                    .map(|arn| arn.as_str().filter(|arn| QueueName::of_arn(arn).is_some()).map(str::to_owned))
                    .collect();
                RedrivePermission::ByQueue(arns.ok_or_else(|| refuse("Invalid value for sourceQueueArns."))?)
            }
            (Some("byQueue"), _) => return Err(refuse("Invalid value for sourceQueueArns.")),
            _ => return Err(refuse("Invalid value for redrivePermission.")),
        };
        Ok(RedriveAllowPolicy { text: text.to_owned(), permission })
    }

    /// Whether a queue may send its dead letters here.
    pub fn allows(&self, source: &QueueName) -> bool {
        match &self.permission {
            RedrivePermission::AllowAll => true,
            RedrivePermission::DenyAll => false,
            RedrivePermission::ByQueue(arns) => arns.contains(&source.arn()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(name: &str) -> QueueName {
        QueueName { account: "111122223333".into(), region: "eu-west-1".into(), name: name.into() }
    }

    fn reason(text: &str) -> String {
        let error = RedrivePolicy::parse(&queue("jobs"), text).expect_err("refused").to_string();
        error.split_once("Reason: ").map_or(error.clone(), |(_, reason)| reason.to_owned())
    }

    #[test]
    fn redrive_policies_are_checked_as_aws_checks_them() {
        let arn = queue("dead").arn();
        let policy = |count: &str| format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{count}}}"#);
        for count in ["3", "\"3\""] {
            let parsed = RedrivePolicy::parse(&queue("jobs"), &policy(count)).unwrap();
            assert_eq!((parsed.target.as_str(), parsed.receive_count_max), ("dead", 3));
        }
        assert_eq!(reason("x"), "Redrive policy is not a valid JSON map.");
        assert_eq!(reason("{}"), "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
        assert_eq!(
            reason(&policy("0")),
            "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive."
        );
        let dummy = r#"{"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}"#;
        assert_eq!(reason(dummy), "Invalid value for deadLetterTargetArn.");
        let fifo = policy("3").replace("dead\"", "dead.fifo\"");
        assert_eq!(reason(&fifo), "Dead-letter queue must be same type of queue as the source.");
    }

    #[test]
    fn allow_policies_name_queues_or_all_or_none() {
        let by_queue = format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{}"]}}"#, queue("a").arn());
        let policy = RedriveAllowPolicy::parse(&by_queue).unwrap();
        assert!(policy.allows(&queue("a")) && !policy.allows(&queue("b")));
        assert!(RedriveAllowPolicy::parse(r#"{"redrivePermission":"allowAll"}"#).unwrap().allows(&queue("b")));
        assert!(!RedriveAllowPolicy::parse(r#"{"redrivePermission":"denyAll"}"#).unwrap().allows(&queue("b")));
        for wrong in ["", "[]", "{}", r#"{"redrivePermission":"byQueue"}"#, r#"{"redrivePermission":"some"}"#] {
            assert!(RedriveAllowPolicy::parse(wrong).is_err(), "{wrong}");
        }
    }
}
