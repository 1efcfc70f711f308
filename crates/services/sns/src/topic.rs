//! A topic at rest, and its attributes.

use std::collections::BTreeMap;

use policy::{Kind, Policy, ResourceRules};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wire::Error;

use crate::arn::TopicArn;
use crate::delivery_policy::DeliveryPolicy;
use crate::errors::invalid;
use crate::limits::{DISPLAY_NAME_CHARACTERS_MAX, POLICY_BYTES_MAX};

/// A topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// The display name.
    pub display_name: String,
    /// The policy, if one was set.
    pub policy: Option<String>,
    /// The delivery policy, if one was set.
    pub delivery_policy: Option<String>,
    /// `1` or `2`, if set.
    pub signature_version: Option<String>,
    /// Whether the text's digest is the deduplication id unless one is given (FIFO topics).
    pub content_deduplication: bool,
    /// Whether deduplication ids are unique within their group only (FIFO topics).
    pub deduplication_per_group: bool,
    /// The data protection policy, if one was set.
    pub data_protection: Option<String>,
    /// The key of KMS that publishers need, if one was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// Confirmed subscriptions.
    pub confirmed: u64,
    /// Subscriptions that wait for their confirmation.
    pub pending: u64,
    /// Subscriptions that were ended.
    pub deleted: u64,
}

/// What the policy of a topic may say.
const RULES: Kind = Kind::Resource(ResourceRules { vendor: Some("sns"), resource_required: false });

impl Topic {
    /// Sets an attribute. `context` stands in front of what is wrong.
    ///
    /// # Errors
    /// `InvalidParameter` in AWS's words.
    pub fn set(&mut self, arn: &TopicArn, name: &str, value: &str, context: &str) -> Result<(), Error> {
        let refuse = |what: &str| invalid(format!("{context}{what}"));
        let boolean = || match value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(refuse(&format!("{name}: Invalid value [{value}]. Must be true or false."))),
        };
        let given = Some(value.to_owned()).filter(|value| !value.is_empty());
        match name {
            "DisplayName" if value.chars().count() <= DISPLAY_NAME_CHARACTERS_MAX => {
                value.clone_into(&mut self.display_name)
            }
            "DisplayName" => return Err(refuse("DisplayName Reason: must be at most 100 characters long")),
            "Policy" => {
                let sound = value.len() <= POLICY_BYTES_MAX && Policy::parse(value, RULES).is_ok();
                if given.is_some() && !sound {
                    return Err(refuse("Policy Error: null"));
                }
                self.policy = given;
            }
            "DeliveryPolicy" => {
                if given.is_some() {
                    DeliveryPolicy::parse(value).map_err(|reason| refuse(&format!("DeliveryPolicy: {reason}")))?;
                }
                self.delivery_policy = given;
            }
            "SignatureVersion" if ["1", "2"].contains(&value) => self.signature_version = given,
            "SignatureVersion" => return Err(refuse("SignatureVersion: Must be 1 or 2.")),
            "KmsMasterKeyId" => self.kms_key = given,
            "FifoTopic" => {
                if boolean()? != arn.is_fifo() {
                    return Err(refuse("FifoTopic"));
                }
            }
            "ContentBasedDeduplication" if arn.is_fifo() => self.content_deduplication = boolean()?,
            "FifoThroughputScope" if arn.is_fifo() => {
                self.deduplication_per_group = match value {
                    "Topic" => false,
                    "MessageGroup" => true,
                    _ => return Err(refuse("FifoThroughputScope: Must be Topic or MessageGroup.")),
                };
            }
            _ if UNSUPPORTED.contains(&name) => {
                return Err(refuse(&format!("{name} Reason: this attribute is not supported")));
            }
            _ => return Err(refuse("AttributeName")),
        }
        Ok(())
    }

    /// The attributes as clients read them.
    pub fn attributes(&self, arn: &TopicArn) -> BTreeMap<String, String> {
        let effective = self.delivery_policy.as_deref().and_then(|text| DeliveryPolicy::parse(text).ok());
        let mut values = BTreeMap::from([
            ("TopicArn", arn.to_string()),
            ("Owner", arn.account.clone()),
            ("DisplayName", self.display_name.clone()),
            ("Policy", self.policy.clone().unwrap_or_else(|| default_policy(arn))),
            ("EffectiveDeliveryPolicy", effective.unwrap_or_default().effective()),
            ("SubscriptionsConfirmed", self.confirmed.to_string()),
            ("SubscriptionsPending", self.pending.to_string()),
            ("SubscriptionsDeleted", self.deleted.to_string()),
        ]);
        values.extend(self.delivery_policy.clone().map(|policy| ("DeliveryPolicy", policy)));
        values.extend(self.kms_key.clone().map(|key| ("KmsMasterKeyId", key)));
        values.extend(self.signature_version.clone().map(|version| ("SignatureVersion", version)));
        if arn.is_fifo() {
            let scope = if self.deduplication_per_group { "MessageGroup" } else { "Topic" };
            values.insert("FifoTopic", "true".to_owned());
            values.insert("ContentBasedDeduplication", self.content_deduplication.to_string());
            values.insert("FifoThroughputScope", scope.to_owned());
        }
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Attributes of AWS's that have no effect here, and are refused rather than ignored.
const UNSUPPORTED: [&str; 18] = [
    "TracingConfig",
    "ArchivePolicy",
    "BeginningArchiveTime",
    "HTTPSuccessFeedbackRoleArn",
    "HTTPSuccessFeedbackSampleRate",
    "HTTPFailureFeedbackRoleArn",
    "SQSSuccessFeedbackRoleArn",
    "SQSSuccessFeedbackSampleRate",
    "SQSFailureFeedbackRoleArn",
    "LambdaSuccessFeedbackRoleArn",
    "LambdaSuccessFeedbackSampleRate",
    "LambdaFailureFeedbackRoleArn",
    "FirehoseSuccessFeedbackRoleArn",
    "FirehoseSuccessFeedbackSampleRate",
    "FirehoseFailureFeedbackRoleArn",
    "ApplicationSuccessFeedbackRoleArn",
    "ApplicationSuccessFeedbackSampleRate",
    "ApplicationFailureFeedbackRoleArn",
];

/// The policy of a topic for which none was set: everything for its own account.
pub fn default_policy(arn: &TopicArn) -> String {
    let actions = [
        "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes",
        "SNS:AddPermission",
        "SNS:RemovePermission",
        "SNS:DeleteTopic",
        "SNS:Subscribe",
        "SNS:ListSubscriptionsByTopic",
        "SNS:Publish",
    ];
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": actions,
            "Resource": arn.to_string(),
            "Condition": {"StringEquals": {"AWS:SourceOwner": arn.account}},
        }],
    })
    .to_string()
}
