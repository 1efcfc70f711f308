//! Grants: who may use a key for what, besides its policy.

use std::collections::BTreeSet;

use api::kms::enums::grant_operation as operation;
use api::kms::errors::{invalid_arn_exception, invalid_grant_token_exception, limit_exceeded_exception};
use api::kms::{CreateGrantRequest, CreateGrantResponse, GrantConstraints};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use platform::{Ctx, Principal};
use serde::{Deserialize, Serialize};
use store::{Abort, Transaction};
use wire::Error;

use crate::limits::GRANTS_PER_KEY_MAX;
use crate::names::KeyName;
use crate::operations::end_dry_run;
use crate::records::{Constraints, GrantRecord, KeyRecord};
use crate::resolve::{require_customers, require_enabled};
use crate::service::Kms;
use crate::spec::KeyUsage;
use crate::{errors, keys, rows};

/// What the sealed bytes of a grant token are said to be.
const TOKEN_CONTEXT: &str = "kms/grant-token";

/// What a grant token says. Grants hold from the moment they are made, so a token grants nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantToken {
    /// The key's account.
    pub account: String,
    /// The key's region.
    pub region: String,
    /// The key's id.
    pub key: String,
    /// The grant's id.
    pub grant: String,
}

/// Makes a grant. One with the same name and contents is the same grant.
pub async fn create_grant(kms: &Kms, cx: &Ctx, input: CreateGrantRequest) -> Result<CreateGrantResponse, Error> {
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let name = KeyName::parse(cx, &input.key_id)?;
    let record = kms.find(&name).await?;
    let dry_run = input.dry_run;
    let grant = draft(kms, cx, &record, input)?;
    let call = cx.clone();
    let (key, asked) = (name.clone(), grant.clone());
    let id = kms
        .transact(&name.account, move |rows| {
            let mut record = rows::key(rows, &key)?;
            require_customers_or_service(&call, &record)?;
            require_enabled(&record)?;
            if let Some(existing) = same_grant(rows, &key, &asked)? {
                return Ok(existing);
            }
            if record.grants >= GRANTS_PER_KEY_MAX {
                return Err(limit_exceeded_exception("The number of grants of this key is at its limit.").into());
            }
            end_dry_run(dry_run)?;
            record.grants += 1;
            rows::put_key(rows, &record)?;
            add_grant(rows, &key, &asked)?;
            Ok(asked.id.clone())
        })
        .await?;
    let token = GrantToken { account: name.account, region: name.region, key: name.id, grant: id.clone() };
    Ok(CreateGrantResponse { grant_token: Some(spell_token(kms, &token)), grant_id: Some(id) })
}

/// On a key of AWS's own only its service makes grants.
fn require_customers_or_service(cx: &Ctx, record: &KeyRecord) -> Result<(), Error> {
    let is_service = matches!(cx.principal, Principal::Service { .. }) || cx.via_service().is_some();
    if is_service { Ok(()) } else { require_customers(cx, record) }
}

fn draft(kms: &Kms, cx: &Ctx, record: &KeyRecord, input: CreateGrantRequest) -> Result<GrantRecord, Error> {
    if input.grantee_principal.is_none() && input.grantee_service_principal.is_none() {
        return Err(errors::invalid("GranteePrincipal or GranteeServicePrincipal must be specified."));
    }
    if input.grantee_principal.is_some() && input.grantee_service_principal.is_some() {
        return Err(errors::invalid("GranteePrincipal and GranteeServicePrincipal cannot both be specified."));
    }
    if input.retiring_principal.is_some() && input.retiring_service_principal.is_some() {
        return Err(errors::invalid("RetiringPrincipal and RetiringServicePrincipal cannot both be specified."));
    }
    for arn in input.grantee_principal.iter().chain(&input.retiring_principal) {
        if !is_principal(arn) {
            return Err(invalid_arn_exception(format!("Invalid arn {arn}")));
        }
    }
    let operations: BTreeSet<String> = input.operations.into_iter().collect();
    if operations.is_empty() {
        return Err(errors::invalid("At least one operation must be specified."));
    }
    for operation in &operations {
        if !is_grantable(record, operation) {
            return Err(errors::invalid(format!(
                "Grant operation {operation} is not supported for key {} with key usage {} and key spec {}.",
                record.arn(),
                record.usage.name(),
                record.spec.name()
            )));
        }
    }
    let constraints = constraints_of(record, input.constraints)?;
    if constraints.source_arn.is_some() && input.grantee_service_principal.is_none() {
        return Err(errors::invalid("SourceArn is only valid with GranteeServicePrincipal."));
    }
    Ok(GrantRecord {
        id: kms.platform.ids.hex(64),
        key: record.id.clone(),
        name: input.name,
        created_at: kms.now(),
        grantee: input.grantee_principal,
        grantee_service: input.grantee_service_principal,
        retirer: input.retiring_principal,
        retirer_service: input.retiring_service_principal,
        issuer: cx.principal.account().unwrap_or(&cx.account).to_owned(),
        operations,
        constraints,
    })
}

fn constraints_of(record: &KeyRecord, asked: Option<GrantConstraints>) -> Result<Constraints, Error> {
    let asked = asked.unwrap_or_default();
    let has_context = asked.encryption_context_equals.is_some() || asked.encryption_context_subset.is_some();
    if has_context && !record.is_symmetric() {
        return Err(errors::invalid("Encryption context constraints are only valid for symmetric encryption keys."));
    }
    Ok(Constraints {
        subset: asked.encryption_context_subset,
        equals: asked.encryption_context_equals,
        source_arn: asked.source_arn,
    })
}

/// Whether that is the ARN of somebody: an account, a user, a role, a session or a federated user.
fn is_principal(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", "aws", service, "", account, resource] = parts[..] else { return false };
    let is_account = account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit());
    let is_known = match service {
        "iam" => resource == "root" || resource.starts_with("user/") || resource.starts_with("role/"),
        "sts" => resource.starts_with("assumed-role/") || resource.starts_with("federated-user/"),
        _ => false,
    };
    is_account && is_known
}

/// Whether a key of that kind can grant an operation.
fn is_grantable(record: &KeyRecord, name: &str) -> bool {
    match name {
        operation::CREATE_GRANT | operation::RETIRE_GRANT | operation::DESCRIBE_KEY => true,
        operation::GET_PUBLIC_KEY => record.spec.is_pair(),
        operation::ENCRYPT | operation::DECRYPT | operation::RE_ENCRYPT_FROM | operation::RE_ENCRYPT_TO => {
            record.usage == KeyUsage::Encryption
        }
        operation::GENERATE_DATA_KEY
        | operation::GENERATE_DATA_KEY_WITHOUT_PLAINTEXT
        | operation::GENERATE_DATA_KEY_PAIR
        | operation::GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT => record.is_symmetric(),
        operation::SIGN | operation::VERIFY => record.usage == KeyUsage::Signing,
        operation::GENERATE_MAC | operation::VERIFY_MAC => record.usage == KeyUsage::Mac,
        operation::DERIVE_SHARED_SECRET => record.usage == KeyUsage::KeyAgreement,
        operation::ENCAPSULATE | operation::DECAPSULATE => record.usage == KeyUsage::Encapsulation,
        _ => false,
    }
}

/// The grant that was made under the same name with the same contents.
fn same_grant(rows: &mut dyn Transaction, key: &KeyName, asked: &GrantRecord) -> Result<Option<String>, Abort<Error>> {
    let Some(name_key) = name_key(key, asked) else { return Ok(None) };
    let Some(id) = rows::read::<String>(rows, &name_key)? else { return Ok(None) };
    let existing: Option<GrantRecord> = rows::read(rows, &keys::grant(&key.region, &key.id, &id))?;
    let alike = |existing: &GrantRecord| GrantRecord {
        id: existing.id.clone(),
        created_at: existing.created_at,
        issuer: existing.issuer.clone(),
        ..asked.clone()
    };
    Ok(existing.filter(|existing| *existing == alike(existing)).map(|existing| existing.id))
}

fn name_key(key: &KeyName, grant: &GrantRecord) -> Option<store::keys::Key> {
    let name = grant.name.as_deref()?;
    Some(keys::grant_name(&key.region, &key.id, name, grant.grantee_text()))
}

fn add_grant(rows: &mut dyn Transaction, key: &KeyName, grant: &GrantRecord) -> Result<(), Abort<Error>> {
    rows::put(rows, &keys::grant(&key.region, &key.id, &grant.id), grant)?;
    rows::put(rows, &keys::grant_of_grantee(&key.region, &key.id, grant.grantee_text(), &grant.id), &())?;
    if let Some(retirer) = grant.retirer_text() {
        rows::put(rows, &keys::grant_of_retirer(&key.region, retirer, &key.id, &grant.id), &())?;
    }
    match name_key(key, grant) {
        Some(name) => rows::put(rows, &name, &grant.id),
        None => Ok(()),
    }
}

/// Removes a grant's rows.
pub fn remove_grant(rows: &mut dyn Transaction, key: &KeyName, grant: &GrantRecord) {
    rows.delete(&keys::grant(&key.region, &key.id, &grant.id));
    rows.delete(&keys::grant_of_grantee(&key.region, &key.id, grant.grantee_text(), &grant.id));
    if let Some(retirer) = grant.retirer_text() {
        rows.delete(&keys::grant_of_retirer(&key.region, retirer, &key.id, &grant.id));
    }
    if let Some(name) = name_key(key, grant) {
        rows.delete(&name);
    }
}

impl GrantRecord {
    /// Who may use the key: an ARN or a service.
    pub fn grantee_text(&self) -> &str {
        self.grantee.as_deref().or(self.grantee_service.as_deref()).unwrap_or_default()
    }

    /// Who may retire the grant: an ARN or a service.
    pub fn retirer_text(&self) -> Option<&str> {
        self.retirer.as_deref().or(self.retirer_service.as_deref())
    }
}

fn spell_token(kms: &Kms, token: &GrantToken) -> String {
    let json = serde_json::to_vec(token).expect("a token is plain text");
    URL_SAFE_NO_PAD.encode(kms.platform.sealing.seal(TOKEN_CONTEXT, &json))
}

/// Reads a grant token.
///
/// # Errors
/// `InvalidGrantTokenException` for one that was not made here.
pub fn read_token(kms: &Kms, token: &str) -> Result<GrantToken, Error> {
    let sealed = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    let opened = kms.platform.sealing.open(TOKEN_CONTEXT, &sealed).ok();
    let token = opened.and_then(|json| serde_json::from_slice(&json).ok());
    token.ok_or_else(|| invalid_grant_token_exception("The grant token is not valid."))
}

/// Checks the grant tokens that came with a request.
///
/// # Errors
/// `InvalidGrantTokenException`.
pub fn check_tokens(kms: &Kms, tokens: Option<&[String]>) -> Result<(), Error> {
    tokens.unwrap_or_default().iter().try_for_each(|token| read_token(kms, token).map(drop))
}
