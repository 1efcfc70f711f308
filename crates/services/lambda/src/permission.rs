//! Resource policies: who else may use a function, a version, an alias or a layer.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Largest resource policy of a function, in bytes of its JSON. AWS Lambda quotas: 20 KB.
pub const POLICY_BYTES_MAX: usize = 20 * 1024;

/// A resource policy: statements as JSON, in the order in which they were added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourcePolicy {
    /// The statements.
    pub statements: Vec<Statement>,
    /// The revision of a layer version's policy, which changes with every change. A function's policy has that of the
    /// function, version or alias it belongs to.
    pub revision_id: String,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Its id, unique within the policy.
    pub id: String,
    /// Its JSON, as `AddPermission` has answered it.
    pub json: String,
}

/// What a statement says.
#[derive(Debug, Clone, Default)]
pub struct Grant<'a> {
    /// Its id.
    pub id: &'a str,
    /// For example `lambda:InvokeFunction`.
    pub action: &'a str,
    /// The ARN it is about.
    pub resource: &'a str,
    /// A service, an account, an ARN or `*`.
    pub principal: &'a str,
    /// `AWS:SourceArn`.
    pub source_arn: Option<&'a str>,
    /// `AWS:SourceAccount`.
    pub source_account: Option<&'a str>,
    /// `lambda:EventSourceToken`.
    pub event_source_token: Option<&'a str>,
    /// `aws:PrincipalOrgID`.
    pub organization: Option<&'a str>,
    /// `lambda:FunctionUrlAuthType`.
    pub url_auth_type: Option<&'a str>,
    /// `lambda:InvokedViaFunctionUrl`.
    pub is_via_url: Option<bool>,
}

impl ResourcePolicy {
    /// The policy document.
    pub fn document(&self) -> String {
        let statements: Vec<&str> = self.statements.iter().map(|statement| statement.json.as_str()).collect();
        format!(r#"{{"Version":"2012-10-17","Id":"default","Statement":[{}]}}"#, statements.join(","))
    }
}

impl Grant<'_> {
    /// The statement as JSON, its members in AWS's order.
    pub fn json(&self) -> String {
        let mut members = vec![
            ("Sid", json!(self.id)),
            ("Effect", json!("Allow")),
            ("Principal", principal(self.principal)),
            ("Action", json!(self.action)),
            ("Resource", json!(self.resource)),
        ];
        let conditions = self.conditions();
        if !conditions.is_empty() {
            members.push(("Condition", Value::Object(conditions)));
        }
        let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    }

    fn conditions(&self) -> Map<String, Value> {
        let equal = [
            ("AWS:SourceAccount", self.source_account),
            ("lambda:EventSourceToken", self.event_source_token),
            ("aws:PrincipalOrgID", self.organization),
            ("lambda:FunctionUrlAuthType", self.url_auth_type),
        ];
        let equal: Map<String, Value> =
            equal.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?)))).collect();
        let mut conditions = Map::new();
        if !equal.is_empty() {
            conditions.insert("StringEquals".to_owned(), Value::Object(equal));
        }
        if let Some(arn) = self.source_arn {
            conditions.insert("ArnLike".to_owned(), json!({ "AWS:SourceArn": arn }));
        }
        if let Some(is_via_url) = self.is_via_url {
            conditions.insert("Bool".to_owned(), json!({ "lambda:InvokedViaFunctionUrl": is_via_url.to_string() }));
        }
        conditions
    }
}

/// Whether AWS takes this as a principal: a service's host name, an account, an ARN of IAM or STS, or everybody.
pub fn is_principal(text: &str) -> bool {
    let is_service = || text.split('.').count() >= 2 && text.contains(".amazon");
    let is_arn =
        || text.starts_with("arn:") && text.split(':').nth(2).is_some_and(|part| part == "iam" || part == "sts");
    text == "*" || is_account(text) || is_service() || is_arn()
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn principal(text: &str) -> Value {
    if text == "*" {
        json!("*")
    } else if is_account(text) {
        json!({ "AWS": format!("arn:aws:iam::{text}:root") })
    } else if text.starts_with("arn:") {
        json!({ "AWS": text })
    } else {
        json!({ "Service": text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_written_in_the_order_of_aws() {
        let grant = Grant {
            id: "s3",
            action: "lambda:InvokeFunction",
            resource: "arn:aws:lambda:us-east-1:111122223333:function:f",
            principal: "s3.amazonaws.com",
            source_arn: Some("arn:aws:s3:::b"),
            source_account: Some("111122223333"),
            ..Grant::default()
        };
        let json = r#"{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111122223333:function:f","Condition":{"StringEquals":{"AWS:SourceAccount":"111122223333"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}"#;
        let value: Value = serde_json::from_str(&grant.json()).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(json).unwrap());
        assert!(grant.json().starts_with(r#"{"Sid":"s3","Effect":"Allow","Principal":{"Service":"#));
    }

    #[test]
    fn accounts_stand_for_their_roots_and_everybody_for_itself() {
        assert_eq!(principal("111122223333"), json!({"AWS": "arn:aws:iam::111122223333:root"}));
        assert_eq!(principal("*"), json!("*"));
        assert!(is_principal("apigateway.amazonaws.com") && !is_principal("nobody") && !is_principal("123"));
    }
}
