//! What is known of a key when a call on it is decided: its policy, its tags, and who was granted what.

use std::collections::BTreeMap;

use platform::guard::Authority;
use platform::{Ctx, Facts, Need, Principal};
use wire::Error;

use super::needs::ENCRYPTION_CONTEXT;
use super::{BEHIND_ALIAS, GRANT_ID, REQUEST_ALIAS};
use crate::limits::GRANTS_PER_GRANTEE_MAX;
use crate::metadata::multi_region_type;
use crate::names::{ALIAS_PREFIX, AliasName, KeyName, KeyReference};
use crate::operations::aliases::names_of;
use crate::records::{GrantRecord, KeyRecord};
use crate::service::Kms;

/// The facts of a need's key. An alias has none of its own, unless the need is about the key behind it.
pub async fn facts(kms: &Kms, cx: &Ctx, need: &Need) -> Result<Facts, Error> {
    let name = match read_arn(&need.resource) {
        Some(KeyReference::Key(name)) => name,
        Some(alias @ KeyReference::Alias(_))
            if values(need, REQUEST_ALIAS).or(values(need, BEHIND_ALIAS)).is_some() =>
        {
            match kms.name_of(cx, alias).await {
                Ok(name) => name,
                // The handler says that there is no such alias.
                Err(error) if error.is("NotFoundException") => return Ok(Facts::default()),
                Err(error) => return Err(error),
            }
        }
        _ => return Ok(Facts::default()),
    };
    let Some(record) = kms.find_key(&name).await? else { return Ok(Facts::default()) };
    let granted = is_granted(kms, cx, &record, &name, need).await?;
    Ok(Facts {
        resource: Some(record.arn()),
        policy: Some(record.policy.as_str().into()),
        authority: Authority::Resource,
        context: conditions(kms, &record).await?,
        tags: record.tags.into_iter().collect(),
        granted,
        ..Facts::default()
    })
}

fn read_arn(arn: &str) -> Option<KeyReference> {
    let mut parts = arn.strip_prefix("arn:aws:kms:")?.splitn(3, ':');
    let (region, account, resource) = (parts.next()?.to_owned(), parts.next()?.to_owned(), parts.next()?);
    if let Some(id) = resource.strip_prefix("key/") {
        return Some(KeyReference::Key(KeyName { account, region, id: id.to_owned() }));
    }
    let name = resource.starts_with(ALIAS_PREFIX).then(|| resource.to_owned())?;
    Some(KeyReference::Alias(AliasName { account, region, name }))
}

fn values<'n>(need: &'n Need, key: &str) -> Option<&'n [String]> {
    need.context.iter().find(|(name, _)| name == key).map(|(_, values)| values.as_slice())
}

/// The condition keys of the key itself.
async fn conditions(kms: &Kms, record: &KeyRecord) -> Result<Vec<(String, Vec<String>)>, Error> {
    let one = |key: &str, value: &str| (key.to_owned(), vec![value.to_owned()]);
    let mut conditions = vec![
        one("kms:KeySpec", record.spec.name()),
        one("kms:KeyUsage", record.usage.name()),
        one("kms:KeyOrigin", record.origin.name()),
        one("kms:MultiRegion", if record.is_multi_region { "true" } else { "false" }),
    ];
    if let Some(regions) = kms.regions_of(record).await? {
        conditions.push(one("kms:MultiRegionKeyType", multi_region_type(record, &regions)));
    }
    let aliases = names_of(kms, record).await?;
    if !aliases.is_empty() {
        conditions.push(("kms:ResourceAliases".to_owned(), aliases));
    }
    Ok(conditions)
}

/// Whether a grant allows the caller what is needed.
async fn is_granted(kms: &Kms, cx: &Ctx, record: &KeyRecord, name: &KeyName, need: &Need) -> Result<bool, Error> {
    if record.grants == 0 {
        return Ok(false);
    }
    let callers = [cx.principal.arn(), cx.principal.identity_arn()];
    if need.action == "kms:RetireGrant" {
        let Some([id]) = values(need, GRANT_ID) else { return Ok(false) };
        return Ok(kms.find_grant(name, id).await?.is_some_and(|grant| may_retire(&grant, &callers)));
    }
    let differing = if callers[0] == callers[1] { &callers[..1] } else { &callers[..] };
    for caller in differing {
        let grants = kms.grants_of_grantee(name, caller, None, GRANTS_PER_GRANTEE_MAX).await?;
        if grants.iter().any(|grant| permits(grant, &cx.principal, need)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whoever is named for it may retire a grant, and so may its grantee if that was granted.
fn may_retire(grant: &GrantRecord, callers: &[String]) -> bool {
    let is_caller = |text: Option<&str>| text.is_some_and(|text| callers.iter().any(|caller| caller == text));
    is_caller(grant.retirer_text())
        || (is_caller(Some(grant.grantee_text())) && grant.operations.contains("RetireGrant"))
}

/// Whether a grant for the caller allows this need.
pub fn permits(grant: &GrantRecord, caller: &Principal, need: &Need) -> bool {
    let operation = need.action.strip_prefix("kms:").unwrap_or_default();
    if !grant.operations.contains(operation) {
        return false;
    }
    if let Some(expected) = &grant.constraints.source_arn {
        let source = match caller {
            Principal::Service { source_arn, .. } => source_arn.as_ref(),
            _ => None,
        };
        if source != Some(expected) {
            return false;
        }
    }
    match operation {
        // Operations without an encryption context are not constrained by one.
        "DescribeKey" | "GetPublicKey" => true,
        // Whoever passes a grant on gives no more than they were given.
        "CreateGrant" => {
            let passed_on = values(need, "kms:GrantOperations").unwrap_or_default();
            passed_on.iter().all(|operation| grant.operations.contains(operation)) && holds(grant, need)
        }
        _ => holds(grant, need),
    }
}

/// Whether the encryption context is one that the grant is for.
fn holds(grant: &GrantRecord, need: &Need) -> bool {
    let pairs = need
        .context
        .iter()
        .filter_map(|(key, values)| Some((key.strip_prefix(ENCRYPTION_CONTEXT)?.to_owned(), values.first()?.clone())));
    let context: BTreeMap<String, String> = pairs.collect();
    let constraints = &grant.constraints;
    constraints.equals.as_ref().is_none_or(|equals| *equals == context)
        && constraints
            .subset
            .as_ref()
            .is_none_or(|subset| subset.iter().all(|(key, value)| context.get(key) == Some(value)))
}
