//! The principals of a statement.

use crate::caller::Caller;

/// A `Principal` or `NotPrincipal` element.
#[derive(Debug, Clone)]
pub(crate) struct PrincipalSet {
    /// `NotPrincipal`: all but these.
    pub negated: bool,
    pub principals: Box<[Principal]>,
}

/// One principal, as a policy names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// `*`: everybody, with or without credentials.
    Everybody,
    /// An account, by its number or its root's ARN: the account itself decides which of its identities may.
    Account(Box<str>),
    /// ARN of a user, role, role session or federated user.
    Arn(Box<str>),
    /// Unique id of a user or role (`AIDA…`, `AROA…`), which outlives the ARN's owner.
    Id(Box<str>),
    /// A service's name, or `*` for any service.
    Service(Box<str>),
    /// An identity provider, by ARN or name.
    Federated(Box<str>),
    /// An S3 canonical user id.
    CanonicalUser(Box<str>),
}

/// How closely a principal names the caller, from the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closeness {
    /// The caller's account, which leaves it to the caller's identity policies.
    Account,
    /// What the session was made from: its role, or the user who asked for a federated session. Boundaries and session
    /// policies limit what this grants.
    Origin,
    /// The caller itself, or everybody.
    Itself,
}

impl Principal {
    /// Reads a value of the `AWS` member; `None` if it is no principal.
    pub(crate) fn aws(text: &str) -> Option<Principal> {
        if text == "*" {
            return Some(Principal::Everybody);
        }
        if is_account(text) {
            return Some(Principal::Account(text.into()));
        }
        if is_unique_id(text) {
            return Some(Principal::Id(text.into()));
        }
        let mut parts = text.splitn(6, ':');
        let ("arn", partition, service, "", account, relative) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?)
        else {
            return None;
        };
        if !partition.starts_with("aws") || text.contains(['*', '?']) {
            return None;
        }
        let kinds: &[&str] = match service {
            "iam" if relative == "root" && is_account(account) => return Some(Principal::Account(account.into())),
            "iam" => &["user/", "role/"],
            "sts" => &["assumed-role/", "federated-user/"],
            _ => return None,
        };
        // CloudFront's origin access identities are users of an account that has a name.
        let known_account = is_account(account) || account == "cloudfront";
        let named = kinds.iter().any(|kind| relative.strip_prefix(kind).is_some_and(|name| !name.is_empty()));
        (known_account && named).then(|| Principal::Arn(text.into()))
    }

    /// How closely this names a caller; `None` if it does not.
    pub(crate) fn names(&self, caller: &Caller<'_>) -> Option<Closeness> {
        match (self, caller) {
            (Principal::Everybody, _) => Some(Closeness::Itself),
            (Principal::Account(account), Caller::Root { account: own }) => when(**account == **own, Closeness::Itself),
            (Principal::Account(account), _) => when(caller.account() == Some(account.as_ref()), Closeness::Account),
            (Principal::Arn(arn), _) => closeness(caller, |own_arn, _| **arn == *own_arn),
            (Principal::Id(id), _) => closeness(caller, |_, own_id| **id == *own_id),
            (Principal::Service(name), Caller::Service { name: own }) => {
                when(&**name == "*" || **name == **own, Closeness::Itself)
            }
            (Principal::Federated(provider), Caller::Federated { provider: own }) => {
                when(**provider == **own, Closeness::Itself)
            }
            (Principal::Service(_) | Principal::Federated(_) | Principal::CanonicalUser(_), _) => None,
        }
    }
}

impl PrincipalSet {
    /// How closely the statement names a caller; `None` if it does not speak of it.
    pub(crate) fn names(&self, caller: &Caller<'_>) -> Option<Closeness> {
        if self.negated {
            return when(!self.lists_all_of(caller), Closeness::Itself);
        }
        self.principals.iter().filter_map(|principal| principal.names(caller)).max()
    }

    /// Whether a caller is exempt under `NotPrincipal`: it has to be listed with everything it acts as, which is its
    /// account, the role of a session, and itself ("AWS JSON policy elements: NotPrincipal" of the IAM User Guide).
    fn lists_all_of(&self, caller: &Caller<'_>) -> bool {
        let listed = |level: Closeness| self.principals.iter().any(|one| one.names(caller) == Some(level));
        if self.principals.contains(&Principal::Everybody) {
            return true;
        }
        let origin = match caller {
            Caller::Session { .. } | Caller::FederatedUser { .. } => listed(Closeness::Origin),
            _ => true,
        };
        let account = match caller {
            Caller::User { .. } | Caller::Session { .. } | Caller::FederatedUser { .. } => listed(Closeness::Account),
            _ => true,
        };
        listed(Closeness::Itself) && origin && account
    }
}

/// Asks about each pair of ARN and unique id that a caller has.
fn closeness(caller: &Caller<'_>, is: impl Fn(&str, &str) -> bool) -> Option<Closeness> {
    match *caller {
        Caller::User { arn, id, .. } => when(is(arn, id), Closeness::Itself),
        Caller::Session { arn, role_arn, role_id, id, .. } => {
            when(is(arn, id), Closeness::Itself).or(when(is(role_arn, role_id), Closeness::Origin))
        }
        Caller::FederatedUser { arn, user_arn, user_id, .. } => {
            when(is(arn, ""), Closeness::Itself).or(when(is(user_arn, user_id), Closeness::Origin))
        }
        Caller::Anonymous | Caller::Root { .. } | Caller::Federated { .. } | Caller::Service { .. } => None,
    }
}

fn when<T>(holds: bool, value: T) -> Option<T> {
    holds.then_some(value)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text has the form of a unique id: `AIDA` or `AROA`, then at least 12 capitals and digits ("Unique
/// identifiers" of the IAM User Guide; lengths vary).
fn is_unique_id(text: &str) -> bool {
    let is_of_id = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (text.starts_with("AIDA") || text.starts_with("AROA")) && text.len() >= 16 && text.bytes().all(is_of_id)
}
