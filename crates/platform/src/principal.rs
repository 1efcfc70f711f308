//! Who is calling.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The identity behind a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Nobody: the request carries no credentials.
    Anonymous,
    /// The root of an account.
    Root {
        /// 12 digits.
        account: String,
    },
    /// A user of IAM.
    User {
        /// 12 digits.
        account: String,
        /// Name of the user, without its path.
        name: String,
        /// The user's path: `/`, or `/…/`.
        path: String,
        /// The user's unique id (`AIDA…`).
        user_id: String,
        /// What the user's temporary credentials carry (`sts:GetSessionToken`); `None` behind a long-term key.
        facts: Option<Arc<SessionFacts>>,
    },
    /// A role's session: a function at work, or a client that assumed the role.
    Session {
        /// 12 digits.
        account: String,
        /// Name of the role, without its path.
        role: String,
        /// The role's unique id (`AROA…`).
        role_id: String,
        /// Name of the session; a function's own name if it is a function at work.
        session: String,
        /// What else the session carries.
        facts: Arc<SessionFacts>,
    },
    /// Somebody for whom a user, or the root, has asked for credentials (`sts:GetFederationToken`).
    FederatedUser {
        /// 12 digits.
        account: String,
        /// The name that was asked for.
        name: String,
        /// Who asked, a [`Principal::User`] or [`Principal::Root`]. The federated user may do what its creator may and
        /// its session policies allow.
        creator: Arc<Principal>,
        /// What else the session carries.
        facts: Arc<SessionFacts>,
    },
    /// A service of the platform that acts on behalf of a resource.
    Service {
        /// For example `s3.amazonaws.com`.
        name: &'static str,
        /// The account the resource belongs to.
        account: String,
        /// The resource it acts for (`aws:SourceArn`), if any.
        source_arn: Option<String>,
    },
}

/// What temporary credentials carry besides a name: all of it is sealed into the session token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionFacts {
    /// When the credentials were made, in seconds since 1970 (`aws:TokenIssueTime`).
    pub issued_at: i64,
    /// Path of the role: `/`, or `/…/`.
    pub role_path: String,
    /// Inline session policy, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// ARNs of managed policies that are session policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy_arns: Vec<String>,
    /// Session tags in force, inherited ones included; they go before the role's own tags in `aws:PrincipalTag/…`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
    /// Keys of the tags that sessions assumed from this one inherit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transitive_tag_keys: Vec<String>,
    /// `aws:SourceIdentity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
    /// When a device of multi-factor authentication was shown, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa_at: Option<i64>,
    /// `aws:FederatedProvider`: ARN of the identity provider, or its host name where IAM has it built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub federated_provider: Option<String>,
    /// Condition keys that the identity provider's token left behind (`issuer:sub`), with their values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub federated_claims: Vec<(String, Vec<String>)>,
    /// `lambda:SourceFunctionArn` of a function at work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_function_arn: Option<String>,
    /// In open mode a function may name a role that was never created: its session acts as the account root.
    pub is_unconfined: bool,
}

impl Default for SessionFacts {
    fn default() -> SessionFacts {
        SessionFacts {
            issued_at: 0,
            role_path: "/".to_owned(),
            policy: None,
            policy_arns: Vec::new(),
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            mfa_at: None,
            federated_provider: None,
            federated_claims: Vec::new(),
            source_function_arn: None,
            is_unconfined: false,
        }
    }
}

impl Principal {
    /// The account the caller belongs to; `None` for nobody.
    pub fn account(&self) -> Option<&str> {
        match self {
            Principal::Anonymous => None,
            Principal::Root { account }
            | Principal::User { account, .. }
            | Principal::Session { account, .. }
            | Principal::FederatedUser { account, .. }
            | Principal::Service { account, .. } => Some(account),
        }
    }

    /// The caller's ARN as STS and access-denied messages spell it.
    pub fn arn(&self) -> String {
        match self {
            Principal::Anonymous => "anonymous".to_owned(),
            Principal::Root { account } => format!("arn:aws:iam::{account}:root"),
            Principal::User { account, name, path, .. } => format!("arn:aws:iam::{account}:user{path}{name}"),
            Principal::Session { account, role, session, .. } => {
                format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
            }
            Principal::FederatedUser { account, name, .. } => format!("arn:aws:sts::{account}:federated-user/{name}"),
            Principal::Service { name, .. } => (*name).to_owned(),
        }
    }

    /// `aws:PrincipalArn`: the ARN of the role, with its path, behind a session; [`Principal::arn`] of all others.
    pub fn identity_arn(&self) -> String {
        match self {
            Principal::Session { account, role, facts, .. } => {
                format!("arn:aws:iam::{account}:role{}{role}", facts.role_path)
            }
            other => other.arn(),
        }
    }

    /// `aws:userid`: the account for root, the unique id for users, `ROLEID:SESSION` for sessions, `ACCOUNT:NAME` for
    /// federated users.
    pub fn user_id(&self) -> String {
        match self {
            Principal::Anonymous => "anonymous".to_owned(),
            Principal::Root { account } => account.clone(),
            Principal::User { user_id, .. } => user_id.clone(),
            Principal::Session { role_id, session, .. } => format!("{role_id}:{session}"),
            Principal::FederatedUser { account, name, .. } => format!("{account}:{name}"),
            Principal::Service { name, .. } => (*name).to_owned(),
        }
    }

    /// What the caller's temporary credentials carry; `None` for callers without such.
    pub fn facts(&self) -> Option<&SessionFacts> {
        match self {
            Principal::User { facts, .. } => facts.as_deref(),
            Principal::Session { facts, .. } | Principal::FederatedUser { facts, .. } => Some(facts),
            Principal::Anonymous | Principal::Root { .. } | Principal::Service { .. } => None,
        }
    }

    /// Whether the caller has the rights of its account's root: the root itself, and the session of a role that was
    /// never created ([`SessionFacts::is_unconfined`]).
    pub fn acts_as_root(&self) -> bool {
        match self {
            Principal::Root { .. } => true,
            Principal::Session { facts, .. } => facts.is_unconfined,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "123456789012";

    fn user() -> Principal {
        Principal::User {
            account: ACCOUNT.to_owned(),
            name: "alice".to_owned(),
            path: "/staff/".to_owned(),
            user_id: "AIDAEXAMPLE".to_owned(),
            facts: None,
        }
    }

    #[test]
    fn every_kind_is_spelled_as_aws_spells_it() {
        let root = Principal::Root { account: ACCOUNT.to_owned() };
        let session = Principal::Session {
            account: ACCOUNT.to_owned(),
            role: "worker".to_owned(),
            role_id: "AROAEXAMPLE".to_owned(),
            session: "run".to_owned(),
            facts: Arc::new(SessionFacts { role_path: "/service-role/".to_owned(), ..Default::default() }),
        };
        let federated = Principal::FederatedUser {
            account: ACCOUNT.to_owned(),
            name: "bob".to_owned(),
            creator: Arc::new(user()),
            facts: Arc::default(),
        };
        for (principal, arn, identity, id) in [
            (root, "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:root", ACCOUNT),
            (
                user(),
                "arn:aws:iam::123456789012:user/staff/alice",
                "arn:aws:iam::123456789012:user/staff/alice",
                "AIDAEXAMPLE",
            ),
            (
                session,
                "arn:aws:sts::123456789012:assumed-role/worker/run",
                "arn:aws:iam::123456789012:role/service-role/worker",
                "AROAEXAMPLE:run",
            ),
            (
                federated,
                "arn:aws:sts::123456789012:federated-user/bob",
                "arn:aws:sts::123456789012:federated-user/bob",
                "123456789012:bob",
            ),
        ] {
            assert_eq!((principal.arn().as_str(), principal.identity_arn().as_str()), (arn, identity));
            assert_eq!(principal.user_id(), id);
            assert_eq!(principal.account(), Some(ACCOUNT));
        }
    }

    #[test]
    fn only_the_root_and_sessions_without_a_role_act_as_root() {
        let session = |is_unconfined| Principal::Session {
            account: ACCOUNT.to_owned(),
            role: "worker".to_owned(),
            role_id: "AROAEXAMPLE".to_owned(),
            session: "run".to_owned(),
            facts: Arc::new(SessionFacts { is_unconfined, ..Default::default() }),
        };
        assert!(Principal::Root { account: ACCOUNT.to_owned() }.acts_as_root() && session(true).acts_as_root());
        assert!(!session(false).acts_as_root() && !user().acts_as_root() && !Principal::Anonymous.acts_as_root());
    }
}
