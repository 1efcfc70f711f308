//! `PutResourcePolicy`, `GetResourcePolicy` and `DeleteResourcePolicy`: the same policies as those of `AddPermission`, as
//! whole documents.

use std::sync::Arc;

use api::Empty;
use api::lambda::{
    DeleteResourcePolicyRequest, GetPolicyRequest, GetResourcePolicyRequest, GetResourcePolicyResponse,
    PutResourcePolicyRequest, PutResourcePolicyResponse,
};
use platform::Ctx;
use policy::Cause;
use wire::Error;

use super::permissions::{edit, get_policy, target};
use crate::names::Target;
use crate::permission::{POLICY_BYTES_MAX, ResourcePolicy};
use crate::{Lambda, errors};

/// Gives a function, a version or an alias a policy, in the place of the one it may have.
pub async fn put_resource_policy(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: PutResourcePolicyRequest,
) -> Result<PutResourcePolicyResponse, Error> {
    let target = resource(cx, &input.resource_arn)?;
    let policy = ResourcePolicy::parse(&input.policy).map_err(|malformed| match malformed.cause {
        Cause::Principal => errors::invalid_principal(),
        _ => errors::invalid_parameter(malformed.message),
    })?;
    let document = policy.document();
    if document.len() > POLICY_BYTES_MAX {
        return Err(errors::policy_too_long(document.len(), POLICY_BYTES_MAX));
    }
    let revision_id = edit(lambda, target, input.revision_id, move |current| {
        current.clone_from(&policy);
        Ok(())
    })
    .await?;
    Ok(PutResourcePolicyResponse { policy: Some(document), revision_id: Some(revision_id) })
}

/// The policy of a function, a version or an alias.
pub async fn get_resource_policy(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetResourcePolicyRequest,
) -> Result<GetResourcePolicyResponse, Error> {
    resource(cx, &input.resource_arn)?;
    let request = GetPolicyRequest { function_name: input.resource_arn, ..GetPolicyRequest::default() };
    let found = get_policy(lambda, cx, request).await?;
    Ok(GetResourcePolicyResponse { policy: found.policy, revision_id: found.revision_id })
}

/// Takes the policy away.
pub async fn delete_resource_policy(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: DeleteResourcePolicyRequest,
) -> Result<Empty, Error> {
    let target = resource(cx, &input.resource_arn)?;
    edit(lambda, target, input.revision_id, |policy| {
        if policy.statements.is_empty() {
            return Err(errors::not_found("No policy is associated with the given resource."));
        }
        policy.statements.clear();
        Ok(())
    })
    .await?;
    Ok(Empty)
}

/// What an ARN names: a function, a version or an alias.
fn resource(cx: &Ctx, arn: &str) -> Result<Target, Error> {
    if arn.split(':').nth(5).is_some_and(|kind| kind.starts_with("runtime/")) {
        return Err(errors::unsupported("policies of runtimes"));
    }
    target(cx, arn, None)
}

#[cfg(test)]
mod tests {
    use api::lambda::{
        AddPermission, AddPermissionRequest, DeleteResourcePolicy, GetFunction, GetFunctionRequest, GetPolicy,
        GetResourcePolicy, PutResourcePolicy, RemovePermission, RemovePermissionRequest,
    };
    use serde_json::json;

    use super::*;
    use crate::testing::{Bench, id, said};

    fn policy(effect: &str, action: &str) -> String {
        let statement = json!({ "Sid": "s", "Effect": effect, "Principal": "*", "Action": action, "Resource": arn() });
        json!({ "Version": "2012-10-17", "Id": "mine", "Statement": [statement] }).to_string()
    }

    fn arn() -> String {
        id("greet").arn()
    }

    fn put(policy: &str, revision_id: Option<&str>) -> PutResourcePolicyRequest {
        PutResourcePolicyRequest {
            resource_arn: arn(),
            policy: policy.to_owned(),
            revision_id: revision_id.map(str::to_owned),
            ..PutResourcePolicyRequest::default()
        }
    }

    fn get() -> GetResourcePolicyRequest {
        GetResourcePolicyRequest { resource_arn: arn(), ..GetResourcePolicyRequest::default() }
    }

    #[tokio::test]
    async fn a_whole_policy_takes_the_place_of_the_statements_that_were_added() {
        let bench = Bench::new();
        bench.create("greet").await;
        let absent = "ResourceNotFoundException: The resource you requested does not exist.";
        assert_eq!(said(bench.call::<GetResourcePolicy>(get()).await), absent);
        let add = AddPermissionRequest {
            function_name: "greet".to_owned(),
            statement_id: "s3".to_owned(),
            action: "lambda:InvokeFunction".to_owned(),
            principal: "s3.amazonaws.com".to_owned(),
            ..AddPermissionRequest::default()
        };
        bench.call::<AddPermission>(add.clone()).await.unwrap();
        let text = policy("Allow", "lambda:GetFunction");
        let written = bench.call::<PutResourcePolicy>(put(&text, None)).await.unwrap();
        assert_eq!(written.policy.as_deref(), Some(text.as_str()));
        let found = bench.call::<GetResourcePolicy>(get()).await.unwrap();
        assert_eq!((found.policy, &found.revision_id), (Some(text.clone()), &written.revision_id));

        bench.call::<AddPermission>(add).await.unwrap();
        let request = GetPolicyRequest { function_name: "greet".to_owned(), ..GetPolicyRequest::default() };
        let both = bench.call::<GetPolicy>(request).await.unwrap();
        assert!(both.policy.unwrap().starts_with(text.trim_end_matches("]}")));
        let stale = bench.call::<PutResourcePolicy>(put(&text, written.revision_id.as_deref())).await;
        assert!(said(stale).starts_with("PreconditionFailedException: "));
        for statement_id in ["s", "s3"] {
            let remove = RemovePermissionRequest {
                function_name: "greet".to_owned(),
                statement_id: statement_id.to_owned(),
                ..RemovePermissionRequest::default()
            };
            bench.call::<RemovePermission>(remove).await.unwrap();
        }
        assert_eq!(said(bench.call::<GetResourcePolicy>(get()).await), absent);
    }

    #[tokio::test]
    async fn what_is_no_policy_of_lambda_is_refused_and_changes_nothing() {
        let bench = Bench::new();
        bench.create("greet").await;
        let allowed = policy("Allow", "lambda:GetFunction");
        let principal = allowed.replace(r#""Principal":"*""#, r#""Principal":{"AWS":"nobody"}"#);
        for broken in ["text", "{}", &principal, &policy("Allow", "s3:GetObject")] {
            let text = said(bench.call::<PutResourcePolicy>(put(broken, None)).await);
            assert!(text.starts_with("InvalidParameterValueException: "), "{broken}: {text}");
        }
        let elsewhere = PutResourcePolicyRequest { resource_arn: format!("{}:live", arn()), ..put(&allowed, None) };
        let text = said(bench.call::<PutResourcePolicy>(elsewhere).await);
        assert_eq!(text, format!("ResourceNotFoundException: Cannot find alias arn: {}:live", arn()));
        let latest = PutResourcePolicyRequest { resource_arn: format!("{}:$LATEST", arn()), ..put(&allowed, None) };
        let text = said(bench.call::<PutResourcePolicy>(latest).await);
        assert!(text.ends_with("We currently do not support adding policies for $LATEST."), "{text}");
        let delete = DeleteResourcePolicyRequest { resource_arn: arn(), ..DeleteResourcePolicyRequest::default() };
        let text = said(bench.call::<DeleteResourcePolicy>(delete).await);
        assert_eq!(text, "ResourceNotFoundException: No policy is associated with the given resource.");
    }

    #[tokio::test]
    async fn what_a_policy_denies_is_denied_to_the_root_too_until_the_policy_is_gone() {
        let bench = Bench::new();
        bench.create("greet").await;
        let describe = || GetFunctionRequest { function_name: "greet".to_owned(), ..GetFunctionRequest::default() };
        bench.call::<GetFunction>(describe()).await.unwrap();
        bench.call::<PutResourcePolicy>(put(&policy("Deny", "lambda:GetFunction"), None)).await.unwrap();
        let text = said(bench.call::<GetFunction>(describe()).await);
        assert!(text.ends_with("with an explicit deny in a resource-based policy"), "{text}");
        let delete = DeleteResourcePolicyRequest { resource_arn: arn(), ..DeleteResourcePolicyRequest::default() };
        bench.call::<DeleteResourcePolicy>(delete).await.unwrap();
        bench.call::<GetFunction>(describe()).await.unwrap();
    }
}
