//! Key policies: the ones AWS writes, how they are shown, and which ones are refused.

use std::io;

use api::kms::errors::malformed_policy_document_exception;
use platform::{Ctx, Principal};
use policy::{Authority, Caller, Context, Kind, NamedPolicy, Policies, Policy, Request, ResourceRules};
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Value, json};
use wire::Error;

/// The one name a key policy has.
pub const POLICY_NAME: &str = "default";

/// What a key policy has to hold.
const RULES: ResourceRules = ResourceRules { vendor: Some("kms"), resource_required: true };

/// The policy of a key that was made without one: it leaves the key to the policies of the account.
pub fn default_policy(account: &str) -> String {
    show(&json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
            "Action": "kms:*",
            "Resource": "*",
        }],
    }))
}

/// The policy of a key of AWS's own: usable through its service by whoever may use the service, seen by the account.
pub fn managed_policy(alias: &str, name: &str, account: &str, region: &str) -> String {
    show(&json!({
        "Version": "2012-10-17",
        "Id": format!("auto-{alias}-1"),
        "Statement": [{
            "Sid": format!(
                "Allow access through {name} for all principals in the account that are authorized to use {name}"
            ),
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": [
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncrypt*",
                "kms:GenerateDataKey*",
                "kms:CreateGrant",
                "kms:DescribeKey",
            ],
            "Resource": "*",
            "Condition": {
                "StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": format!("{alias}.{region}.amazonaws.com"),
                },
            },
        }, {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
            "Resource": "*",
        }],
    }))
}

/// Checks a policy that a caller gives, and writes it as it will be shown.
///
/// # Errors
/// `MalformedPolicyDocumentException`, also for a policy that would lock the caller out, unless `bypass_check` is set.
pub fn accept(cx: &Ctx, document: &str, bypass_check: bool) -> Result<String, Error> {
    let compiled = Policy::parse(document, Kind::Resource(RULES))
        .map_err(|malformed| malformed_policy_document_exception(malformed.message))?;
    if !bypass_check && !leaves_control(cx, compiled) {
        return Err(malformed_policy_document_exception(
            "The new key policy will not allow you to update the key policy in the future.",
        ));
    }
    let value: Value =
        serde_json::from_str(document).map_err(|_| malformed_policy_document_exception("Syntax errors in policy."))?;
    Ok(show(&value))
}

/// Whether the caller could put another policy in the place of this one.
fn leaves_control(cx: &Ctx, document: Policy) -> bool {
    let everything = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let Ok(everything) = Policy::parse(everything, Kind::Identity) else { return false };
    let named = |policy| NamedPolicy { name: POLICY_NAME.into(), policy: std::sync::Arc::new(policy) };
    let (identity, resource) = ([named(everything)], named(document));
    let (arn, identity_arn, id) = (cx.principal.arn(), cx.principal.identity_arn(), cx.principal.user_id());
    let caller = match &cx.principal {
        Principal::User { account, .. } => Caller::User { account, arn: &arn, id: &id },
        Principal::Session { account, role_id, .. } => {
            Caller::Session { account, arn: &arn, role_arn: &identity_arn, role_id, id: &id }
        }
        // A service and a federated user act for somebody else, whose account has to keep control.
        _ => Caller::Root { account: &cx.account },
    };
    let key = cx.arn("kms", "key/*");
    let mut context = Context::new();
    context.set("kms:CallerAccount", cx.account.as_str());
    let request = Request {
        caller,
        action: "kms:PutKeyPolicy",
        resource: &key,
        resource_account: &cx.account,
        context: &context,
    };
    let policies = Policies {
        identity: &identity,
        resource: Some(&resource),
        authority: Authority::Resource,
        ..Policies::default()
    };
    policy::decide(&request, &policies).is_allowed()
}

/// A document as AWS shows it: a member per line, lists on the line, blanks around colons.
fn show(document: &Value) -> String {
    let mut shown = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut shown, Shown::default());
    document.serialize(&mut serializer).expect("a document is written to memory");
    String::from_utf8(shown).expect("JSON is UTF-8")
}

#[derive(Default)]
struct Shown {
    depth: usize,
    /// Whether the value that just ended had members.
    is_filled: bool,
}

impl Shown {
    fn new_line<W: ?Sized + io::Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }
}

impl Formatter for Shown {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"[ ")
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b" ]")
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.is_filled = false;
        writer.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.new_line(writer)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b" : ")
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.is_filled = true;
        Ok(())
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.is_filled {
            self.new_line(writer)?;
        } else {
            writer.write_all(b" ")?;
        }
        self.is_filled = true;
        writer.write_all(b"}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_shown_as_aws_shows_it() {
        let shown = default_policy("111122223333");
        let expected = "{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n  \"Statement\" : [ {\n    \
                        \"Sid\" : \"Enable IAM User Permissions\",\n    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n      \
                        \"AWS\" : \"arn:aws:iam::111122223333:root\"\n    },\n    \"Action\" : \"kms:*\",\n    \
                        \"Resource\" : \"*\"\n  } ]\n}";
        assert_eq!(shown, expected);
        assert_eq!(show(&json!({"a": {}, "b": ["x", "y"]})), "{\n  \"a\" : { },\n  \"b\" : [ \"x\", \"y\" ]\n}");
    }
}
