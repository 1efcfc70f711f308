//! Becoming a role's session.

use api::sts::{self, AssumeRoleRequest, AssumeRoleResponse, PolicyDescriptorType};
use wire::Error;

use super::*;
use crate::sts::assume_role::assume_role;

fn request(role_arn: &str) -> AssumeRoleRequest {
    AssumeRoleRequest { role_arn: role_arn.to_owned(), role_session_name: "work".to_owned(), ..Default::default() }
}

impl Bench {
    async fn assume(&self, principal: Principal, input: AssumeRoleRequest) -> Result<AssumeRoleResponse, Error> {
        assume_role(&self.sts, &self.cx::<sts::AssumeRole>(principal), input).await
    }

    async fn refused(&self, principal: Principal, input: AssumeRoleRequest) -> String {
        self.assume(principal, input).await.expect_err("refused").to_string()
    }
}

#[tokio::test]
async fn a_session_is_named_after_role_and_request() {
    let bench = Bench::new();
    let arn = bench.role("/teams/", "worker", 3_600);
    let answer = bench.assume(user(), request(&arn)).await.expect("assumed");
    let named = answer.assumed_role_user.expect("named");
    assert_eq!(named.arn, "arn:aws:sts::111122223333:assumed-role/worker/work");
    assert_eq!(named.assumed_role_id, "AROAWORKER:work");
    assert_eq!((answer.packed_policy_size, answer.source_identity), (None, None));
    let credentials = answer.credentials.expect("given");
    assert_eq!(credentials.expiration.seconds, START + 3_600);
    let holder = bench.holder(&credentials);
    assert_eq!(holder.identity_arn(), arn);
    assert_eq!(holder.facts().expect("a session").issued_at, START);
}

#[tokio::test]
async fn all_that_was_asked_for_is_in_the_session() {
    let bench = Bench::new();
    let arn = bench.role("/", "worker", 43_200);
    let asked = AssumeRoleRequest {
        duration_seconds: Some(43_200),
        policy: Some(DOCUMENT.to_owned()),
        policy_arns: Some(vec![PolicyDescriptorType { arn: Some(MANAGED.to_owned()) }]),
        tags: Some(vec![tag("team", "blue"), tag("stage", "test")]),
        transitive_tag_keys: Some(vec!["team".to_owned()]),
        source_identity: Some("alice".to_owned()),
        ..request(&arn)
    };
    let answer = bench.assume(user(), asked).await.expect("assumed");
    assert!(answer.packed_policy_size.is_some_and(|percent| (1..100).contains(&percent)));
    assert_eq!(answer.source_identity.as_deref(), Some("alice"));
    let credentials = answer.credentials.expect("given");
    assert_eq!(credentials.expiration.seconds, START + 43_200);
    let holder = bench.holder(&credentials);
    let facts = holder.facts().expect("a session");
    assert_eq!(facts.policy.as_deref(), Some(DOCUMENT));
    assert_eq!(facts.policy_arns, [MANAGED]);
    assert_eq!(facts.tags.len(), 2);
    assert_eq!(facts.transitive_tag_keys, ["team"]);

    // What is transitive goes on to the next session, what is not stays behind.
    let next = bench.assume(holder, request(&bench.role("/", "next", 3_600))).await.expect("assumed");
    assert_eq!(next.source_identity.as_deref(), Some("alice"));
    let holder = bench.holder(&next.credentials.expect("given"));
    let facts = holder.facts().expect("a session");
    assert_eq!(facts.tags, [("team".to_owned(), "blue".to_owned())]);
    assert_eq!((facts.transitive_tag_keys.as_slice(), &facts.policy), (&["team".to_owned()][..], &None));
}

#[tokio::test]
async fn sessions_do_not_outlive_their_bounds() {
    let bench = Bench::new();
    let arn = bench.role("/", "worker", 7_200);
    let lasting = |seconds| AssumeRoleRequest { duration_seconds: Some(seconds), ..request(&arn) };
    bench.assume(user(), lasting(7_200)).await.expect("the role's own bound");
    assert_eq!(
        bench.refused(user(), lasting(7_201)).await,
        "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    );
    bench.assume(session(SessionFacts::default()), lasting(3_600)).await.expect("the bound of chains");
    assert_eq!(
        bench.refused(session(SessionFacts::default()), lasting(3_601)).await,
        "ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role \
         chaining."
    );
}

#[tokio::test]
async fn a_role_that_does_not_exist_is_denied_like_one_that_does_not_trust() {
    let bench = Bench::new();
    bench.role("/", "worker", 3_600);
    for arn in [
        "arn:aws:iam::111122223333:role/nobody",
        "arn:aws:iam::111122223333:role/path/worker",
        "arn:aws:iam::999999999999:role/worker",
        "arn:aws:iam::111122223333:user/worker",
    ] {
        let expected = format!(
            "AccessDeniedException: User: arn:aws:iam::111122223333:user/staff/alice is not authorized to perform: \
             sts:AssumeRole on resource: {arn}"
        );
        assert_eq!(bench.refused(user(), request(arn)).await, expected);
    }
    let malformed = bench.refused(user(), request("nothing-valid-in-here")).await;
    assert_eq!(malformed, "ValidationError: nothing-valid-in-here is invalid");
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let bench = Bench::new();
    let arn = bench.role("/", "worker", 3_600);
    let with = |edit: fn(&mut AssumeRoleRequest)| {
        let mut input = request(&arn);
        edit(&mut input);
        input
    };
    for (input, text) in [
        (with(|input| input.policy = Some("{}".to_owned())), "MalformedPolicyDocumentException: "),
        (
            with(|input| {
                let arn = Some("arn:aws:iam::111122223333:policy/none".to_owned());
                input.policy_arns = Some(vec![PolicyDescriptorType { arn }]);
            }),
            "ValidationError: Policy arn:aws:iam::111122223333:policy/none does not exist or is not attachable.",
        ),
        (
            with(|input| input.token_code = Some("123456".to_owned())),
            "AccessDeniedException: MultiFactorAuthentication failed with invalid MFA one time pass code. ",
        ),
        (
            with(|input| input.tags = Some(vec![tag("a", "1"), tag("A", "2")])),
            "InvalidParameterValue: Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        (
            with(|input| input.minimum_session_token_size = Some(100)),
            "ValidationError: Traca does not support MinimumSessionTokenSize of AssumeRole yet.",
        ),
        (
            with(|input| input.provided_contexts = Some(Vec::new())),
            "ValidationError: Traca does not support ProvidedContexts of AssumeRole yet.",
        ),
    ] {
        let said = bench.refused(user(), input).await;
        assert!(said.starts_with(text), "{said}");
    }
}

#[tokio::test]
async fn a_source_identity_stays_what_it_is() {
    let bench = Bench::new();
    let arn = bench.role("/", "worker", 3_600);
    let caller = || session(SessionFacts { source_identity: Some("alice".to_owned()), ..Default::default() });
    let asking = |name: &str| AssumeRoleRequest { source_identity: Some(name.to_owned()), ..request(&arn) };
    let answer = bench.assume(caller(), asking("alice")).await.expect("the same");
    assert_eq!(answer.source_identity.as_deref(), Some("alice"));
    let said = bench.refused(caller(), asking("bob")).await;
    assert!(said.contains("is not authorized to perform: sts:SetSourceIdentity"), "{said}");
}

#[tokio::test]
async fn federated_users_assume_no_roles() {
    let bench = Bench::new();
    let arn = bench.role("/", "worker", 3_600);
    let federated = Principal::FederatedUser {
        account: ACCOUNT.to_owned(),
        name: "bob".to_owned(),
        creator: Arc::new(user()),
        facts: Arc::default(),
    };
    let said = bench.refused(federated, request(&arn)).await;
    assert!(said.contains("federated-user/bob is not authorized to perform: sts:AssumeRole"), "{said}");
    bench.assume(root(), request(&arn)).await.expect("without `verify` a root is whoever calls");
}

#[tokio::test]
async fn what_does_not_fit_into_a_token_is_refused_with_its_size() {
    let bench = Bench::new();
    let arn = bench.role("/", "worker", 3_600);
    // Numbers that do not repeat are not packed much.
    let value = |at: u32| (0..24).map(|index| (at * 24 + index + 1).wrapping_mul(2_654_435_761).to_string()).collect();
    let values: Vec<String> = (0..50).map(value).collect();
    let tags = values.iter().enumerate().map(|(at, value)| tag(&format!("key-{at}"), value)).collect();
    let said = bench.refused(user(), AssumeRoleRequest { tags: Some(tags), ..request(&arn) }).await;
    assert!(said.starts_with("PackedPolicyTooLargeException: Packed size of session tags consumes "), "{said}");
    assert!(said.ends_with("% of allotted space."), "{said}");
}
