//! Resource policies: who else may use a function, a version, an alias or a layer.

use policy::{Effect, Kind, Malformed, Policy, ResourceRules};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Largest resource policy of a function, in bytes of its JSON. AWS Lambda quotas: 20 KB.
pub const POLICY_BYTES_MAX: usize = 20 * 1024;

/// What a function's policy may contain when it is written as a whole.
const RULES: Kind = Kind::Resource(ResourceRules { vendor: Some("lambda"), resource_required: true });

/// A resource policy: statements as JSON, in the order in which they were added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourcePolicy {
    /// The statements.
    pub statements: Vec<Statement>,
    /// The revision of a layer version's policy, which changes with every change. A function's policy has that of the
    /// function, version or alias it belongs to.
    pub revision_id: String,
    /// What stands above the statements of a policy that was written as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<Heading>,
    /// Whether a statement denies something, as only one that was written as a whole can.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_denials: bool,
}

/// What a document says besides its statements.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// `Version`.
    pub version: Option<String>,
    /// `Id`.
    pub id: Option<String>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Its id, unique within the policy; empty if it has none.
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
        let heading = match &self.heading {
            None => r#""Version":"2012-10-17","Id":"default","#.to_owned(),
            Some(heading) => heading.json(),
        };
        format!(r#"{{{heading}"Statement":[{}]}}"#, statements.join(","))
    }

    /// The policy that a document is, its white space left out.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<ResourcePolicy, Malformed> {
        let parsed = Policy::parse(text, RULES)?;
        // What can be compiled is JSON throughout, and so is each of its statements.
        let compact = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let document = compact(text);
        let member = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let statements = parsed.statements().iter().map(|statement| Statement {
            id: statement.sid().unwrap_or_default().to_owned(),
            json: compact(&text[statement.span()]).to_string(),
        });
        Ok(ResourcePolicy {
            statements: statements.collect(),
            heading: Some(Heading { version: member("Version"), id: member("Id") }),
            has_denials: parsed.statements().iter().any(|statement| statement.effect() == Effect::Deny),
            ..ResourcePolicy::default()
        })
    }
}

impl Heading {
    /// Its members, each with a comma behind it.
    fn json(&self) -> String {
        let members = [("Version", &self.version), ("Id", &self.id)];
        let given = members.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        given.map(|(name, value)| format!("\"{name}\":{},", json!(value))).collect()
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
    fn a_document_is_kept_as_it_was_written_without_its_white_space() {
        let text = r#"{ "Version": "2012-10-17", "Statement": { "Sid": "a", "Effect": "Deny", "Principal": "*",
            "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:us-east-1:111122223333:function:f" } }"#;
        let policy = ResourcePolicy::parse(text).unwrap();
        assert!(policy.has_denials && policy.statements[0].id == "a");
        let expected = r#"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Deny","Principal":"*","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111122223333:function:f"}]}"#;
        assert_eq!(policy.document(), expected);
        assert_eq!(ResourcePolicy::parse(&policy.document()).unwrap(), policy);
        for broken in ["", "[]", "{}", r#"{"Statement":[]}"#, &text.replace("lambda:Inv", "s3:Inv")] {
            assert!(ResourcePolicy::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn accounts_stand_for_their_roots_and_everybody_for_itself() {
        assert_eq!(principal("111122223333"), json!({"AWS": "arn:aws:iam::111122223333:root"}));
        assert_eq!(principal("*"), json!("*"));
        assert!(is_principal("apigateway.amazonaws.com") && !is_principal("nobody") && !is_principal("123"));
    }
}
