//! What permissions the operations need, and what is known of secrets when they are decided.

use std::sync::Arc;

use platform::guard::Members;
use platform::{Ctx, Facts, FactsFuture, Guard, Need};
use wire::Error;
use wire::codec::Structure;

use crate::names::{SecretId, check_name};
use crate::records::SecretRecord;
use crate::service::Secrets;
use crate::stages::CURRENT;

/// The service's guard.
pub struct SecretsGuard(pub Arc<Secrets>);

/// Condition keys that are members of a request under the same name. Service authorization reference.
const KEYS_OF_MEMBERS: [(&str, &str); 12] = [
    ("BlockPublicPolicy", "secretsmanager:BlockPublicPolicy"),
    ("Description", "secretsmanager:Description"),
    ("ForceDeleteWithoutRecovery", "secretsmanager:ForceDeleteWithoutRecovery"),
    ("ForceOverwriteReplicaSecret", "secretsmanager:ForceOverwriteReplicaSecret"),
    ("KmsKeyId", "secretsmanager:KmsKeyId"),
    ("Name", "secretsmanager:Name"),
    ("RecoveryWindowInDays", "secretsmanager:RecoveryWindowInDays"),
    ("RotateImmediately", "secretsmanager:RotateImmediately"),
    ("RotationLambdaARN", "secretsmanager:RotationLambdaARN"),
    ("SecretId", "secretsmanager:SecretId"),
    ("Type", "secretsmanager:Type"),
    ("VersionId", "secretsmanager:VersionId"),
];

impl Guard for SecretsGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let members = Members(input);
        let mut needs = Need::of_operation(cx, &resource(cx, input));
        for need in &mut needs {
            *need = with_keys(cx, input, need.clone());
        }
        if cx.operation.name == "CreateSecret" {
            let resource = resource(cx, input);
            let tags = tags(input);
            if !tags.is_empty() {
                let tags = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                needs.push(Need::new("secretsmanager:TagResource", &*resource).with_request_tags(tags));
            }
            if members.has("AddReplicaRegions") {
                let need = Need::new("secretsmanager:ReplicateSecretToRegions", &*resource);
                needs.push(need.with("secretsmanager:AddReplicaRegions", regions(input)));
            }
        }
        needs
    }

    fn facts<'a>(&'a self, cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            match self.find(cx, &need.resource).await? {
                Some(record) => Ok(facts(&cx.region, record)),
                None => Ok(Facts::default()),
            }
        })
    }
}

impl SecretsGuard {
    async fn find(&self, cx: &Ctx, resource: &str) -> Result<Option<SecretRecord>, Error> {
        let Some(id) = id_of_resource(cx, resource) else { return Ok(None) };
        match self.0.secret(&id).await {
            Ok(record) => Ok(Some(record)),
            Err(error) if error.is("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The secret in an ARN of ours, whose suffix may be question marks.
fn id_of_resource(cx: &Ctx, resource: &str) -> Option<SecretId> {
    match resource.strip_suffix("-??????") {
        Some(partial) => {
            let name = partial.splitn(7, ':').nth(6)?;
            let account = partial.split(':').nth(4)?;
            let region = partial.split(':').nth(3)?;
            Some(SecretId { account: account.into(), region: region.into(), name: name.into(), arn: None })
        }
        None => SecretId::parse(cx, resource).ok(),
    }
}

fn has_member(input: &dyn Structure, name: &str) -> bool {
    input.shape().members().iter().any(|member| member.name == name)
}

/// The ARN of the secret that a request names; `*` for requests that name none.
fn resource(cx: &Ctx, input: &dyn Structure) -> String {
    let members = Members(input);
    let named = ["SecretId", "Name"].into_iter().filter(|name| has_member(input, name));
    let Some(text) = named.filter_map(|name| members.text(name)).next() else { return "*".to_owned() };
    match SecretId::parse(cx, &text) {
        Ok(id) => id.arn_or_pattern(),
        // Another region's ARN, or no name at all: the handler refuses it.
        Err(_) if text.starts_with("arn:") => text,
        Err(_) => "*".to_owned(),
    }
}

fn with_keys(cx: &Ctx, input: &dyn Structure, mut need: Need) -> Need {
    let members = Members(input);
    for (member, key) in KEYS_OF_MEMBERS {
        if let Some(value) = has_member(input, member).then(|| members.text(member)).flatten() {
            need = need.with(key, vec![value]);
        }
    }
    if cx.operation.name == "GetSecretValue" && members.text("VersionId").is_none() {
        let label = members.text("VersionStage").unwrap_or_else(|| CURRENT.to_owned());
        need = need.with("secretsmanager:VersionStage", vec![label]);
    } else if has_member(input, "VersionStage") {
        need = need.with("secretsmanager:VersionStage", members.text("VersionStage").into_iter().collect());
    }
    if has_member(input, "RotationRules") {
        need = need.with("secretsmanager:ModifyRotationRules", vec![members.has("RotationRules").to_string()]);
    }
    let regions = regions(input);
    if !regions.is_empty() {
        need = need.with("secretsmanager:AddReplicaRegions", regions);
    }
    if let Some(key) = kms_key_arn(cx, input) {
        need = need.with("secretsmanager:KmsKeyArn", vec![key]);
    }
    if has_member(input, "TagKeys") {
        return need.with("aws:TagKeys", members.texts("TagKeys"));
    }
    let tags = tags(input);
    need.with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

fn tags(input: &dyn Structure) -> Vec<(String, String)> {
    if has_member(input, "Tags") { Members(input).tags("Tags") } else { Vec::new() }
}

/// The ARN of the key, where the request names one by its ARN or id.
fn kms_key_arn(cx: &Ctx, input: &dyn Structure) -> Option<String> {
    let key = has_member(input, "KmsKeyId").then(|| Members(input).text("KmsKeyId")).flatten()?;
    match key.as_str() {
        "" => None,
        arn if arn.starts_with("arn:") => Some(key),
        alias if alias.starts_with("alias/") => None,
        id => check_name(id).ok().map(|()| cx.arn("kms", &format!("key/{id}"))),
    }
}

/// The regions of the replicas that a request adds.
fn regions(input: &dyn Structure) -> Vec<String> {
    use api::secretsmanager::{CreateSecretRequest, ReplicateSecretToRegionsRequest};
    let any: &dyn std::any::Any = input;
    let regions = if let Some(input) = any.downcast_ref::<CreateSecretRequest>() {
        input.add_replica_regions.as_deref().unwrap_or_default()
    } else if let Some(input) = any.downcast_ref::<ReplicateSecretToRegionsRequest>() {
        &input.add_replica_regions
    } else {
        return Vec::new();
    };
    regions.iter().filter_map(|replica| replica.region.clone()).collect()
}

fn facts(region: &str, record: SecretRecord) -> Facts {
    let tags = record.tags.unwrap_or_default();
    let mut context: Vec<(String, Vec<String>)> =
        tags.iter().map(|(key, value)| (format!("secretsmanager:ResourceTag/{key}"), vec![value.clone()])).collect();
    let primary = record.primary_region.unwrap_or_else(|| region.to_owned());
    context.push(("secretsmanager:SecretPrimaryRegion".to_owned(), vec![primary]));
    if let Some(rotation) = record.rotation {
        context.push(("secretsmanager:resource/AllowRotationLambdaArn".to_owned(), vec![rotation.lambda_arn]));
    }
    Facts { resource: Some(record.arn), policy: record.policy.map(Into::into), tags, context, ..Facts::default() }
}
