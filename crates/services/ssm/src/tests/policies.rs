//! Policies of parameters, and policies about who may read them.

use std::sync::{Arc, Mutex};

use api::events::{PutEvents, PutEventsResponse};
use api::ssm::{DeleteResourcePolicyRequest, GetResourcePoliciesRequest, PutResourcePolicyRequest};
use platform::Registration;
use platform::testing::{ACCOUNT, NOW, REGION};

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn with_policies(name: &str, policies: &str) -> PutParameterRequest {
    PutParameterRequest {
        tier: Some("Advanced".to_owned()),
        policies: Some(policies.to_owned()),
        ..overwrite(name, "x")
    }
}

fn in_days(days: i64) -> String {
    jiff::Timestamp::from_millisecond(NOW + days * 86_400_000).unwrap().to_string()
}

#[tokio::test]
async fn policies_tell_and_then_delete() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let bench = TestPlatform::new(|platform| {
        let mut events = Registration::new(&api::events::SERVICE);
        events.add::<PutEvents, _, _>(move |_, input| {
            heard.lock().unwrap().push(input.entries[0].detail.clone().unwrap_or_default());
            async { Ok(PutEventsResponse::default()) }
        });
        vec![service_kms::registration(platform), registration(platform), events]
    });
    bench.platform.start().await.unwrap();
    let policies = format!(
        r#"[{{"Type":"Expiration","Version":"1.0","Attributes":{{"Timestamp":"{}"}}}},
            {{"Type":"ExpirationNotification","Version":"1.0","Attributes":{{"Before":"2","Unit":"Days"}}}},
            {{"Type":"NoChangeNotification","Version":"1.0","Attributes":{{"After":"24","Unit":"Hours"}}}}]"#,
        in_days(10)
    );
    written(&bench, with_policies("/p", &policies)).await;
    let status = async || {
        let described = bench.call::<ssm::DescribeParameters>(Default::default()).await.unwrap().parameters.unwrap();
        let policies = described[0].policies.clone().unwrap();
        policies.into_iter().map(|policy| policy.policy_status.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(status().await, ["Pending", "Pending", "Pending"]);
    bench.clock.advance(DAY);
    eventually(|| async { status().await == ["Pending", "Pending", "Finished"] }).await;
    bench.clock.advance(7 * DAY);
    eventually(|| async { status().await == ["Pending", "Finished", "Finished"] }).await;
    bench.clock.advance(2 * DAY);
    let request = GetParameterRequest { name: "/p".to_owned(), ..Default::default() };
    eventually(|| async { bench.call::<ssm::GetParameter>(request.clone()).await.is_err() }).await;
    assert_eq!(written(&bench, put("/p", "again")).await, 1, "the name is free");
    let told = told.lock().unwrap().clone();
    assert!(told.iter().all(|detail| detail.contains("policy-type")), "{told:?}");
}

#[tokio::test]
async fn policies_that_do_not_hold_are_refused() {
    let bench = bench();
    for (policies, text) in [
        ("no json", "ValidationException"),
        (r#"[{"Type":"Other","Version":"1.0","Attributes":{}}]"#, "InvalidPolicyTypeException"),
        (
            r#"[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"soon"}}]"#,
            "InvalidPolicyAttributeException",
        ),
        (
            r#"[{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"0","Unit":"Days"}}]"#,
            "InvalidPolicyAttributeException",
        ),
        (
            r#"[{"Type":"ExpirationNotification","Version":"1.0","Attributes":{"Before":"1","Unit":"Days"}}]"#,
            "InvalidPolicyAttributeException",
        ),
    ] {
        let refusal = refused::<ssm::PutParameter>(&bench, with_policies("/p", policies)).await;
        assert!(refusal.starts_with(text), "{policies}: {refusal}");
    }
    let policy = r#"{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"1","Unit":"Days"}}"#;
    let many = format!("[{}]", [policy; 11].join(","));
    let refusal = refused::<ssm::PutParameter>(&bench, with_policies("/p", &many)).await;
    assert!(refusal.starts_with("PoliciesLimitExceededException"), "{refusal}");
    let standard = PutParameterRequest { tier: None, ..with_policies("/p", &format!("[{policy}]")) };
    assert!(refused::<ssm::PutParameter>(&bench, standard).await.starts_with("ValidationException"));
    written(&bench, with_policies("/p", &format!("[{policy}]"))).await;
    written(&bench, with_policies("/p", "[{}]")).await;
    let described = bench.call::<ssm::DescribeParameters>(Default::default()).await.unwrap().parameters.unwrap();
    assert_eq!(described[0].policies, Some(Vec::new()), "taken away");
}

#[tokio::test]
async fn a_resource_policy_changes_only_for_those_who_know_its_state() {
    let bench = bench();
    written(&bench, with_policies("/p", "[{}]")).await;
    let arn = format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/p");
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"444455556666"}},"Action":["ssm:GetParameter"],"Resource":"{arn}"}}]}}"#
    );
    let put = PutResourcePolicyRequest { resource_arn: arn.clone(), policy: document.clone(), ..Default::default() };
    let answer = bench.call::<ssm::PutResourcePolicy>(put.clone()).await.unwrap();
    assert!(refused::<ssm::PutResourcePolicy>(&bench, put.clone()).await.starts_with("ResourcePolicyLimitExceeded"));
    let malformed = PutResourcePolicyRequest { policy: "{}".to_owned(), ..put.clone() };
    let refusal = refused::<ssm::PutResourcePolicy>(&bench, malformed).await;
    assert!(refusal.starts_with("MalformedResourcePolicyDocumentException"), "{refusal}");
    let stale = PutResourcePolicyRequest {
        policy_id: answer.policy_id.clone(),
        policy_hash: Some("0".repeat(64)),
        ..put.clone()
    };
    assert!(refused::<ssm::PutResourcePolicy>(&bench, stale).await.starts_with("ResourcePolicyConflictException"));
    let request = GetResourcePoliciesRequest { resource_arn: arn.clone(), ..Default::default() };
    let read = bench.call::<ssm::GetResourcePolicies>(request.clone()).await.unwrap().policies.unwrap();
    assert_eq!((read.len(), read[0].policy.as_ref()), (1, Some(&document)));
    let delete = DeleteResourcePolicyRequest {
        resource_arn: arn,
        policy_id: answer.policy_id.unwrap(),
        policy_hash: answer.policy_hash.unwrap(),
        ..Default::default()
    };
    bench.call::<ssm::DeleteResourcePolicy>(delete.clone()).await.unwrap();
    assert!(refused::<ssm::DeleteResourcePolicy>(&bench, delete).await.starts_with("ResourcePolicyNotFoundException"));
}
