//! What permissions the operations need.

use std::sync::Arc;

use platform::{Ctx, Facts, FactsFuture, Guard, Members, Need};
use wire::Error;
use wire::codec::Structure;

use crate::keys;
use crate::layers::{self, LayerId};
use crate::mapping::Mapping;
use crate::names;
use crate::permission::ResourcePolicy;
use crate::service::Lambda;

/// Whom roles of functions are passed to.
const LAMBDA: &str = "lambda.amazonaws.com";

/// What an operation acts on.
#[derive(Clone, Copy)]
enum On {
    /// Nothing in particular.
    Everything,
    /// The function as a whole.
    Function,
    /// The version or alias that is named, else the function.
    Qualified,
    /// The ARN in `Resource`.
    Tagged,
    /// The ARN in `ResourceArn`.
    Policy,
    /// The layer in `LayerName`.
    Layer,
    /// A version of it.
    LayerVersion,
    /// The layer version whose ARN stands in `Arn`.
    LayerVersionArn,
    /// The event source mapping in `UUID`.
    Mapping,
    /// The configuration in `CodeSigningConfigArn`.
    CodeSigning,
    /// That configuration and the function.
    FunctionAndCodeSigning,
    /// The execution in `DurableExecutionArn`.
    Execution,
}

/// What each operation acts on ("Actions, resources, and condition keys for AWS Lambda", service authorization
/// reference), in alphabetical order. What is not here is the account root's alone.
const OPERATIONS: [(&str, On); 83] = [
    ("AddLayerVersionPermission", On::LayerVersion),
    ("AddPermission", On::Qualified),
    ("CheckpointDurableExecution", On::Execution),
    ("CreateAlias", On::Function),
    ("CreateCodeSigningConfig", On::Everything),
    ("CreateEventSourceMapping", On::Everything),
    ("CreateFunction", On::Function),
    ("CreateFunctionUrlConfig", On::Qualified),
    ("DeleteAlias", On::Function),
    ("DeleteCodeSigningConfig", On::CodeSigning),
    ("DeleteDurableExecution", On::Execution),
    ("DeleteEventSourceMapping", On::Mapping),
    ("DeleteFunction", On::Qualified),
    ("DeleteFunctionCodeSigningConfig", On::Function),
    ("DeleteFunctionConcurrency", On::Function),
    ("DeleteFunctionEventInvokeConfig", On::Qualified),
    ("DeleteFunctionUrlConfig", On::Qualified),
    ("DeleteLayerVersion", On::LayerVersion),
    ("DeleteProvisionedConcurrencyConfig", On::Qualified),
    ("DeleteResourcePolicy", On::Policy),
    ("GetAccountSettings", On::Everything),
    ("GetAlias", On::Function),
    ("GetCodeSigningConfig", On::CodeSigning),
    ("GetDurableExecution", On::Execution),
    ("GetDurableExecutionHistory", On::Execution),
    ("GetDurableExecutionState", On::Execution),
    ("GetEventSourceMapping", On::Mapping),
    ("GetFunction", On::Qualified),
    ("GetFunctionCodeSigningConfig", On::Function),
    ("GetFunctionConcurrency", On::Function),
    ("GetFunctionConfiguration", On::Qualified),
    ("GetFunctionEventInvokeConfig", On::Qualified),
    ("GetFunctionRecursionConfig", On::Function),
    ("GetFunctionScalingConfig", On::Qualified),
    ("GetFunctionUrlConfig", On::Qualified),
    ("GetLayerVersion", On::LayerVersion),
    ("GetLayerVersionByArn", On::LayerVersionArn),
    ("GetLayerVersionPolicy", On::LayerVersion),
    ("GetPolicy", On::Qualified),
    ("GetProvisionedConcurrencyConfig", On::Qualified),
    ("GetResourcePolicy", On::Policy),
    ("GetRuntimeManagementConfig", On::Qualified),
    ("Invoke", On::Qualified),
    ("InvokeAsync", On::Function),
    ("InvokeWithResponseStream", On::Qualified),
    ("ListAliases", On::Function),
    ("ListCodeSigningConfigs", On::Everything),
    ("ListDurableExecutionsByFunction", On::Qualified),
    ("ListEventSourceMappings", On::Everything),
    ("ListFunctionEventInvokeConfigs", On::Function),
    ("ListFunctionUrlConfigs", On::Function),
    ("ListFunctions", On::Everything),
    ("ListFunctionsByCodeSigningConfig", On::CodeSigning),
    ("ListLayerVersions", On::Everything),
    ("ListLayers", On::Everything),
    ("ListProvisionedConcurrencyConfigs", On::Function),
    ("ListTags", On::Tagged),
    ("ListVersionsByFunction", On::Function),
    ("PublishLayerVersion", On::Layer),
    ("PublishVersion", On::Function),
    ("PutFunctionCodeSigningConfig", On::FunctionAndCodeSigning),
    ("PutFunctionConcurrency", On::Function),
    ("PutFunctionEventInvokeConfig", On::Qualified),
    ("PutFunctionRecursionConfig", On::Function),
    ("PutFunctionScalingConfig", On::Qualified),
    ("PutProvisionedConcurrencyConfig", On::Qualified),
    ("PutResourcePolicy", On::Policy),
    ("PutRuntimeManagementConfig", On::Qualified),
    ("RemoveLayerVersionPermission", On::LayerVersion),
    ("RemovePermission", On::Qualified),
    ("SendDurableExecutionCallbackFailure", On::Everything),
    ("SendDurableExecutionCallbackHeartbeat", On::Everything),
    ("SendDurableExecutionCallbackSuccess", On::Everything),
    ("StopDurableExecution", On::Execution),
    ("TagResource", On::Tagged),
    ("UntagResource", On::Tagged),
    ("UpdateAlias", On::Function),
    ("UpdateCodeSigningConfig", On::CodeSigning),
    ("UpdateEventSourceMapping", On::Mapping),
    ("UpdateFunctionCode", On::Function),
    ("UpdateFunctionConfiguration", On::Function),
    ("UpdateFunctionEventInvokeConfig", On::Qualified),
    ("UpdateFunctionUrlConfig", On::Qualified),
];

/// The actions of operations that the catalogue of permissions does not have yet.
const NEWER: [(&str, &str); 4] = [
    ("DeleteDurableExecution", "lambda:DeleteDurableExecution"),
    ("DeleteResourcePolicy", "lambda:DeleteResourcePolicy"),
    ("GetResourcePolicy", "lambda:GetResourcePolicy"),
    ("PutResourcePolicy", "lambda:PutResourcePolicy"),
];

impl Guard for Lambda {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let members = Members(input);
        let name = cx.operation.name;
        let on = match OPERATIONS.binary_search_by(|(operation, _)| (*operation).cmp(name)) {
            Ok(place) => OPERATIONS[place].1,
            Err(_) => return Vec::new(),
        };
        let resources = resources(cx, members, on);
        let mut needs: Vec<Need> = resources
            .iter()
            .flat_map(|resource| own_needs(cx, resource))
            .map(|need| conditions(cx, members, need))
            .collect();
        needs.extend(further(members, &resources[0], name));
        needs
    }

    fn facts<'a>(&'a self, cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            if let Some((layer, number)) = layers::parse_arn(&need.resource) {
                return layer_facts(self, &layer, number).await;
            }
            // The root of the function's account may do all that the function's policy does not deny it.
            let named = names::parts_of_arn(&need.resource);
            let is_own = named.as_ref().is_none_or(|(function, _)| cx.principal.account() == Some(&function.account));
            if is_own && cx.principal.acts_as_root() {
                let is_free = match named {
                    Some((function, qualifier)) => !self.functions.has_denials(&function, qualifier.as_deref()).await?,
                    None => true,
                };
                if is_free {
                    return Ok(Facts::default());
                }
            }
            facts(self, &need.resource).await
        })
    }
}

/// The permissions for the operation itself.
fn own_needs(cx: &Ctx, resource: &str) -> Vec<Need> {
    match NEWER.iter().find(|(operation, _)| *operation == cx.operation.name) {
        Some((_, action)) => vec![Need::new(action, resource)],
        None => Need::of_operation(cx, resource),
    }
}

/// The ARNs of what is acted on; `*` where the input names none.
fn resources(cx: &Ctx, members: Members<'_>, on: On) -> Vec<String> {
    let function = |qualifier: Option<String>, is_whole: bool| {
        let name = members.text("FunctionName")?;
        names::arn(cx, &name, qualifier.as_deref(), is_whole)
    };
    let found = match on {
        On::Everything => None,
        On::Function => function(None, true),
        On::Qualified => function(members.text("Qualifier"), false),
        On::Tagged => members.text("Resource"),
        On::Policy => members.text("ResourceArn"),
        On::Layer => members.text("LayerName").map(|name| layer_arn(cx, &name)),
        On::LayerVersion => members
            .text("LayerName")
            .map(|name| format!("{}:{}", layer_arn(cx, &name), members.text("VersionNumber").unwrap_or_default())),
        On::LayerVersionArn => members.text("Arn"),
        On::Mapping => members.text("UUID").map(|id| cx.arn("lambda", &format!("event-source-mapping:{id}"))),
        On::CodeSigning => members.text("CodeSigningConfigArn"),
        On::FunctionAndCodeSigning => {
            let both = function(None, true).into_iter().chain(members.text("CodeSigningConfigArn"));
            return both.collect::<Vec<_>>().into_iter().chain(["*".to_owned()]).take(2).collect();
        }
        On::Execution => members.text("DurableExecutionArn"),
    };
    vec![found.unwrap_or_else(|| "*".to_owned())]
}

fn layer_arn(cx: &Ctx, name: &str) -> String {
    if name.starts_with("arn:") { name.to_owned() } else { cx.arn("lambda", &format!("layer:{name}")) }
}

/// The condition keys that the request itself tells.
fn conditions(cx: &Ctx, members: Members<'_>, mut need: Need) -> Need {
    let tags = members.tags("Tags");
    need = need.with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let function_arn = || {
        let is_relevant = cx.operation.name.contains("EventSourceMapping") || cx.operation.name.contains("FunctionUrl");
        let name = members.text("FunctionName").filter(|_| is_relevant)?;
        names::arn(cx, &name, members.text("Qualifier").as_deref(), false)
    };
    let lists = [
        ("aws:TagKeys", members.texts("TagKeys")),
        ("lambda:CodeSigningConfigArn", members.texts("CodeSigningConfigArn")),
        ("lambda:FunctionArn", function_arn().into_iter().collect()),
        (
            "lambda:FunctionUrlAuthType",
            members.text("FunctionUrlAuthType").or_else(|| members.text("AuthType")).into_iter().collect(),
        ),
        ("lambda:Layer", members.texts("Layers")),
        ("lambda:Principal", members.texts("Principal")),
        ("lambda:SecurityGroupIds", members.texts_at(&["VpcConfig", "SecurityGroupIds"])),
        ("lambda:SubnetIds", members.texts_at(&["VpcConfig", "SubnetIds"])),
    ];
    for (key, values) in lists {
        if !values.is_empty() {
            need = need.with(key, values);
        }
    }
    need
}

/// What a request needs besides its own action: to pass the role, to use the layers, to tag.
fn further(members: Members<'_>, function: &str, operation: &str) -> Vec<Need> {
    let mut needs = Vec::new();
    if let Some(role) = members.text("Role") {
        needs.push(
            Need::new("iam:PassRole", role)
                .with("iam:PassedToService", vec![LAMBDA.to_owned()])
                .with("iam:AssociatedResourceArn", vec![function.to_owned()]),
        );
    }
    needs.extend(members.texts("Layers").into_iter().map(|layer| Need::new("lambda:GetLayerVersion", layer)));
    let tags = members.tags("Tags");
    if operation.starts_with("Create") && !tags.is_empty() {
        let tags = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        needs.push(Need::new("lambda:TagResource", function).with_request_tags(tags));
    }
    needs
}

/// A function's tags, and the policy of the very resource that is named: a function's own does not reach its aliases.
async fn facts(lambda: &Lambda, arn: &str) -> Result<Facts, Error> {
    if let Some((place, uuid)) = arn.split_once(":event-source-mapping:") {
        return mapping_facts(lambda, place, uuid).await;
    }
    let Some((function, qualifier)) = names::parts_of_arn(arn) else { return Ok(Facts::default()) };
    let record = lambda.functions.function(&function).await?;
    let tags = record.map(|record| record.tags.into_iter().collect());
    let policy: Option<ResourcePolicy> = lambda.functions.row(&keys::policy(&function, qualifier.as_deref())).await?;
    let policy = policy.map(|policy| Arc::from(policy.document()));
    Ok(Facts { tags: tags.unwrap_or_default(), policy, ..Facts::default() })
}

/// The policy of a layer version.
async fn layer_facts(lambda: &Lambda, layer: &LayerId, number: Option<u64>) -> Result<Facts, Error> {
    let Some(number) = number else { return Ok(Facts::default()) };
    let policy: Option<ResourcePolicy> = lambda.functions.row(&keys::layer_policy(layer, number)).await?;
    Ok(Facts { policy: policy.map(|policy| Arc::from(policy.document())), ..Facts::default() })
}

/// The tags of the mapping `arn:aws:lambda:{region}:{account}:event-source-mapping:{uuid}`.
async fn mapping_facts(lambda: &Lambda, place: &str, uuid: &str) -> Result<Facts, Error> {
    let parts: Vec<&str> = place.split(':').collect();
    let [_, _, _, region, account] = parts.as_slice() else { return Ok(Facts::default()) };
    let mapping: Option<Mapping> = lambda.functions.row(&keys::mapping(account, region, uuid)).await?;
    let tags = mapping.map(|mapping| mapping.tags.into_iter().collect()).unwrap_or_default();
    Ok(Facts { tags, ..Facts::default() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use api::Operation;
    use api::lambda::{self, AddPermissionRequest, CreateFunctionRequest, InvocationRequest};
    use platform::{Call, Principal};

    use super::*;
    use crate::testing::{ACCOUNT, Bench, request};

    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111122223333:function:greet";

    fn needs<O: Operation>(bench: &Bench, input: &dyn Structure) -> Vec<Need> {
        let cx = bench.context(ACCOUNT);
        let cx = Ctx::new(Call { operation: O::definition(), ..(*cx).clone() });
        bench.lambda.needs(&cx, input)
    }

    fn invoke(name: &str, qualifier: Option<&str>) -> InvocationRequest {
        let qualifier = qualifier.map(str::to_owned);
        InvocationRequest { function_name: name.to_owned(), qualifier, ..Default::default() }
    }

    #[test]
    fn the_table_is_sorted_and_names_operations_of_lambda() {
        assert!(OPERATIONS.is_sorted_by_key(|(name, _)| *name));
        for (name, _) in OPERATIONS {
            assert!(api::lambda::SERVICE.operation(name).is_some(), "{name}");
        }
    }

    #[tokio::test]
    async fn every_spelling_of_a_function_is_the_same_resource_and_its_qualifier_counts() {
        let bench = Bench::new();
        for (input, resource) in [
            (invoke("greet", None), FUNCTION.to_owned()),
            (invoke("111122223333:function:greet", None), FUNCTION.to_owned()),
            (invoke(FUNCTION, None), FUNCTION.to_owned()),
            (invoke("greet", Some("live")), format!("{FUNCTION}:live")),
            (invoke("greet:live", None), format!("{FUNCTION}:live")),
            (invoke("444455556666:greet", None), FUNCTION.replace("111122223333", "444455556666")),
            (invoke("no name", None), "*".to_owned()),
        ] {
            let expected = [Need::new("lambda:InvokeFunction", resource)];
            assert_eq!(needs::<lambda::Invoke>(&bench, &input), expected, "{}", input.function_name);
        }
    }

    #[tokio::test]
    async fn a_creation_needs_the_role_the_layers_and_the_tags_too() {
        let bench = Bench::new();
        let layer = "arn:aws:lambda:eu-west-1:444455556666:layer:shared:1".to_owned();
        let tags = BTreeMap::from([("team".to_owned(), "blue".to_owned())]);
        let input = CreateFunctionRequest { layers: Some(vec![layer.clone()]), tags: Some(tags), ..request("greet") };
        let needs = needs::<lambda::CreateFunction>(&bench, &input);
        let asked: Vec<_> = needs.iter().map(|need| (need.action, need.resource.as_str())).collect();
        assert_eq!(
            asked,
            [
                ("lambda:CreateFunction", FUNCTION),
                ("iam:PassRole", "arn:aws:iam::111122223333:role/worker"),
                ("lambda:GetLayerVersion", layer.as_str()),
                ("lambda:TagResource", FUNCTION),
            ]
        );
        let has = |need: &Need, key: &str, value: &str| {
            need.context.iter().any(|(name, values)| name == key && values == &[value.to_owned()])
        };
        assert!(has(&needs[0], "aws:RequestTag/team", "blue") && has(&needs[0], "lambda:Layer", &layer));
        assert!(has(&needs[1], "iam:PassedToService", "lambda.amazonaws.com"));
        assert!(has(&needs[1], "iam:AssociatedResourceArn", FUNCTION));
    }

    #[tokio::test]
    async fn a_permission_to_be_added_tells_whom_it_is_for() {
        let principal = "s3.amazonaws.com".to_owned();
        let input = AddPermissionRequest { function_name: "greet".to_owned(), principal, ..Default::default() };
        let needs = needs::<lambda::AddPermission>(&Bench::new(), &input);
        assert!(needs[0].context.contains(&("lambda:Principal".to_owned(), vec!["s3.amazonaws.com".to_owned()])));
    }

    #[tokio::test]
    async fn a_functions_tags_are_known_to_all_but_the_root() {
        let bench = Bench::new();
        let tags = BTreeMap::from([("team".to_owned(), "blue".to_owned())]);
        bench
            .call::<lambda::CreateFunction>(CreateFunctionRequest { tags: Some(tags), ..request("greet") })
            .await
            .unwrap();
        let root = bench.context(ACCOUNT);
        let service = Principal::Service { name: "s3.amazonaws.com", account: ACCOUNT.to_owned(), source_arn: None };
        let other = Ctx::new(Call { principal: service, ..(*root).clone() });
        for resource in [FUNCTION.to_owned(), format!("{FUNCTION}:1")] {
            let need = Need::new("lambda:InvokeFunction", resource);
            let facts = bench.lambda.facts(&other, &need).await.unwrap();
            assert_eq!(facts.tags, [("team".to_owned(), "blue".to_owned())]);
            assert!(bench.lambda.facts(&root, &need).await.unwrap().tags.is_empty());
        }
    }
}
