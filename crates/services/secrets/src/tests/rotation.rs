//! Rotation, with a function made of calls of the service itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::lambda::{InvocationRequest, InvocationResponse, Invoke};
use api::secretsmanager::{
    self as sm, CancelRotateSecretRequest, GetSecretValueRequest, RotateSecretRequest, RotationRulesType,
    UpdateSecretVersionStageRequest,
};
use parking_lot::Mutex;
use platform::testing::NOW;
use platform::{Facts, FactsFuture, Guard, Need, Registration};
use serde_json::{Value, json};
use wire::codec::Structure;
use wire::error::common;

use super::*;
use crate::limits::DAY_MS;

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111122223333:function:rotate";

/// What a test knows and says of the function.
#[derive(Default)]
struct Function {
    steps: Mutex<Vec<String>>,
    is_broken: AtomicBool,
}

impl Function {
    async fn invoke(&self, cx: &Ctx, input: InvocationRequest) -> Result<InvocationResponse, Error> {
        if input.function_name != FUNCTION {
            return Err(Error::bare(&common::ACCESS_DENIED));
        }
        if input.invocation_type.as_deref() == Some("DryRun") {
            return Ok(InvocationResponse { status_code: Some(204), ..Default::default() });
        }
        let event: Value = serde_json::from_slice(&input.payload.unwrap_or_default()).unwrap();
        let part = |name: &str| event[name].as_str().unwrap().to_owned();
        self.steps.lock().push(part("Step"));
        if self.is_broken.load(Ordering::Relaxed) {
            return Ok(InvocationResponse { function_error: Some("Unhandled".to_owned()), ..Default::default() });
        }
        step(cx, &part("Step"), part("SecretId"), part("ClientRequestToken")).await?;
        Ok(InvocationResponse { status_code: Some(200), ..Default::default() })
    }

    fn steps(&self) -> String {
        self.steps.lock().join(" ")
    }
}

/// The function's permissions: the service may invoke it for the secret, and nobody else.
struct FunctionGuard;

impl Guard for FunctionGuard {
    fn needs(&self, _: &Ctx, _: &dyn Structure) -> Vec<Need> {
        vec![Need::new("lambda:InvokeFunction", FUNCTION)]
    }

    fn facts<'a>(&'a self, _: &'a Ctx, _: &'a Need) -> FactsFuture<'a> {
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "secretsmanager.amazonaws.com" },
            "Action": "lambda:InvokeFunction", "Resource": FUNCTION,
            "Condition": { "ArnLike": { "aws:SourceArn": "arn:aws:secretsmanager:*:*:secret:s-??????" } },
        }] });
        let facts = Facts { policy: Some(policy.to_string().into()), ..Facts::default() };
        Box::pin(std::future::ready(Ok(facts)))
    }
}

/// As AWS's template for such functions does it.
async fn step(cx: &Ctx, step: &str, secret_id: String, token: String) -> Result<(), Error> {
    let account = Principal::Root { account: ACCOUNT.to_owned() };
    let request = DescribeSecretRequest { secret_id: secret_id.clone(), ..Default::default() };
    let described = cx.call_as::<sm::DescribeSecret>(account.clone(), request).await?;
    let versions = described.version_ids_to_stages.unwrap_or_default();
    if step == "createSecret" {
        let wanted = GetSecretValueRequest {
            secret_id: secret_id.clone(),
            version_id: Some(token.clone()),
            version_stage: Some("AWSPENDING".to_owned()),
            ..Default::default()
        };
        let missing = cx.call_as::<sm::GetSecretValue>(account.clone(), wanted).await;
        if missing.is_err_and(|error| error.is("ResourceNotFoundException")) {
            let request = PutSecretValueRequest {
                secret_id,
                secret_string: Some(format!("made for {token}")),
                client_request_token: Some(token),
                version_stages: Some(vec!["AWSPENDING".to_owned()]),
                ..Default::default()
            };
            cx.call_as::<sm::PutSecretValue>(account, request).await?;
        }
    } else if step == "finishSecret" {
        let current = versions.iter().find(|(_, labels)| labels.iter().any(|label| label == "AWSCURRENT"));
        let request = UpdateSecretVersionStageRequest {
            secret_id,
            version_stage: "AWSCURRENT".to_owned(),
            remove_from_version_id: current.map(|(version, _)| version.clone()).filter(|version| *version != token),
            move_to_version_id: Some(token),
            ..Default::default()
        };
        cx.call_as::<sm::UpdateSecretVersionStage>(account, request).await?;
    }
    Ok(())
}

async fn with_function() -> (TestPlatform, Arc<Function>) {
    let function = Arc::new(Function::default());
    let shared = Arc::clone(&function);
    let bench = TestPlatform::new(move |platform| {
        let mut lambda = Registration::new(&api::lambda::SERVICE);
        lambda.add::<Invoke, _, _>(move |cx, input| {
            let function = Arc::clone(&shared);
            async move { function.invoke(&cx, input).await }
        });
        vec![service_kms::registration(platform), registration(platform), lambda.with_guard(Arc::new(FunctionGuard))]
    });
    bench.platform.start().await.unwrap();
    bench.call::<sm::CreateSecret>(create("s", "1", "first")).await.unwrap();
    (bench, function)
}

fn rotate(token: &str, expression: &str) -> RotateSecretRequest {
    let rules = RotationRulesType { schedule_expression: Some(expression.to_owned()), ..Default::default() };
    RotateSecretRequest {
        secret_id: "s".to_owned(),
        client_request_token: Some(version(token)),
        rotation_lambda_arn: Some(FUNCTION.to_owned()),
        rotation_rules: Some(rules),
        ..Default::default()
    }
}

async fn rotated_to(bench: &TestPlatform, token: &str) {
    eventually(|| async { describe(bench, "s").await.last_rotated_date.is_some() }).await;
    assert_eq!(text(bench, "s").await, format!("made for {}", version(token)));
}

#[tokio::test]
async fn a_rotation_takes_four_steps_and_then_goes_by_its_schedule() {
    let (bench, function) = with_function().await;
    let answer = bench.call::<sm::RotateSecret>(rotate("2", "rate(10 days)")).await.unwrap();
    assert_eq!(answer.version_id, Some(version("2")));
    rotated_to(&bench, "2").await;
    assert_eq!(function.steps(), "createSecret setSecret testSecret finishSecret");
    let described = describe(&bench, "s").await;
    assert_eq!(labels(&described, "2"), ["AWSCURRENT", "AWSPENDING"]);
    assert_eq!(labels(&described, "1"), ["AWSPREVIOUS"]);
    assert_eq!((described.rotation_enabled, described.rotation_lambda_arn.as_deref()), (Some(true), Some(FUNCTION)));
    let next = described.next_rotation_date.unwrap().milliseconds();
    assert_eq!(next, NOW - NOW % DAY_MS + 11 * DAY_MS - 1_000, "the end of the tenth day from now");
    bench.clock.advance(Duration::from_secs(10 * 86_400));
    eventually(|| async { function.steps().matches("finishSecret").count() == 2 }).await;
    eventually(|| async { describe(&bench, "s").await.last_rotated_date > described.last_rotated_date }).await;
    let later = describe(&bench, "s").await;
    assert_eq!(labels(&later, "2"), ["AWSPREVIOUS"]);
    assert!(later.next_rotation_date.unwrap().milliseconds() > next);
    let cancel = CancelRotateSecretRequest { secret_id: "s".to_owned(), ..Default::default() };
    bench.call::<sm::CancelRotateSecret>(cancel).await.unwrap();
    let described = describe(&bench, "s").await;
    assert_eq!((described.rotation_enabled, described.next_rotation_date), (Some(false), None));
    assert!(described.rotation_rules.is_some());
}

#[tokio::test]
async fn a_rotation_that_fails_is_tried_again() {
    let (bench, function) = with_function().await;
    function.is_broken.store(true, Ordering::Relaxed);
    bench.call::<sm::RotateSecret>(rotate("2", "rate(10 days)")).await.unwrap();
    eventually(|| async { function.steps() == "createSecret" }).await;
    let refusal = refused::<sm::RotateSecret>(&bench, rotate("3", "rate(1 day)")).await;
    let text = "InvalidRequestException: A previous rotation isn't complete. That rotation will be reattempted.";
    assert_eq!(refusal, text);
    assert_eq!(super::text(&bench, "s").await, "first");
    bench.call::<sm::RotateSecret>(rotate("2", "rate(10 days)")).await.expect("the same request again");
    function.is_broken.store(false, Ordering::Relaxed);
    // The pause is set once the failed run has ended.
    eventually(|| async {
        bench.clock.advance(Duration::from_secs(30));
        describe(&bench, "s").await.last_rotated_date.is_some()
    })
    .await;
    rotated_to(&bench, "2").await;
}

#[tokio::test]
async fn a_set_up_that_is_not_to_rotate_yet_is_only_tried() {
    let (bench, function) = with_function().await;
    let request = RotateSecretRequest { rotate_immediately: Some(false), ..rotate("2", "rate(10 days)") };
    bench.call::<sm::RotateSecret>(request).await.unwrap();
    eventually(|| async { labels(&describe(&bench, "s").await, "2").is_empty() }).await;
    assert_eq!(function.steps(), "testSecret");
    let described = describe(&bench, "s").await;
    assert_eq!((described.last_rotated_date, described.rotation_enabled), (None, Some(true)));
    assert_eq!(super::text(&bench, "s").await, "first");
}

#[tokio::test]
async fn a_rotation_that_cannot_be_is_refused_and_changes_nothing() {
    let (bench, _) = with_function().await;
    let before = describe(&bench, "s").await;
    let none = RotateSecretRequest { rotation_lambda_arn: None, ..rotate("2", "rate(1 day)") };
    let text = "InvalidRequestException: No Lambda rotation function ARN is associated with this secret.";
    assert_eq!(refused::<sm::RotateSecret>(&bench, none).await, text);
    let other =
        RotateSecretRequest { rotation_lambda_arn: Some(FUNCTION.to_owned() + "s"), ..rotate("2", "rate(1 day)") };
    let text = "AccessDeniedException: Secrets Manager cannot invoke the specified Lambda function. Ensure that the \
                function policy grants access to the principal secretsmanager.amazonaws.com.";
    assert_eq!(refused::<sm::RotateSecret>(&bench, other).await, text);
    let text = "InvalidParameterException: Invalid schedule expression.";
    assert_eq!(refused::<sm::RotateSecret>(&bench, rotate("2", "rate(1 week)")).await, text);
    let untold = RotateSecretRequest { client_request_token: None, ..rotate("2", "rate(1 day)") };
    assert!(
        refused::<sm::RotateSecret>(&bench, untold).await.starts_with("InvalidParameterException: You must provide")
    );
    assert_eq!(describe(&bench, "s").await, before);
}
