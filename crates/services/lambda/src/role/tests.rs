//! Which roles functions may have, and as whom they run.

use std::sync::Mutex;

use api::lambda;
use platform::directory::{Directory, DirectoryFuture, NamedPolicy};
use platform::{AccessKey, Permissions};

use super::*;
use crate::testing::{ACCOUNT, Bench, id, request, said};

const TRUSTING: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"Service":"lambda.amazonaws.com"}}}"#;
const OTHERS: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"Service":"ec2.amazonaws.com"}}}"#;

/// Roles that come and go.
#[derive(Default)]
struct Roles(Mutex<Vec<Role>>);

impl Roles {
    fn put(&self, path: &str, name: &str, id: &str, trust: &str) {
        let role = Role {
            arn: format!("arn:aws:iam::{ACCOUNT}:role{path}{name}"),
            path: path.to_owned(),
            id: id.to_owned(),
            trust: trust.into(),
            session_seconds_max: 3_600,
            tags: Vec::new(),
        };
        let mut roles = self.0.lock().unwrap();
        roles.retain(|known| known.arn != role.arn);
        roles.push(role);
    }

    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl Directory for Roles {
    fn access_key<'a>(&'a self, _: &'a str) -> DirectoryFuture<'a, Option<AccessKey>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn permissions<'a>(&'a self, _: &'a Principal) -> DirectoryFuture<'a, Option<Arc<Permissions>>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn role<'a>(&'a self, _: &'a str, name: &'a str) -> DirectoryFuture<'a, Option<Arc<Role>>> {
        let roles = self.0.lock().unwrap();
        let found = roles.iter().find(|role| role.arn.ends_with(&format!("/{name}"))).cloned().map(Arc::new);
        Box::pin(std::future::ready(Ok(found)))
    }

    fn managed_policy<'a>(&'a self, _: &'a str) -> DirectoryFuture<'a, Option<NamedPolicy>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn used(&self, _: &str, _: &'static str, _: &str) {}

    fn role_used(&self, _: &str, _: &str, _: &'static str, _: &str) {}
}

fn bench(mode: Mode) -> (Bench, Arc<Roles>) {
    let bench = Bench::with_mode(mode);
    let roles = Arc::<Roles>::default();
    bench.lambda.platform.install_directory(Arc::clone(&roles) as Arc<dyn Directory>);
    (bench, roles)
}

fn with_role(name: &str, role: &str) -> lambda::CreateFunctionRequest {
    lambda::CreateFunctionRequest { role: role.to_owned(), ..request(name) }
}

async fn session_of(bench: &Bench, name: &str) -> Result<Principal, Error> {
    let version = bench.lambda.functions.version(&id(name), crate::Version::Latest).await.unwrap().unwrap().described;
    session(&bench.lambda.platform, &version).await
}

const WORKER: &str = "arn:aws:iam::111122223333:role/service/worker";
const REFUSED: &str = "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.";

#[tokio::test]
async fn verified_platforms_take_only_roles_that_exist_and_trust_lambda() {
    let (bench, roles) = bench(Mode::Verify);
    let create = async |name: &str, role: &str| bench.call::<lambda::CreateFunction>(with_role(name, role)).await;
    assert_eq!(said(create("greet", WORKER).await), REFUSED);
    roles.put("/service/", "worker", "AROAFIRST", OTHERS);
    assert_eq!(said(create("greet", WORKER).await), REFUSED);
    roles.put("/service/", "worker", "AROAFIRST", TRUSTING);
    assert_eq!(said(create("greet", "arn:aws:iam::111122223333:role/worker").await), REFUSED, "the path counts");
    let foreign = said(create("greet", "arn:aws:iam::999999999999:role/service/worker").await);
    assert_eq!(foreign, "AccessDeniedException: Cross-account pass role is not allowed.");
    create("greet", WORKER).await.unwrap();
    bench.settle("greet").await;
    let change = lambda::UpdateFunctionConfigurationRequest {
        function_name: "greet".to_owned(),
        role: Some("arn:aws:iam::111122223333:role/nobody".to_owned()),
        ..Default::default()
    };
    assert_eq!(said(bench.call::<lambda::UpdateFunctionConfiguration>(change).await), REFUSED);
}

#[tokio::test]
async fn a_function_runs_as_its_roles_session_until_the_role_is_gone() {
    let (bench, roles) = bench(Mode::Open);
    roles.put("/service/", "worker", "AROAFIRST", TRUSTING);
    bench.call::<lambda::CreateFunction>(with_role("greet", WORKER)).await.unwrap();
    let identity = session_of(&bench, "greet").await.unwrap();
    assert_eq!(identity.arn(), "arn:aws:sts::111122223333:assumed-role/worker/greet");
    assert_eq!(identity.identity_arn(), WORKER);
    assert_eq!(identity.user_id(), "AROAFIRST:greet");
    let facts = identity.facts().unwrap();
    assert_eq!(facts.source_function_arn.as_deref(), Some("arn:aws:lambda:eu-west-1:111122223333:function:greet"));
    assert!(!identity.acts_as_root());
    let gone = "AccessDeniedException: The role defined for the function cannot be assumed by Lambda.";
    roles.put("/service/", "worker", "AROAFIRST", OTHERS);
    assert_eq!(said(session_of(&bench, "greet").await), gone);
    roles.clear();
    assert_eq!(said(session_of(&bench, "greet").await), gone, "in open mode too: there was a role");
}

#[tokio::test]
async fn in_open_mode_the_root_may_invent_roles_and_nobody_else() {
    let (bench, roles) = bench(Mode::Open);
    roles.put("/", "limited", "AROALIMITED", TRUSTING);
    let foreign = "arn:aws:iam::123456789012:role/invented";
    for (name, role) in [("one", WORKER), ("two", foreign)] {
        bench.call::<lambda::CreateFunction>(with_role(name, role)).await.unwrap();
        let identity = session_of(&bench, name).await.unwrap();
        assert!(identity.acts_as_root());
        assert_eq!(identity.account(), Some(ACCOUNT));
    }
    let limited = Principal::Session {
        account: ACCOUNT.to_owned(),
        role: "limited".to_owned(),
        role_id: "AROALIMITED".to_owned(),
        session: "run".to_owned(),
        facts: Arc::default(),
    };
    let cx = bench.context_of(limited);
    assert_eq!(said(check(&cx, WORKER, "arn").await), REFUSED);
    assert!(check(&cx, "arn:aws:iam::111122223333:role/limited", "arn").await.unwrap());
}

#[tokio::test]
async fn a_role_needs_the_right_to_send_to_dead_letters_and_destinations() {
    let (bench, roles) = bench(Mode::Open);
    let queue = "arn:aws:sqs:eu-west-1:111122223333:letters";
    let letters = |target: &str| Some(lambda::DeadLetterConfig { target_arn: Some(target.to_owned()) });
    let with_letters = |name: &str, target: &str| lambda::CreateFunctionRequest {
        dead_letter_config: letters(target),
        ..with_role(name, WORKER)
    };
    bench.call::<lambda::CreateFunction>(with_letters("invented", queue)).await.unwrap();
    roles.put("/service/", "worker", "AROAFIRST", TRUSTING);
    let lacks = "InvalidParameterValueException: The provided execution role does not have permissions to call";
    for (target, call) in
        [(queue, "SendMessage on SQS"), ("arn:aws:sns:eu-west-1:111122223333:topic", "Publish on SNS")]
    {
        let text = said(bench.call::<lambda::CreateFunction>(with_letters("greet", target)).await);
        assert_eq!(text, format!("{lacks} {call}"));
    }
    bench.call::<lambda::CreateFunction>(with_role("greet", WORKER)).await.unwrap();
    bench.settle("greet").await;
    let change = lambda::UpdateFunctionConfigurationRequest {
        function_name: "greet".to_owned(),
        dead_letter_config: letters(queue),
        ..Default::default()
    };
    let text = said(bench.call::<lambda::UpdateFunctionConfiguration>(change).await);
    assert_eq!(text, format!("{lacks} SendMessage on SQS"));
    let on_failure = Some(lambda::OnFailure { destination: Some(queue.to_owned()) });
    let config = lambda::PutFunctionEventInvokeConfigRequest {
        function_name: "greet".to_owned(),
        destination_config: Some(lambda::DestinationConfig { on_failure, ..Default::default() }),
        ..Default::default()
    };
    let expected = format!(
        "InvalidParameterValueException: The function's execution role does not have permissions to call SendMessage \
         on {queue}"
    );
    assert_eq!(said(bench.call::<lambda::PutFunctionEventInvokeConfig>(config).await), expected);
}

#[tokio::test]
async fn environments_keep_the_identity_they_began_with() {
    let (bench, roles) = bench(Mode::Open);
    bench.call::<lambda::CreateFunction>(with_role("greet", WORKER)).await.unwrap();
    let platform = &bench.lambda.platform;
    let version =
        bench.lambda.functions.version(&id("greet"), crate::Version::Latest).await.unwrap().unwrap().described;
    let end = platform.clock.now().seconds + 12 * 3_600;
    let current = async |identity: &Principal| is_current(platform, &version, identity, end).await.unwrap();
    let unconfined = session(platform, &version).await.unwrap();
    assert!(current(&unconfined).await);
    roles.put("/service/", "worker", "AROAFIRST", TRUSTING);
    assert!(!current(&unconfined).await, "the role was created: its rights count from now on");
    let first = session(platform, &version).await.unwrap();
    assert!(current(&first).await && !first.acts_as_root());
    roles.put("/service/", "worker", "AROASECOND", TRUSTING);
    assert!(!current(&first).await, "another role of the same name");
    let second = session(platform, &version).await.unwrap();
    bench.clock.advance(Duration::from_secs(11 * 3_600));
    assert!(current(&second).await);
    bench.clock.advance(Duration::from_secs(1));
    assert!(!current(&second).await, "its credentials would end too soon");
}
