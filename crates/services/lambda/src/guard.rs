//! What permissions the operations need.

use platform::{Ctx, Facts, FactsFuture, Guard, Members, Need};
use wire::Error;
use wire::codec::Structure;

use crate::names;
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
const OPERATIONS: [(&str, On); 79] = [
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
    ("DeleteEventSourceMapping", On::Mapping),
    ("DeleteFunction", On::Qualified),
    ("DeleteFunctionCodeSigningConfig", On::Function),
    ("DeleteFunctionConcurrency", On::Function),
    ("DeleteFunctionEventInvokeConfig", On::Qualified),
    ("DeleteFunctionUrlConfig", On::Qualified),
    ("DeleteLayerVersion", On::LayerVersion),
    ("DeleteProvisionedConcurrencyConfig", On::Qualified),
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
            .flat_map(|resource| Need::of_operation(cx, resource))
            .map(|need| conditions(cx, members, need))
            .collect();
        needs.extend(further(members, &resources[0], name));
        needs
    }

    fn facts<'a>(&'a self, _: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(facts(self, &need.resource))
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

/// A function's tags.
async fn facts(lambda: &Lambda, arn: &str) -> Result<Facts, Error> {
    let Some(function) = names::function_of_arn(arn) else { return Ok(Facts::default()) };
    let record = lambda.functions.function(&function).await?;
    let tags = record.map(|record| record.tags.into_iter().collect());
    Ok(Facts { tags: tags.unwrap_or_default(), ..Facts::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_operations_of_lambda() {
        assert!(OPERATIONS.is_sorted_by_key(|(name, _)| *name));
        for (name, _) in OPERATIONS {
            assert!(api::lambda::SERVICE.operation(name).is_some(), "{name}");
        }
    }
}
