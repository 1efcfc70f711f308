//! What clients of STS see, and what they need to be allowed.

mod assume_role;
mod credentials;
mod federation;
mod needs;
mod saml;

use std::sync::Arc;

use api::Operation;
use parking_lot::Mutex;
use platform::directory::{Directory, DirectoryFuture, NamedPolicy};
use platform::testing::{ACCOUNT, NOW, TestPlatform};
use platform::{AccessKey, Ctx, Permissions, Principal, Role, SessionFacts};
use policy::{Kind, Policy};

use super::{Iam, IssuerKeys, Sts, registration};

/// The clock's first second.
const START: i64 = NOW / 1_000;

/// A managed policy that exists.
const MANAGED: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

/// A document that says nothing wrong.
const DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#;

/// A trust policy that leaves it to the account.
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow",
    "Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Principal":{"AWS":"111122223333"}}}"#;

/// The service, what it stands on, and some roles.
struct Bench {
    test: TestPlatform,
    sts: Sts,
    roles: Arc<Roles>,
}

#[derive(Default)]
struct Roles(Mutex<Vec<Role>>);

impl Bench {
    fn new() -> Bench {
        let mut iam = None;
        let test = TestPlatform::new(|platform| vec![registration(iam.insert(Iam::new(Arc::clone(platform))))]);
        let iam = iam.expect("the services were made");
        let roles = Arc::<Roles>::default();
        test.platform.install_directory(Arc::clone(&roles) as Arc<dyn Directory>);
        let issuer_keys = IssuerKeys::new(iam.platform.config.egress.clone());
        Bench { test, sts: Sts { iam, issuer_keys }, roles }
    }

    /// Makes a role, or another one of the same name. Answers its ARN.
    fn role(&self, path: &str, name: &str, session_seconds_max: i32) -> String {
        let arn = format!("arn:aws:iam::{ACCOUNT}:role{path}{name}");
        let mut roles = self.roles.0.lock();
        roles.retain(|role| role.arn != arn);
        roles.push(Role {
            arn: arn.clone(),
            path: path.to_owned(),
            id: format!("AROA{}", name.to_uppercase()),
            trust: TRUST.into(),
            session_seconds_max,
            tags: Vec::new(),
        });
        arn
    }

    fn cx<O: Operation>(&self, principal: Principal) -> Ctx {
        self.test.context::<O>(principal)
    }

    /// Whose credentials these are now.
    fn holder(&self, credentials: &api::sts::Credentials) -> Principal {
        let issuer = &self.test.platform.issuer;
        let now = self.test.clock.now();
        let verified = issuer.check(&credentials.access_key_id, Some(&credentials.session_token), now).expect("valid");
        assert_eq!(verified.secret, credentials.secret_access_key);
        verified.principal
    }
}

impl Directory for Roles {
    fn access_key<'a>(&'a self, _: &'a str) -> DirectoryFuture<'a, Option<AccessKey>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn permissions<'a>(&'a self, _: &'a Principal) -> DirectoryFuture<'a, Option<Arc<Permissions>>> {
        Box::pin(std::future::ready(Ok(Some(Arc::default()))))
    }

    fn role<'a>(&'a self, account: &'a str, name: &'a str) -> DirectoryFuture<'a, Option<Arc<Role>>> {
        let roles = self.0.lock();
        let is_meant = |role: &&Role| role.arn.contains(account) && role.arn.ends_with(&format!("/{name}"));
        let found = roles.iter().find(is_meant).cloned().map(Arc::new);
        Box::pin(std::future::ready(Ok(found)))
    }

    fn managed_policy<'a>(&'a self, arn: &'a str) -> DirectoryFuture<'a, Option<NamedPolicy>> {
        let policy = Policy::parse(DOCUMENT, Kind::Identity).expect("a policy");
        let found = (arn == MANAGED).then(|| NamedPolicy { name: arn.into(), policy: Arc::new(policy) });
        Box::pin(std::future::ready(Ok(found)))
    }

    fn used(&self, _: &str, _: &'static str, _: &str) {}

    fn role_used(&self, _: &str, _: &str, _: &'static str, _: &str) {}
}

fn root() -> Principal {
    Principal::Root { account: ACCOUNT.to_owned() }
}

fn user() -> Principal {
    Principal::User {
        account: ACCOUNT.to_owned(),
        name: "alice".to_owned(),
        path: "/staff/".to_owned(),
        user_id: "AIDAALICE".to_owned(),
        facts: None,
    }
}

fn session(facts: SessionFacts) -> Principal {
    Principal::Session {
        account: ACCOUNT.to_owned(),
        role: "first".to_owned(),
        role_id: "AROAFIRST".to_owned(),
        session: "run".to_owned(),
        facts: Arc::new(facts),
    }
}

fn tag(key: &str, value: &str) -> api::sts::Tag {
    api::sts::Tag { key: key.to_owned(), value: value.to_owned(), ..Default::default() }
}
