use api::iam::*;
use platform::testing::TestPlatform;

use crate::tests::{ALLOW, attach_to_role, bench, group, join, policy, refused, role, user};

const OBJECT: &str = "arn:aws:s3:::bucket/a";
const OTHER: &str = "arn:aws:s3:::bucket/b";
const ROOT: &str = "arn:aws:iam::999999999999:root";

fn statement(effect: &str, action: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}"#)
}

fn document(statements: &[String]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn allow(action: &str, resource: &str) -> String {
    document(&[statement("Allow", action, resource)])
}

fn custom(policies: &[String], resources: &[&str]) -> SimulateCustomPolicyRequest {
    SimulateCustomPolicyRequest {
        policy_input_list: policies.to_vec(),
        action_names: vec!["s3:GetObject".to_owned()],
        resource_arns: Some(resources.iter().map(|resource| (*resource).to_owned()).collect()),
        ..Default::default()
    }
}

fn entry(name: &str, kind: &str, values: &[&str]) -> ContextEntry {
    ContextEntry {
        context_key_name: Some(name.to_owned()),
        context_key_type: Some(kind.to_owned()),
        context_key_values: Some(values.iter().map(|value| (*value).to_owned()).collect()),
    }
}

/// The only result.
async fn simulated(platform: &TestPlatform, input: SimulateCustomPolicyRequest) -> EvaluationResult {
    let answer = platform.call::<SimulateCustomPolicy>(input).await.expect("simulated");
    assert_eq!((answer.is_truncated, &answer.marker), (Some(false), &None));
    let mut results = answer.evaluation_results.expect("shown");
    assert_eq!(results.len(), 1);
    results.remove(0)
}

/// `SOURCE LINE:COLUMN-LINE:COLUMN` of each statement.
fn places(statements: &Option<Vec<Statement>>) -> Vec<String> {
    let place = |position: &Option<Position>| {
        let position = position.as_ref().expect("shown");
        format!("{}:{}", position.line.expect("shown"), position.column.expect("shown"))
    };
    let shown = |one: &Statement| {
        let source = one.source_policy_id.as_deref().expect("shown");
        format!("{source} {}-{}", place(&one.start_position), place(&one.end_position))
    };
    statements.iter().flatten().map(shown).collect()
}

#[tokio::test]
async fn statements_are_shown_where_they_stand() {
    let (platform, _) = bench();
    let one_line = document(&[statement("Allow", "s3:GetObject", "*"), statement("Deny", "s3:PutObject", "*")]);
    let result = simulated(&platform, custom(std::slice::from_ref(&one_line), &[])).await;
    assert_eq!((result.eval_decision.as_str(), result.eval_resource_name.as_deref()), ("allowed", Some("*")));
    assert_eq!(places(&result.matched_statements), ["PolicyInputList.1 1:38-1:95"]);
    assert_eq!((result.eval_decision_details, result.resource_specific_results), (None, None));
    assert_eq!(result.missing_context_values, Some(vec![]));
    let put = SimulateCustomPolicyRequest { action_names: vec!["s3:PutObject".to_owned()], ..custom(&[one_line], &[]) };
    let result = simulated(&platform, put).await;
    assert_eq!(result.eval_decision, "explicitDeny");
    assert_eq!(places(&result.matched_statements), ["PolicyInputList.1 1:95-1:152"]);
    for (text, place) in [
        (
            "{\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"\n    }\n  ]\n}",
            "2:17-5:6",
        ),
        ("{\r\n \"Statement\":{\r\n\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}", "2:15-3:46"),
        ("{\r\"Id\":\"é\",\r\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}", "3:14-3:59"),
    ] {
        let result = simulated(&platform, custom(&[text.to_owned()], &[])).await;
        assert_eq!(places(&result.matched_statements), [format!("PolicyInputList.1 {place}")], "{text:?}");
    }
}

#[tokio::test]
async fn several_resources_are_told_apart_and_taken_together() {
    let (platform, _) = bench();
    let result = simulated(&platform, custom(&[allow("s3:GetObject", OBJECT)], &[OBJECT, OTHER])).await;
    assert_eq!((result.eval_decision.as_str(), result.eval_resource_name.as_deref()), ("implicitDeny", Some("*")));
    assert_eq!(places(&result.matched_statements).len(), 1);
    assert_eq!(result.eval_decision_details, Some(Default::default()));
    let specific = result.resource_specific_results.expect("shown");
    let decisions: Vec<_> =
        specific.iter().map(|one| (one.eval_resource_name.as_str(), one.eval_resource_decision.as_str())).collect();
    assert_eq!(decisions, [(OBJECT, "allowed"), (OTHER, "implicitDeny")]);
    assert_eq!((&specific[1].matched_statements, &specific[1].missing_context_values), (&None, &None));
    let deny = document(&[statement("Allow", "s3:*", "*"), statement("Deny", "*", OTHER)]);
    let result = simulated(&platform, custom(&[deny], &[OBJECT, OTHER])).await;
    assert_eq!(result.eval_decision, "explicitDeny");
    assert_eq!(places(&result.matched_statements), ["PolicyInputList.1 1:87-1:153"]);
    let result = simulated(&platform, custom(&[allow("s3:GetObject", OBJECT)], &[OBJECT])).await;
    assert_eq!(result.eval_resource_name.as_deref(), Some(OBJECT));
}

#[tokio::test]
async fn what_the_request_does_not_tell_is_named_if_nothing_allows() {
    let (platform, _) = bench();
    let condition = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*",
        "Resource":"arn:aws:s3:::bucket/${aws:username}","Condition":{"StringEquals":{"s3:ExistingObjectTag/Team":"red"}}}}"#;
    let input = custom(&[condition.to_owned()], &[OBJECT]);
    let result = simulated(&platform, input.clone()).await;
    let missing = Some(vec!["aws:username".to_owned(), "s3:ExistingObjectTag/Team".to_owned()]);
    assert_eq!((result.eval_decision.as_str(), &result.missing_context_values), ("implicitDeny", &missing));
    assert_eq!(result.resource_specific_results.expect("shown")[0].missing_context_values, missing);
    let entries = vec![entry("AWS:username", "string", &["a"]), entry("s3:existingobjecttag/team", "string", &["red"])];
    let result = simulated(&platform, SimulateCustomPolicyRequest { context_entries: Some(entries), ..input }).await;
    assert_eq!((result.eval_decision.as_str(), result.missing_context_values), ("allowed", Some(vec![])));
    let time = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}"#;
    let early = SimulateCustomPolicyRequest {
        context_entries: Some(vec![entry("aws:CurrentTime", "date", &["2018-04-25T11:00:00Z"])]),
        ..custom(&[time.to_owned()], &[])
    };
    assert_eq!(simulated(&platform, early).await.eval_decision, "implicitDeny");
}

#[tokio::test]
async fn a_boundary_limits_and_says_so() {
    let (platform, _) = bench();
    let bounded = |boundary: String| SimulateCustomPolicyRequest {
        permissions_boundary_policy_input_list: Some(vec![boundary]),
        ..custom(&[allow("s3:*", "*")], &[OBJECT])
    };
    for (boundary, decision, allowed, places_shown) in [
        (allow("s3:GetObject", "*"), "allowed", true, vec!["PolicyInputList.1 1:38-1:87"]),
        (allow("s3:PutObject", "*"), "implicitDeny", false, vec![]),
        (
            document(&[statement("Deny", "s3:*", "*")]),
            "explicitDeny",
            false,
            vec!["PermissionsBoundaryPolicyInputList.1 1:38-1:86"],
        ),
    ] {
        let result = simulated(&platform, bounded(boundary)).await;
        let detail = result.permissions_boundary_decision_detail.expect("shown").allowed_by_permissions_boundary;
        assert_eq!((result.eval_decision.as_str(), detail), (decision, Some(allowed)));
        assert_eq!(places(&result.matched_statements), places_shown);
    }
}

#[tokio::test]
async fn a_resource_policy_is_enough_within_an_account_and_not_beyond() {
    let (platform, _) = bench();
    let caller = "arn:aws:iam::111122223333:user/mateo";
    let door = |principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"s3:*","Resource":"arn:aws:s3:::bucket/*"}}}}"#
        )
    };
    let input = |policies: &[String], principal: &str| SimulateCustomPolicyRequest {
        caller_arn: Some(caller.to_owned()),
        resource_policy: Some(door(principal)),
        permissions_boundary_policy_input_list: Some(vec![allow("iam:*", "*")]),
        ..custom(policies, &[OBJECT])
    };
    let result = simulated(&platform, input(&[allow("iam:*", "*")], caller)).await;
    assert_eq!(result.eval_decision, "allowed");
    let statements = result.matched_statements.expect("shown");
    assert_eq!(statements[0].source_policy_id.as_deref(), Some("ResourcePolicy"));
    assert_eq!(statements[0].source_policy_type.as_deref(), Some("Resource Policy"));
    assert_eq!(result.eval_decision_details, Some(Default::default()));
    let stranger = simulated(&platform, input(&[allow("iam:*", "*")], "arn:aws:iam::111122223333:user/other")).await;
    assert_eq!(stranger.eval_decision, "implicitDeny");
    let abroad =
        SimulateCustomPolicyRequest { resource_owner: Some(ROOT.to_owned()), ..input(&[allow("iam:*", "*")], caller) };
    let result = simulated(&platform, abroad.clone()).await;
    assert_eq!(result.eval_decision, "implicitDeny");
    let said = [
        ("IAM Policy", "implicitDeny"),
        ("Permissions Boundary Policy", "implicitDeny"),
        ("Resource Policy", "allowed"),
    ];
    let said = said.map(|(sort, decision)| (sort.to_owned(), decision.to_owned()));
    assert_eq!(result.eval_decision_details, Some(said.into()));
    let both = SimulateCustomPolicyRequest {
        policy_input_list: vec![allow("s3:*", "*")],
        permissions_boundary_policy_input_list: None,
        ..abroad
    };
    assert_eq!(simulated(&platform, both).await.eval_decision, "allowed");
}

#[tokio::test]
async fn service_control_policies_go_first() {
    let (platform, _) = bench();
    for (levels, decision, allowed) in [
        (vec![allow("*", "*"), allow("s3:*", "*")], "allowed", true),
        (vec![allow("*", "*"), allow("sqs:*", "*")], "implicitDeny", false),
        (vec![allow("*", "*"), document(&[statement("Deny", "*", "*")])], "explicitDeny", false),
    ] {
        let level = |text| OrderedOrganizationPolicyType { service_control_policy_input_list: Some(vec![text]) };
        let input = SimulateCustomPolicyRequest {
            ordered_organization_policy_input_list: Some(levels.into_iter().map(level).collect()),
            ..custom(&[ALLOW.to_owned()], &[])
        };
        let result = simulated(&platform, input).await;
        let detail = result.organizations_decision_detail.expect("shown").allowed_by_organizations;
        assert_eq!((result.eval_decision.as_str(), detail), (decision, Some(allowed)));
    }
}

async fn principal(platform: &TestPlatform, input: SimulatePrincipalPolicyRequest) -> Vec<(String, Vec<String>)> {
    let results = platform.call::<SimulatePrincipalPolicy>(input).await.expect("simulated").evaluation_results;
    let shown = |one: &EvaluationResult| {
        let ids = one.matched_statements.iter().flatten().map(|one| one.source_policy_id.clone().expect("shown"));
        (one.eval_decision.clone(), ids.collect())
    };
    results.expect("shown").iter().map(shown).collect()
}

#[tokio::test]
async fn a_users_policies_are_its_own_and_its_groups() {
    let (platform, _) = bench();
    let arn = user(&platform, "ana").await.arn;
    group(&platform, "team").await;
    join(&platform, "ana", "team").await;
    let put = PutUserPolicyRequest {
        user_name: "ana".to_owned(),
        policy_name: "own".to_owned(),
        policy_document: allow("s3:PutObject", "arn:aws:s3:::bucket/${aws:username}"),
        ..Default::default()
    };
    platform.call::<PutUserPolicy>(put).await.unwrap();
    let put = PutGroupPolicyRequest {
        group_name: "team".to_owned(),
        policy_name: "shared".to_owned(),
        policy_document: allow("s3:ListBucket", "*"),
        ..Default::default()
    };
    platform.call::<PutGroupPolicy>(put).await.unwrap();
    let managed = policy(&platform, "managed").await;
    let attach =
        AttachUserPolicyRequest { user_name: "ana".to_owned(), policy_arn: managed.clone(), ..Default::default() };
    platform.call::<AttachUserPolicy>(attach).await.unwrap();
    let actions = ["s3:PutObject", "s3:ListBucket", "s3:GetObject", "s3:DeleteObject"].map(str::to_owned);
    let input = SimulatePrincipalPolicyRequest {
        policy_source_arn: arn.clone(),
        action_names: actions.into(),
        resource_arns: Some(vec!["arn:aws:s3:::bucket/ana".to_owned()]),
        ..Default::default()
    };
    let allowed = |id: &str| ("allowed".to_owned(), vec![id.to_owned()]);
    let denied = || ("implicitDeny".to_owned(), vec![]);
    let all = principal(&platform, input.clone()).await;
    assert_eq!(all, [allowed("user_ana_own"), allowed("group_team_shared"), allowed("managed"), denied()]);
    let inline = |kind: &str, owner: &str, name: &str| {
        PolicyIdentifier::InlinePolicyIdentifier(InlinePolicyIdentifierType {
            attachment_type: kind.to_owned(),
            attachment_name: owner.to_owned(),
            policy_name: name.to_owned(),
            ..Default::default()
        })
    };
    for (exclusion, left) in [
        (PolicyIdentifier::PolicyType("inline".to_owned()), [false, false, true]),
        (PolicyIdentifier::PolicyType("user-managed".to_owned()), [true, true, false]),
        (PolicyIdentifier::PolicyType("aws-managed".to_owned()), [true, true, true]),
        (PolicyIdentifier::PolicyArn(managed), [true, true, false]),
        (inline("group", "team", "shared"), [true, false, true]),
        (inline("user", "team", "shared"), [true, true, true]),
    ] {
        let input = SimulatePrincipalPolicyRequest { policy_exclusion_list: Some(vec![exclusion]), ..input.clone() };
        let decisions = principal(&platform, input).await.into_iter().map(|(decision, _)| decision == "allowed");
        assert_eq!(decisions.take(3).collect::<Vec<_>>(), left);
    }
    let keys = GetContextKeysForPrincipalPolicyRequest { policy_source_arn: arn, ..Default::default() };
    let keys = platform.call::<GetContextKeysForPrincipalPolicy>(keys).await.unwrap().context_key_names;
    assert_eq!(keys, Some(vec!["aws:username".to_owned()]));
}

#[tokio::test]
async fn pages_fit_together() {
    let (platform, _) = bench();
    let arn = role(&platform, "worker").await.arn;
    let managed = policy(&platform, "managed").await;
    attach_to_role(&platform, "worker", &managed).await.unwrap();
    let actions: Vec<String> = (0..5).map(|number| format!("s3:Action{number}")).collect();
    let (mut marker, mut seen) = (None, Vec::new());
    loop {
        let input = SimulatePrincipalPolicyRequest {
            policy_source_arn: arn.clone(),
            action_names: actions.clone(),
            max_items: Some(2),
            marker,
            ..Default::default()
        };
        let answer = platform.call::<SimulatePrincipalPolicy>(input).await.unwrap();
        seen.extend(answer.evaluation_results.unwrap().into_iter().map(|one| one.eval_action_name));
        marker = answer.marker;
        assert_eq!(answer.is_truncated, Some(marker.is_some()));
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(seen, actions);
}

#[tokio::test]
async fn context_keys_come_in_order_and_once() {
    let (platform, _) = bench();
    let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*",
        "Resource":"arn:aws:dynamodb:us-west-2:123456789012:table/${aws:username}",
        "Condition":{"DateGreaterThan":{"aws:CurrentTime":"2015-08-16T12:00:00Z"},"StringLike":{"AWS:UserName":"a*"}}}}"#;
    let input = GetContextKeysForCustomPolicyRequest { policy_input_list: vec![text.to_owned()], ..Default::default() };
    let keys = platform.call::<GetContextKeysForCustomPolicy>(input).await.unwrap().context_key_names;
    assert_eq!(keys, Some(vec!["aws:username".to_owned(), "aws:CurrentTime".to_owned()]));
}

#[tokio::test]
async fn bad_parameters_are_refused() {
    let (platform, _) = bench();
    let good = custom(&[ALLOW.to_owned()], &[OBJECT]);
    let entries =
        |entry: ContextEntry| SimulateCustomPolicyRequest { context_entries: Some(vec![entry]), ..good.clone() };
    let cases = [
        (
            SimulateCustomPolicyRequest { action_names: vec!["GetObject".to_owned()], ..good.clone() },
            "The action is invalid since it is missing names",
        ),
        (custom(&[ALLOW.to_owned()], &["bucket"]), "ResourceNames are not in a valid ARN format: bucket."),
        (custom(&[ALLOW.to_owned()], &["*", OBJECT]), "ResourceNames are not in a valid ARN format: *."),
        (custom(&["{".to_owned()], &[]), "Syntax errors in policy."),
        (
            SimulateCustomPolicyRequest { resource_owner: Some("123456789012".to_owned()), ..good.clone() },
            "Invalid Resource Owner.",
        ),
        (
            SimulateCustomPolicyRequest { resource_policy: Some(ALLOW.to_owned()), ..good.clone() },
            "Invalid caller - Caller cannot be null or empty.",
        ),
        (
            SimulateCustomPolicyRequest {
                permissions_boundary_policy_input_list: Some(vec![ALLOW.to_owned(); 2]),
                ..good.clone()
            },
            "The list of Permissions Boundary policies cannot exceed 1 items.",
        ),
        (
            entries(entry("test:key", "string", &["a", "b"])),
            "Context key string expected a single value, but received 2.",
        ),
        (
            entries(entry("test:key", "numeric", &["ten"])),
            "Invalid context value for key test:key: expected numeric format.",
        ),
        (entries(entry("test:key", "ipList", &[])), "Context values for context key test:key cannot be null or empty."),
        (
            custom(&vec![ALLOW.to_owned(); 400], &[OBJECT; 400]),
            "160000 statements times resources are more than 100000.",
        ),
    ];
    for (input, message) in cases {
        let text = refused(platform.call::<SimulateCustomPolicy>(input).await);
        assert_eq!(text, format!("InvalidInput: {message}"));
    }
    let input = SimulatePrincipalPolicyRequest {
        policy_source_arn: "arn:aws:sts::111122223333:assumed-role/a/b".to_owned(),
        action_names: vec!["s3:GetObject".to_owned()],
        ..Default::default()
    };
    let text = refused(platform.call::<SimulatePrincipalPolicy>(input).await);
    assert_eq!(
        text,
        "InvalidInput: Invalid Entity Arn: arn:aws:sts::111122223333:assumed-role/a/b does not clearly define entity type and name."
    );
}
