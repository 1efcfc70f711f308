//! Who is calling.

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

impl Principal {
    /// The account the caller belongs to; `None` for nobody.
    pub fn account(&self) -> Option<&str> {
        match self {
            Principal::Anonymous => None,
            Principal::Root { account } | Principal::Session { account, .. } | Principal::Service { account, .. } => {
                Some(account)
            }
        }
    }

    /// The caller's ARN as STS and access-denied messages spell it.
    pub fn arn(&self) -> String {
        match self {
            Principal::Anonymous => "anonymous".to_owned(),
            Principal::Root { account } => format!("arn:aws:iam::{account}:root"),
            Principal::Session { account, role, session, .. } => {
                format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
            }
            Principal::Service { name, .. } => (*name).to_owned(),
        }
    }

    /// `aws:userid`: the account for root, `ROLEID:SESSION` for sessions.
    pub fn user_id(&self) -> String {
        match self {
            Principal::Anonymous => "anonymous".to_owned(),
            Principal::Root { account } => account.clone(),
            Principal::Session { role_id, session, .. } => format!("{role_id}:{session}"),
            Principal::Service { name, .. } => (*name).to_owned(),
        }
    }
}
