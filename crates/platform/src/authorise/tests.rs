//! Calls of a service with a guard, decided by policies as clients meet them.

use std::collections::HashMap;
use std::sync::Arc;

use api::Empty;
use api::logs::{self, CreateLogGroupRequest};
use policy::{Kind, Policy};
use serde_json::json;
use wire::Error;
use wire::codec::Structure;
use wire::schema::Protocol;

use crate::testing::{ACCOUNT, NOW, REGION, TestPlatform};
use crate::{
    AccessKey, Authority, Call, Config, Ctx, Directory, DirectoryFuture, Enforcement, Facts, FactsFuture, Guard,
    NamedPolicy, Need, Permissions, Principal, Registration, Role, SessionFacts,
};

/// A group whose name says which facts its resource has.
const GROUP: &str = "arn:aws:logs:eu-west-1:111122223333:log-group:";

/// Another account.
const OTHER: &str = "444455556666";

/// Facts by the name of the group.
struct TestGuard(HashMap<&'static str, Facts>);

impl Guard for TestGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let members = crate::Members(input);
        let Some(name) = members.text("logGroupName").filter(|name| name != "unmapped") else { return Vec::new() };
        let tags = members.tags("tags");
        let arn = if name.starts_with("arn:") { name } else { format!("{GROUP}{name}") };
        let tags = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        Need::of_operation(cx, &arn).into_iter().map(|need| need.with_request_tags(tags.clone())).collect()
    }

    fn facts<'a>(&'a self, _: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        let name = need.resource.rsplit(':').next().unwrap_or_default();
        Box::pin(std::future::ready(Ok(self.0.get(name).cloned().unwrap_or_default())))
    }
}

/// Permissions by the name of the user or role.
#[derive(Default)]
struct TestDirectory(HashMap<String, Arc<Permissions>>);

impl Directory for TestDirectory {
    fn access_key<'a>(&'a self, _: &'a str) -> DirectoryFuture<'a, Option<AccessKey>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn permissions<'a>(&'a self, principal: &'a Principal) -> DirectoryFuture<'a, Option<Arc<Permissions>>> {
        let name = match principal {
            Principal::User { name, .. } | Principal::Session { role: name, .. } => name.as_str(),
            _ => "",
        };
        Box::pin(std::future::ready(Ok(self.0.get(name).cloned())))
    }

    fn role<'a>(&'a self, _: &'a str, _: &'a str) -> DirectoryFuture<'a, Option<Arc<Role>>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn managed_policy<'a>(&'a self, _: &'a str) -> DirectoryFuture<'a, Option<NamedPolicy>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn used(&self, _: &str, _: &'static str, _: &str) {}
}

/// A platform under test and how its next call is made.
#[derive(Default)]
struct Bench {
    directory: TestDirectory,
    facts: HashMap<&'static str, Facts>,
    enforcement: Enforcement,
}

impl Bench {
    fn new() -> Bench {
        Bench::default()
    }

    /// Gives a user or role a policy of one statement.
    fn allow(self, name: &str, action: &str, resource: &str, condition: serde_json::Value) -> Bench {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition});
        self.grant(name, &json!([statement]))
    }

    fn grant(mut self, name: &str, statements: &serde_json::Value) -> Bench {
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let policy = Policy::parse(&text, Kind::Identity).unwrap();
        let policy = NamedPolicy { name: Arc::from("inline:own"), policy: Arc::new(policy) };
        let tags = vec![("team".to_owned(), "blue".to_owned()), ("level".to_owned(), "7".to_owned())];
        let permissions = Permissions { policies: vec![policy], tags, ..Permissions::default() };
        self.directory.0.insert(name.to_owned(), Arc::new(permissions));
        self
    }

    /// Gives a group a policy of these statements.
    fn attach(mut self, group: &'static str, statements: &serde_json::Value) -> Bench {
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        self.facts.entry(group).or_default().policy = Some(Arc::from(text));
        self
    }

    fn with_facts(mut self, group: &'static str, facts: Facts) -> Bench {
        self.facts.insert(group, facts);
        self
    }

    /// Builds the platform.
    fn ready(self) -> Ready {
        let Bench { directory, facts, enforcement } = self;
        let config = Config { enforcement, ..Config::default() };
        let test = TestPlatform::configured(config, |_| {
            let mut registration = Registration::new(&logs::SERVICE);
            registration.add::<logs::CreateLogGroup, _, _>(|_, _| async move { Ok(Empty {}) });
            vec![registration.with_guard(Arc::new(TestGuard(facts)))]
        });
        test.platform.install_directory(Arc::new(directory));
        Ready { test }
    }
}

struct Ready {
    test: TestPlatform,
}

impl Ready {
    async fn create(&self, principal: &Principal, group: &str) -> Result<(), Error> {
        self.create_by(principal, group, &[], |_| {}).await
    }

    async fn create_by(
        &self,
        principal: &Principal,
        group: &str,
        tags: &[(&str, &str)],
        change: impl FnOnce(&mut Call),
    ) -> Result<(), Error> {
        let cx = self.test.context::<logs::CreateLogGroup>(principal.clone());
        let mut call = Call { protocol: Some(Protocol::Json), ..(*cx).clone() };
        change(&mut call);
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let input = CreateLogGroupRequest { log_group_name: group.to_owned(), tags: Some(tags), ..Default::default() };
        let needs = super::needs(&Ctx::new(call.clone()), &input);
        super::authorise(&Ctx::new(call), needs).await
    }

    async fn refusal(&self, principal: &Principal, group: &str) -> String {
        self.create(principal, group).await.unwrap_err().to_string()
    }

    fn last_denial(&self) -> serde_json::Value {
        self.test.platform.access.denials()[0].clone()
    }
}

fn root() -> Principal {
    Principal::Root { account: ACCOUNT.to_owned() }
}

fn user(name: &str) -> Principal {
    Principal::User {
        account: ACCOUNT.to_owned(),
        name: name.to_owned(),
        path: "/".to_owned(),
        user_id: "AIDAEXAMPLE".to_owned(),
        facts: None,
    }
}

fn session(facts: SessionFacts) -> Principal {
    Principal::Session {
        account: ACCOUNT.to_owned(),
        role: "worker".to_owned(),
        role_id: "AROAEXAMPLE".to_owned(),
        session: "run".to_owned(),
        facts: Arc::new(SessionFacts { issued_at: NOW / 1_000, ..facts }),
    }
}

fn service(account: &str, source_arn: &str) -> Principal {
    let source_arn = Some(source_arn.to_owned());
    Principal::Service { name: "s3.amazonaws.com", account: account.to_owned(), source_arn }
}

const ACTION: &str = "logs:CreateLogGroup";

#[tokio::test]
async fn a_user_without_policies_is_denied_in_awss_words_and_with_one_passes() {
    let ready = Bench::new().allow("alice", ACTION, &format!("{GROUP}app-*"), json!({})).ready();
    ready.create(&user("alice"), "app-1").await.unwrap();
    assert_eq!(
        ready.refusal(&user("alice"), "other").await,
        "AccessDeniedException: User: arn:aws:iam::111122223333:user/alice is not authorized to perform: \
         logs:CreateLogGroup on resource: arn:aws:logs:eu-west-1:111122223333:log-group:other because no \
         identity-based policy allows the logs:CreateLogGroup action"
    );
    let refusal = ready.refusal(&user("bob"), "app-1").await;
    assert!(refusal.ends_with("because no identity-based policy allows the logs:CreateLogGroup action"), "{refusal}");
    let nobody = ready.create(&Principal::Anonymous, "app-1").await.unwrap_err();
    assert!(nobody.is("MissingAuthenticationTokenException"), "{nobody}");
}

#[tokio::test]
async fn an_explicit_denial_is_said_and_its_statement_is_kept_for_the_operator() {
    let statements = json!([
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "NotThis", "Effect": "Deny", "Action": "logs:*", "Resource": "*"},
    ]);
    let ready = Bench::new().grant("alice", &statements).ready();
    let refusal = ready.refusal(&user("alice"), "x").await;
    assert!(refusal.ends_with("with an explicit deny in an identity-based policy"), "{refusal}");
    let denial = ready.last_denial();
    assert_eq!(denial["principal"], "arn:aws:iam::111122223333:user/alice");
    assert_eq!((&denial["action"], &denial["resource"]), (&json!(ACTION), &json!(format!("{GROUP}x"))));
    let reason = &denial["reason"];
    assert_eq!((&reason["kind"], &reason["policy"]), (&json!("explicit"), &json!("inline:own")));
    assert_eq!((&reason["statement"], &reason["sid"]), (&json!(1), &json!("NotThis")));
    assert_eq!(denial["context"]["aws:username"], json!(["alice"]));
}

#[tokio::test]
async fn what_is_missing_is_named_and_repeated_denials_count() {
    let ready = Bench::new().ready();
    for _ in 0..3 {
        ready.refusal(&user("alice"), "x").await;
    }
    ready.refusal(&user("bob"), "x").await;
    let denials = ready.test.platform.access.denials();
    assert_eq!(denials.as_array().unwrap().len(), 2);
    assert_eq!((&denials[1]["count"], &denials[1]["reason"]["missing"]), (&json!(3), &json!(ACTION)));
}

#[tokio::test]
async fn the_root_needs_no_policy_in_its_account_and_heeds_a_resources_denial() {
    let deny = json!([{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]);
    let open = json!([{"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "logs:*", "Resource": "*"}]);
    let ready = Bench::new().attach("closed", &deny).attach("shared", &open).ready();
    ready.create(&root(), "any").await.unwrap();
    ready.create(&root(), "unmapped").await.unwrap();
    let refusal = ready.refusal(&root(), "closed").await;
    assert!(refusal.ends_with("with an explicit deny in a resource-based policy"), "{refusal}");
    let stranger = Principal::Root { account: OTHER.to_owned() };
    let call = |call: &mut Call| call.account = ACCOUNT.to_owned();
    ready.create_by(&stranger, "shared", &[], call).await.unwrap();
    let refusal = ready.create_by(&stranger, "any", &[], call).await.unwrap_err().to_string();
    assert!(refusal.ends_with("because no resource-based policy allows the logs:CreateLogGroup action"), "{refusal}");
}

#[tokio::test]
async fn what_has_no_mapping_is_the_roots_alone() {
    let ready = Bench::new().allow("alice", "*", "*", json!({})).ready();
    let refusal = ready.refusal(&user("alice"), "unmapped").await;
    assert!(refusal.ends_with("is not authorized to perform: logs:CreateLogGroup"), "{refusal}");
    assert_eq!(ready.last_denial()["reason"]["kind"], "unmapped");
}

#[tokio::test]
async fn a_service_needs_the_resources_consent_for_that_source() {
    let source = "arn:aws:s3:::bucket";
    let statement = json!([{
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": ACTION,
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }]);
    let ready = Bench::new().attach("target", &statement).ready();
    ready.create(&service(ACCOUNT, source), "target").await.unwrap();
    ready.create(&service(ACCOUNT, "arn:aws:s3:::other"), "target").await.unwrap_err();
    ready.create(&service(ACCOUNT, source), "other").await.unwrap_err();
    let foreign = service(OTHER, source);
    ready.create_by(&foreign, "target", &[], |call| call.account = ACCOUNT.to_owned()).await.unwrap_err();
    ready.create(&service(ACCOUNT, source), "unmapped").await.unwrap_err();
}

#[tokio::test]
async fn a_resource_may_insist_that_its_own_policy_decides() {
    let account = json!([{
        "Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "logs:*", "Resource": "*",
    }]);
    let nobody = json!([{
        "Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "logs:*", "Resource": "*",
    }]);
    let insisting = || Facts { authority: Authority::Resource, ..Facts::default() };
    let bench = Bench::new().allow("alice", ACTION, "*", json!({}));
    let bench = bench.with_facts("delegating", insisting()).with_facts("closed", insisting());
    let ready = bench.attach("delegating", &account).attach("closed", &nobody).ready();
    ready.create(&user("alice"), "delegating").await.unwrap();
    ready.create(&user("bob"), "delegating").await.unwrap_err();
    ready.create(&user("alice"), "closed").await.unwrap_err();
    ready.create(&root(), "closed").await.unwrap_err();
}

#[tokio::test]
async fn a_damaged_resource_policy_denies_everybody() {
    let facts = Facts { policy: Some(Arc::from("{damaged")), ..Facts::default() };
    let ready = Bench::new().with_facts("damaged", facts).ready();
    ready.create(&root(), "damaged").await.unwrap_err();
}

#[tokio::test]
async fn a_session_is_narrowed_by_its_policies_and_an_unconfined_one_acts_as_root() {
    let narrow = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ACTION, "Resource": format!("{GROUP}mine")},
    ]});
    let ready = Bench::new().allow("worker", ACTION, "*", json!({})).ready();
    ready.create(&session(SessionFacts::default()), "any").await.unwrap();
    let narrowed = session(SessionFacts { policy: Some(narrow.to_string()), ..SessionFacts::default() });
    ready.create(&narrowed, "mine").await.unwrap();
    let refusal = ready.refusal(&narrowed, "any").await;
    assert!(refusal.ends_with("because no session policy allows the logs:CreateLogGroup action"), "{refusal}");
    let gone =
        session(SessionFacts { policy_arns: vec!["arn:aws:iam::aws:policy/Gone".to_owned()], ..Default::default() });
    ready.create(&gone, "any").await.unwrap_err();

    let unconfined = session(SessionFacts { is_unconfined: true, ..SessionFacts::default() });
    Bench::new().ready().create(&unconfined, "any").await.unwrap();
}

#[tokio::test]
async fn a_federated_user_may_what_its_creator_may_and_its_session_allows() {
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let federated = |creator: Principal, policy: Option<String>| Principal::FederatedUser {
        account: ACCOUNT.to_owned(),
        name: "guest".to_owned(),
        creator: Arc::new(creator),
        facts: Arc::new(SessionFacts { policy, ..SessionFacts::default() }),
    };
    let ready = Bench::new().allow("alice", ACTION, &format!("{GROUP}hers"), json!({})).ready();
    let all = Some(policy.to_string());
    ready.create(&federated(root(), all.clone()), "any").await.unwrap();
    ready.create(&federated(root(), None), "any").await.unwrap_err();
    ready.create(&federated(user("alice"), all.clone()), "hers").await.unwrap();
    ready.create(&federated(user("alice"), all), "any").await.unwrap_err();
}

#[tokio::test]
async fn audit_lets_pass_and_records_what_would_be_refused() {
    let ready = Bench { enforcement: Enforcement::Audit, ..Bench::new() }.ready();
    ready.create(&user("alice"), "x").await.unwrap();
    let denial = ready.last_denial();
    assert_eq!((&denial["passed"], &denial["reason"]["missing"]), (&json!(true), &json!(ACTION)));
    ready.create(&Principal::Anonymous, "x").await.unwrap_err();
    let policy = ready.test.platform.access.least_policy("arn:aws:iam::111122223333:user/alice").unwrap();
    assert_eq!(policy["Statement"][0]["Resource"], json!([format!("{GROUP}x")]));
}

/// A condition, what is changed about the call, and whether it then holds.
type Case = (serde_json::Value, fn(&mut Call), bool);

#[tokio::test]
async fn global_condition_keys_have_awss_values() {
    let facts = Facts { tags: vec![("stage".to_owned(), "prod".to_owned())], ..Facts::default() };
    let unchanged: fn(&mut Call) = |_| {};
    let cases: Vec<Case> = vec![
        (json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), |call| call.source_ip = "10.1.2.3".parse().ok(), true),
        (json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), |call| call.source_ip = "11.1.2.3".parse().ok(), false),
        (json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), unchanged, false),
        (json!({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}), unchanged, true),
        (json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:user/alice"}}), unchanged, true),
        (json!({"StringEquals": {"aws:PrincipalType": "User"}}), unchanged, true),
        (json!({"StringEquals": {"aws:PrincipalTag/team": "blue"}}), unchanged, true),
        (json!({"StringEquals": {"aws:PrincipalTag/team": "red"}}), unchanged, false),
        (json!({"StringEquals": {"aws:ResourceTag/stage": "prod"}}), unchanged, true),
        (json!({"StringEquals": {"aws:RequestTag/cost": "low"}}), unchanged, true),
        (json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["cost", "owner"]}}), unchanged, true),
        (json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["owner"]}}), unchanged, false),
        (json!({"DateGreaterThan": {"aws:CurrentTime": "2025-06-15T15:06:39Z"}}), unchanged, true),
        (json!({"DateLessThan": {"aws:CurrentTime": "2025-06-15T15:06:39Z"}}), unchanged, false),
        (json!({"NumericEquals": {"aws:EpochTime": NOW / 1_000}}), unchanged, true),
        (json!({"Bool": {"aws:SecureTransport": "false"}}), unchanged, true),
        (json!({"Bool": {"aws:SecureTransport": "true"}}), |call| call.origin.is_secure = true, true),
        (json!({"Bool": {"aws:SecureTransport": "true"}}), |call| call.protocol = None, true),
        (json!({"StringEquals": {"aws:RequestedRegion": REGION}}), unchanged, true),
        (json!({"StringEquals": {"aws:userid": "AIDAEXAMPLE"}}), unchanged, true),
        (json!({"StringEquals": {"aws:username": "alice"}}), unchanged, true),
        (json!({"StringLike": {"aws:UserAgent": "Boto*"}}), |call| call.user_agent = Some("Boto3/1".to_owned()), true),
        (json!({"StringEquals": {"aws:Referer": "x"}}), |call| call.origin.referer = Some("x".to_owned()), true),
        (json!({"Null": {"aws:MultiFactorAuthPresent": "true"}}), unchanged, true),
        (json!({"Null": {"aws:TokenIssueTime": "true"}}), unchanged, true),
        (json!({"Bool": {"aws:PrincipalIsAWSService": "false"}}), unchanged, true),
        (json!({"Bool": {"aws:ViaAWSService": "false"}}), unchanged, true),
        (json!({"Bool": {"aws:ViaAWSService": "true"}}), |call| call.origin.via = vec!["ssm"], true),
        (
            json!({"ForAnyValue:StringEquals": {"aws:CalledVia": "ssm.amazonaws.com"}}),
            |call| call.origin.via = vec!["cloudformation", "ssm"],
            true,
        ),
        (
            json!({"StringEquals": {
                "aws:CalledViaFirst": "cloudformation.amazonaws.com",
                "aws:CalledViaLast": "ssm.amazonaws.com",
            }}),
            |call| call.origin.via = vec!["cloudformation", "ssm"],
            true,
        ),
        (json!({"StringEquals": {"aws:ResourceAccount": ACCOUNT}}), unchanged, true),
    ];
    for (condition, change, holds) in cases {
        let bench = Bench::new().with_facts("x", facts.clone()).allow("alice", ACTION, "*", condition.clone());
        let outcome = bench.ready().create_by(&user("alice"), "x", &[("cost", "low")], change).await;
        assert_eq!(outcome.is_ok(), holds, "{condition}");
    }
}

#[tokio::test]
async fn a_sessions_own_condition_keys_are_those_of_its_credentials() {
    let facts = SessionFacts {
        tags: vec![("team".to_owned(), "red".to_owned())],
        source_identity: Some("carol".to_owned()),
        mfa_at: Some(NOW / 1_000 - 60),
        federated_provider: Some("arn:aws:iam::111122223333:oidc-provider/id.example".to_owned()),
        federated_claims: vec![("id.example:sub".to_owned(), vec!["42".to_owned()])],
        source_function_arn: Some("arn:aws:lambda:eu-west-1:111122223333:function:f".to_owned()),
        ..SessionFacts::default()
    };
    for (condition, holds) in [
        (json!({"StringEquals": {"aws:PrincipalTag/team": "red"}}), true),
        (json!({"StringEquals": {"aws:PrincipalTag/team": "blue"}}), false),
        (json!({"StringEquals": {"aws:PrincipalTag/level": "7"}}), true),
        (json!({"StringEquals": {"aws:SourceIdentity": "carol"}}), true),
        (json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}), true),
        (json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "61"}}), true),
        (json!({"StringLike": {"aws:FederatedProvider": "*/id.example"}}), true),
        (json!({"StringEquals": {"id.example:sub": "42"}}), true),
        (json!({"ArnLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:*:*:function:f"}}), true),
        (json!({"DateEquals": {"aws:TokenIssueTime": "2025-06-15T15:06:40Z"}}), true),
        (json!({"StringEquals": {"aws:userid": "AROAEXAMPLE:run"}}), true),
        (json!({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}), true),
        (json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/worker"}}), true),
        (json!({"Null": {"aws:username": "true"}}), true),
    ] {
        let ready = Bench::new().allow("worker", ACTION, "*", condition.clone()).ready();
        let outcome = ready.create(&session(facts.clone()), "x").await;
        assert_eq!(outcome.is_ok(), holds, "{condition}");
    }
}
