//! Who asks.

/// The caller of a request, as principals of policies are compared with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller<'a> {
    /// Nobody: no credentials.
    Anonymous,
    /// The root user of an account.
    Root {
        /// 12 digits.
        account: &'a str,
    },
    /// An IAM user, with its own keys or with a session of `GetSessionToken`.
    User {
        /// 12 digits.
        account: &'a str,
        /// `arn:aws:iam::…:user/path/name`.
        arn: &'a str,
        /// `AIDA…`.
        id: &'a str,
    },
    /// A session of a role.
    Session {
        /// 12 digits.
        account: &'a str,
        /// `arn:aws:sts::…:assumed-role/name/session`.
        arn: &'a str,
        /// `arn:aws:iam::…:role/path/name`.
        role_arn: &'a str,
        /// `AROA…`, without the session's name.
        role_id: &'a str,
        /// `AROA…:session`, which is `aws:userid`.
        id: &'a str,
    },
    /// A session of `GetFederationToken`.
    FederatedUser {
        /// 12 digits.
        account: &'a str,
        /// `arn:aws:sts::…:federated-user/name`.
        arn: &'a str,
        /// The user who asked for the session: `arn:aws:iam::…:user/path/name`, or the account's root.
        user_arn: &'a str,
        /// That user's `AIDA…`, or the account if it was the root.
        user_id: &'a str,
    },
    /// Someone whom an identity provider vouches for, on the way to a role (`AssumeRoleWithWebIdentity`,
    /// `AssumeRoleWithSAML`).
    Federated {
        /// ARN of the OIDC or SAML provider, or the name of a provider that needs none (`accounts.google.com`).
        provider: &'a str,
    },
    /// An AWS service that acts in its own name.
    Service {
        /// For example `s3.amazonaws.com`.
        name: &'a str,
    },
}

impl<'a> Caller<'a> {
    /// The account whose identity policies speak for the caller; `None` for nobody, services and those who are still on
    /// the way to a role.
    pub fn account(&self) -> Option<&'a str> {
        match *self {
            Caller::Root { account }
            | Caller::User { account, .. }
            | Caller::Session { account, .. }
            | Caller::FederatedUser { account, .. } => Some(account),
            Caller::Anonymous | Caller::Federated { .. } | Caller::Service { .. } => None,
        }
    }
}
