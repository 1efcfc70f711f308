//! "Policy evaluation logic", "Permissions boundaries", "Session policies", "Cross-account policy evaluation logic" and
//! "AWS JSON policy elements: Principal" of the IAM User Guide; "Key policies" of the KMS Developer Guide.

use traca_policy::{Authority, Caller, Context, Denial, Grant, Kind, Layer, Policies, Request, Verdict, decide};

use crate::support::{
    ACCOUNT, FEDERATED_USER, OTHER_ACCOUNT, ROOT, SERVICE, SESSION, USER, decide_for, decide_in, identity, named,
    resource,
};

const ALLOW: &str = r#"{"Sid": "Open", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;
const DENY: &str = r#"{"Sid": "Shut", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#;
const ELSEWHERE: &str = r#"{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}"#;

/// A resource policy's statement for some principal.
fn for_principal(effect: &str, principal: &str) -> String {
    format!(r#"{{"Sid": "Door", "Effect": "{effect}", "Principal": {principal}, "Action": "s3:*", "Resource": "*"}}"#)
}

/// What decided: `Ok` with the layer of the statement that allows, `Err` with the phrase of the denial.
fn reason(verdict: &Verdict) -> Result<&'static str, String> {
    match verdict {
        Verdict::Allowed(Grant::Root) => Ok("root"),
        Verdict::Allowed(Grant::Service) => Ok("service"),
        Verdict::Allowed(Grant::Statement(statement)) => Ok(match statement.layer {
            Layer::Identity => "identity",
            Layer::Boundary => "boundary",
            Layer::Session => "session",
            Layer::Resource => "resource",
            Layer::RoleTrust => "trust",
        }),
        Verdict::Denied(denial) => Err(denial.phrase("s3:GetObject")),
    }
}

fn implicit(layer: &str) -> Result<&'static str, String> {
    Err(format!("because no {layer} allows the s3:GetObject action"))
}

#[test]
fn identity_policies_boundary_and_session_policies_all_have_to_allow() {
    let (allow, deny, elsewhere) = ([identity(ALLOW)], [identity(DENY)], [identity(ELSEWHERE)]);
    let denied = |layer: &str| Err(format!("with an explicit deny in {layer}"));
    let cases = [
        (&allow, None, None, Ok("identity")),
        (&elsewhere, None, None, implicit("identity-based policy")),
        (&deny, None, None, denied("an identity-based policy")),
        (&allow, Some(&allow), None, Ok("identity")),
        (&allow, Some(&elsewhere), None, implicit("permissions boundary")),
        (&allow, Some(&deny), None, denied("a permissions boundary")),
        (&elsewhere, Some(&allow), None, implicit("identity-based policy")),
        (&allow, None, Some(&allow[..]), Ok("identity")),
        (&allow, None, Some(&elsewhere[..]), implicit("session policy")),
        (&allow, None, Some(&deny[..]), denied("a session policy")),
        (&allow, None, Some(&[][..]), implicit("session policy")),
        (&elsewhere, None, Some(&allow[..]), implicit("identity-based policy")),
        (&allow, Some(&allow), Some(&allow[..]), Ok("identity")),
        (&allow, Some(&elsewhere), Some(&allow[..]), implicit("permissions boundary")),
    ];
    for (place, (identity, boundary, session, expected)) in cases.iter().enumerate() {
        let boundary = boundary.map(|boundary| &boundary[0]);
        let policies = Policies { identity: *identity, boundary, session: *session, ..Policies::default() };
        assert_eq!(reason(&decide_for(SESSION, &policies)), *expected, "case {place}");
    }
}

#[test]
fn no_policy_at_all_is_a_denial() {
    for caller in [USER, SESSION, FEDERATED_USER] {
        assert_eq!(reason(&decide_for(caller, &Policies::default())), implicit("identity-based policy"));
    }
    for caller in [SERVICE, Caller::Anonymous, Caller::Federated { provider: "accounts.google.com" }] {
        assert_eq!(reason(&decide_for(caller, &Policies::default())), implicit("resource-based policy"));
    }
}

#[test]
fn a_verdict_names_the_statement() {
    let policies = [identity(ELSEWHERE), identity(ALLOW)];
    let policies = Policies { identity: &policies, ..Policies::default() };
    let Verdict::Allowed(Grant::Statement(statement)) = decide_for(USER, &policies) else { panic!("denied") };
    assert_eq!((&*statement.policy, statement.index, statement.sid.as_deref()), ("Identity", 0, Some("Open")));
    let both = named(Kind::Managed, &format!(r#"{{"Version": "2012-10-17", "Statement": [{ALLOW}, {DENY}]}}"#));
    let policies = Policies { boundary: Some(&both), ..Policies::default() };
    let Verdict::Denied(Denial::Explicit(statement)) = decide_for(USER, &policies) else { panic!("not denied") };
    assert_eq!((statement.layer, statement.index, statement.sid.as_deref()), (Layer::Boundary, 1, Some("Shut")));
}

const OTHER_USER: Caller<'static> = Caller::User {
    account: OTHER_ACCOUNT,
    arn: "arn:aws:iam::444455556666:user/division/ana",
    id: "AIDAOTHERN7EXAMPLE",
};
const OTHER_SERVICE: Caller<'static> = Caller::Service { name: "sns.amazonaws.com" };

/// Who is named, who calls, and how far that reaches in the account of the resource: `None` not at all, `account` leaves
/// it to identity policies, `origin` within boundary and session policies, `itself` whatever those leave unsaid.
const PRINCIPALS: &[(&str, Caller<'static>, Option<&str>)] = &[
    (r#""*""#, USER, Some("itself")),
    (r#""*""#, SESSION, Some("itself")),
    (r#""*""#, ROOT, Some("itself")),
    (r#""*""#, Caller::Anonymous, Some("itself")),
    (r#""*""#, SERVICE, Some("itself")),
    (r#"{"AWS": "*"}"#, USER, Some("itself")),
    (r#"{"AWS": "*"}"#, Caller::Anonymous, Some("itself")),
    (r#"{"AWS": "111122223333"}"#, USER, Some("account")),
    (r#"{"AWS": "111122223333"}"#, ROOT, Some("itself")),
    (r#"{"AWS": "111122223333"}"#, Caller::Anonymous, None),
    (r#"{"AWS": "111122223333"}"#, SERVICE, None),
    (r#"{"AWS": "111122223333"}"#, OTHER_USER, None),
    (r#"{"AWS": "arn:aws:iam::111122223333:root"}"#, USER, Some("account")),
    (r#"{"AWS": "arn:aws:iam::111122223333:root"}"#, SESSION, Some("account")),
    (r#"{"AWS": "arn:aws:iam::111122223333:root"}"#, FEDERATED_USER, Some("account")),
    (r#"{"AWS": "arn:aws:iam::444455556666:root"}"#, USER, None),
    (r#"{"AWS": "arn:aws:iam::111122223333:user/division/ana"}"#, USER, Some("itself")),
    (r#"{"AWS": "arn:aws:iam::111122223333:user/ana"}"#, USER, None),
    (r#"{"AWS": "arn:aws:iam::111122223333:user/division/ana"}"#, FEDERATED_USER, Some("origin")),
    (r#"{"AWS": "arn:aws:sts::111122223333:federated-user/guest"}"#, FEDERATED_USER, Some("itself")),
    (r#"{"AWS": "arn:aws:sts::111122223333:federated-user/host"}"#, FEDERATED_USER, None),
    (r#"{"AWS": "arn:aws:iam::111122223333:role/service/worker"}"#, SESSION, Some("origin")),
    (r#"{"AWS": "arn:aws:iam::111122223333:role/worker"}"#, SESSION, None),
    (r#"{"AWS": "arn:aws:sts::111122223333:assumed-role/worker/run"}"#, SESSION, Some("itself")),
    (r#"{"AWS": "arn:aws:sts::111122223333:assumed-role/worker/other"}"#, SESSION, None),
    (r#"{"AWS": "AIDAIOSFODNN7EXAMPLE"}"#, USER, Some("itself")),
    (r#"{"AWS": "AIDAIOSFODNN7ANOTHER"}"#, USER, None),
    (r#"{"AWS": "AROAIOSFODNN7EXAMPLE"}"#, SESSION, Some("origin")),
    (
        r#"{"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/division/ana"]}"#,
        USER,
        Some("itself"),
    ),
    (r#"{"Service": "s3.amazonaws.com"}"#, SERVICE, Some("itself")),
    (r#"{"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]}"#, SERVICE, Some("itself")),
    (r#"{"Service": "s3.amazonaws.com"}"#, OTHER_SERVICE, None),
    (r#"{"Service": "s3.amazonaws.com"}"#, USER, None),
    (r#"{"Service": "s3.amazonaws.com", "AWS": "111122223333"}"#, USER, Some("account")),
    (
        r#"{"Federated": "cognito-identity.amazonaws.com"}"#,
        Caller::Federated { provider: "cognito-identity.amazonaws.com" },
        Some("itself"),
    ),
    (r#"{"Federated": "accounts.google.com"}"#, Caller::Federated { provider: "www.amazon.com" }, None),
];

#[test]
fn principals_of_resource_policies() {
    let elsewhere = [identity(ELSEWHERE)];
    let allow = [identity(ALLOW)];
    for (principal, caller, reach) in PRINCIPALS {
        let door = resource(&for_principal("Allow", principal));
        // The key policy's reading, so that the account's root is subject to it as well.
        let with = Policies { resource: Some(&door), authority: Authority::Resource, ..Policies::default() };
        let account = if caller.account() == Some(OTHER_ACCOUNT) { OTHER_ACCOUNT } else { ACCOUNT };
        let decide = |policies: &Policies<'_>| decide_in(*caller, account, policies).is_allowed();
        let limited = Policies { boundary: Some(&elsewhere[0]), session: Some(&elsewhere), ..with };
        let within = Policies { boundary: Some(&allow[0]), session: Some(&allow), ..with };
        let allowed_anyway = Policies { identity: &allow, ..with };
        assert_eq!(decide(&limited), *reach == Some("itself"), "limited: {principal}, {caller:?}");
        assert_eq!(decide(&within), matches!(*reach, Some("itself" | "origin")), "within: {principal}, {caller:?}");
        assert_eq!(decide(&allowed_anyway), reach.is_some(), "anyway: {principal}, {caller:?}");
        let shut = resource(&for_principal("Deny", principal));
        let shut = Policies { identity: &allow, resource: Some(&shut), ..Policies::default() };
        if reach.is_some() {
            let phrase = Err("with an explicit deny in a resource-based policy".to_owned());
            assert_eq!(reason(&decide_in(*caller, account, &shut)), phrase, "shut: {principal}, {caller:?}");
        }
    }
}

/// A listed account exempts nobody in it who is not listed too, nor the other way round.
#[test]
fn not_principal_exempts_who_is_listed_with_account_and_role() {
    let cases: &[(&str, Caller<'_>, bool)] = &[
        (r#"["arn:aws:iam::111122223333:user/division/ana", "111122223333"]"#, USER, true),
        (r#"["arn:aws:iam::111122223333:user/division/ana"]"#, USER, false),
        (r#"["111122223333"]"#, USER, false),
        (r#"["111122223333"]"#, ROOT, true),
        (r#"["444455556666"]"#, ROOT, false),
        (
            r#"["111122223333", "arn:aws:iam::111122223333:role/service/worker", "arn:aws:sts::111122223333:assumed-role/worker/run"]"#,
            SESSION,
            true,
        ),
        (r#"["111122223333", "arn:aws:iam::111122223333:role/service/worker"]"#, SESSION, false),
        (r#"["111122223333"]"#, Caller::Anonymous, false),
        (r#"["111122223333"]"#, SERVICE, false),
    ];
    for (principals, caller, exempt) in cases {
        let shut = format!(
            r#"{{"Version": "2012-10-17", "Statement": [
                {{"Effect": "Deny", "NotPrincipal": {{"AWS": {principals}}}, "Action": "*", "Resource": "*"}},
                {{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}
            ]}}"#
        );
        let shut = named(Kind::Resource(crate::support::ANY_SERVICE), &shut);
        let policies = Policies { resource: Some(&shut), ..Policies::default() };
        assert_eq!(decide_for(*caller, &policies).is_allowed(), *exempt, "{principals} for {caller:?}");
    }
}

/// "Permissions boundaries for IAM entities", on resource-based policies.
#[test]
fn not_principal_spares_nobody_who_has_a_boundary() {
    let shut = resource(
        r#"{"Effect": "Deny", "NotPrincipal": {"AWS": ["arn:aws:iam::111122223333:user/division/ana", "111122223333"]},
            "Action": "*", "Resource": "*"}"#,
    );
    let allow = [identity(ALLOW)];
    let policies = Policies { identity: &allow, resource: Some(&shut), ..Policies::default() };
    assert!(decide_for(USER, &policies).is_allowed());
    assert!(!decide_for(USER, &Policies { boundary: Some(&allow[0]), ..policies }).is_allowed());
}

#[test]
fn across_accounts_both_sides_have_to_allow() {
    let allow = [identity(ALLOW)];
    let elsewhere = [identity(ELSEWHERE)];
    for principal in [
        r#""*""#,
        r#"{"AWS": "111122223333"}"#,
        r#"{"AWS": "arn:aws:iam::111122223333:role/service/worker"}"#,
        r#"{"AWS": "arn:aws:sts::111122223333:assumed-role/worker/run"}"#,
    ] {
        let door = resource(&for_principal("Allow", principal));
        let open = Policies { identity: &allow, resource: Some(&door), ..Policies::default() };
        let decide = |policies: &Policies<'_>| reason(&decide_in(SESSION, OTHER_ACCOUNT, policies));
        assert_eq!(decide(&open), Ok("identity"), "{principal}");
        assert_eq!(decide(&Policies { identity: &[], ..open }), implicit("identity-based policy"), "{principal}");
        assert_eq!(decide(&Policies { resource: None, ..open }), implicit("resource-based policy"), "{principal}");
        let bounded = Policies { boundary: Some(&elsewhere[0]), ..open };
        assert_eq!(decide(&bounded), implicit("permissions boundary"), "{principal}");
        assert_eq!(decide(&Policies { session: Some(&elsewhere), ..open }), implicit("session policy"), "{principal}");
        assert_eq!(
            reason(&decide_in(ROOT, OTHER_ACCOUNT, &open)).is_ok(),
            !principal.contains("worker"),
            "{principal}"
        );
        assert!(
            decide_in(ROOT, OTHER_ACCOUNT, &Policies::default()) == Verdict::Denied(Denial::Implicit(Layer::Resource))
        );
    }
}

#[test]
fn the_root_may_what_no_resource_policy_denies_it() {
    assert_eq!(reason(&decide_for(ROOT, &Policies::default())), Ok("root"));
    let shut = resource(&for_principal("Deny", r#""*""#));
    let policies = Policies { resource: Some(&shut), ..Policies::default() };
    assert!(!decide_for(ROOT, &policies).is_allowed());
}

#[test]
fn a_key_policy_has_to_let_identity_policies_in() {
    let allow = [identity(ALLOW)];
    let other = resource(&for_principal("Allow", r#"{"AWS": "arn:aws:iam::111122223333:user/someone"}"#));
    let account = resource(&for_principal("Allow", r#"{"AWS": "111122223333"}"#));
    let by_key = Policies { authority: Authority::Resource, identity: &allow, ..Policies::default() };
    let cases = [
        (Policies { resource: Some(&other), ..by_key }, implicit("resource-based policy")),
        (Policies { resource: None, ..by_key }, implicit("resource-based policy")),
        (Policies { resource: Some(&account), ..by_key }, Ok("identity")),
        (Policies { resource: Some(&account), identity: &[], ..by_key }, implicit("identity-based policy")),
        (Policies { resource: Some(&other), granted: true, identity: &[], ..by_key }, Ok("service")),
    ];
    for (place, (policies, expected)) in cases.iter().enumerate() {
        assert_eq!(reason(&decide_for(USER, policies)), *expected, "case {place}");
    }
    // Without the account among its principals, a key is out of reach even of the account's root.
    assert!(!decide_for(ROOT, &cases[0].0).is_allowed());
    assert!(decide_for(ROOT, &cases[2].0).is_allowed());
    let shut = resource(&for_principal("Deny", r#""*""#));
    assert!(!decide_for(USER, &Policies { resource: Some(&shut), granted: true, ..by_key }).is_allowed());
    // A grant speaks for the key's account; across accounts the grantee's own account has to agree.
    let granted = Policies { granted: true, ..by_key };
    assert_eq!(reason(&decide_in(USER, OTHER_ACCOUNT, &granted)), Ok("identity"));
    assert!(!decide_in(USER, OTHER_ACCOUNT, &Policies { identity: &[], ..granted }).is_allowed());
}

#[test]
fn trust_policies() {
    let assume = |caller, trust: &str, identity_allows: bool| {
        let trust = named(Kind::RoleTrust, trust);
        let identity = [identity(r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}"#)];
        let context = crate::support::context(&[("sts:ExternalId", &["secret-handshake"])]);
        let request = Request {
            caller,
            action: "sts:AssumeRole",
            resource: "arn:aws:iam::111122223333:role/target",
            resource_account: ACCOUNT,
            context: &context,
        };
        let identity = if identity_allows { &identity[..] } else { &[] };
        let policies =
            Policies { identity, resource: Some(&trust), authority: Authority::Resource, ..Policies::default() };
        decide(&request, &policies)
    };
    let trusting = |principal: &str, condition: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {principal}, "Action": "sts:AssumeRole"{condition}}}}}"#
        )
    };
    let account = trusting(r#"{"AWS": "111122223333"}"#, "");
    assert!(assume(USER, &account, true).is_allowed());
    assert!(!assume(USER, &account, false).is_allowed());
    let user = trusting(r#"{"AWS": "arn:aws:iam::111122223333:user/division/ana"}"#, "");
    assert!(assume(USER, &user, false).is_allowed());
    assert_eq!(assume(SESSION, &user, true), Verdict::Denied(Denial::Implicit(Layer::RoleTrust)));
    let phrase = Denial::Implicit(Layer::RoleTrust).phrase("sts:AssumeRole");
    assert_eq!(phrase, "because no role trust policy allows the sts:AssumeRole action");
    let external = |id: &str| format!(r#", "Condition": {{"StringEquals": {{"sts:ExternalId": "{id}"}}}}"#);
    assert!(assume(USER, &trusting(r#"{"AWS": "111122223333"}"#, &external("secret-handshake")), true).is_allowed());
    assert!(!assume(USER, &trusting(r#"{"AWS": "111122223333"}"#, &external("other")), true).is_allowed());
    assert!(
        assume(
            Caller::Service { name: "lambda.amazonaws.com" },
            &trusting(r#"{"Service": "lambda.amazonaws.com"}"#, ""),
            false
        )
        .is_allowed()
    );
}

#[test]
fn a_statement_tells_what_it_speaks_of_and_where_it_stands() {
    let text = format!("{{\"Version\": \"2012-10-17\", \"Statement\": [\n  {ALLOW},\n  {DENY}\n]}}");
    let policy = traca_policy::Policy::parse(&text, Kind::Managed).expect("well-formed");
    let spans: Vec<&str> = policy.statements().iter().map(|statement| &text[statement.span()]).collect();
    assert_eq!(spans, [ALLOW, DENY]);
    let context = Context::new();
    let request =
        Request { caller: USER, action: "s3:GetObject", resource: "*", resource_account: ACCOUNT, context: &context };
    assert!(policy.statements().iter().all(|statement| statement.speaks_of(&request)));
    let keys = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/${aws:username}",
        "Condition": {"StringLike": {"s3:prefix": "${aws:PrincipalTag/team}/*"}, "Bool": {"aws:SecureTransport": "true"}}}"#;
    let policy = identity(keys).policy;
    let keys: Vec<&str> = policy.statements()[0].condition_keys().collect();
    assert_eq!(keys, ["aws:username", "s3:prefix", "aws:PrincipalTag/team", "aws:SecureTransport"]);
    // Of a request that has none of the keys but the name, it speaks only so far as conditions do not count.
    let context = crate::support::context(&[("aws:username", &["ana"])]);
    let request = Request { resource: "arn:aws:s3:::b/ana", context: &context, ..request };
    assert!(policy.statements()[0].covers(&request) && !policy.statements()[0].speaks_of(&request));
    assert!(!policy.statements()[0].covers(&Request { resource: "arn:aws:s3:::b/eva", ..request }));
}
