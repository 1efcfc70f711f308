//! Making keys.

use std::collections::{BTreeMap, BTreeSet};

use api::kms::enums::{key_spec, origin_type};
use api::kms::errors::limit_exceeded_exception;
use api::kms::{CreateKeyRequest, CreateKeyResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;
use zeroize::Zeroizing;

use crate::crypto::SecretBytes;
use crate::limits::KEYS_MAX;
use crate::metadata::metadata;
use crate::names::spell_id;
use crate::operations::tags::{self, TagSet};
use crate::records::{Count, CurrentMaterial, KeyRecord, KeyState, Manager, MaterialRecord, MultiRegionRecord, Origin};
use crate::service::Kms;
use crate::spec::{KeySpec, KeyUsage};
use crate::{errors, keys, policy_document, rows};

/// Bytes of a symmetric key.
const SYMMETRIC_KEY_BYTES: usize = 32;

/// What was asked for, checked.
struct Wanted {
    spec: KeySpec,
    usage: KeyUsage,
    origin: Origin,
    tags: TagSet,
}

/// Makes a key.
pub async fn create_key(kms: &Kms, cx: &Ctx, input: CreateKeyRequest) -> Result<CreateKeyResponse, Error> {
    let wanted = check(&input)?;
    let policy = match &input.policy {
        Some(policy) => {
            policy_document::accept(cx, policy, input.bypass_policy_lockout_safety_check.unwrap_or_default())?
        }
        None => policy_document::default_policy(&cx.account),
    };
    let is_multi_region = input.multi_region.unwrap_or_default();
    let mut random = [0; 16];
    kms.platform.ids.fill(&mut random);
    let id = if is_multi_region { spell_id(true, u128::from_be_bytes(random)) } else { kms.platform.ids.uuid() };
    let mut record = KeyRecord {
        id,
        account: cx.account.clone(),
        region: cx.region.clone(),
        created_at: kms.now(),
        description: input.description.unwrap_or_default(),
        spec: wanted.spec,
        usage: wanted.usage,
        origin: wanted.origin,
        manager: Manager::Customer,
        state: KeyState::PendingImport,
        policy,
        tags: wanted.tags,
        is_multi_region,
        public_key: None,
        current: None,
        next_generation: 0,
        rotation: None,
        on_demand_rotations: 0,
        grants: 0,
    };
    let material = match wanted.origin {
        Origin::AwsKms => Some(kms.first_material(&mut record).await?),
        Origin::External => None,
    };
    let regions =
        is_multi_region.then(|| MultiRegionRecord { primary: record.region.clone(), replicas: BTreeSet::new() });
    let key_metadata = metadata(&record, regions.as_ref());
    kms.transact(&cx.account, move |rows| {
        add_key(rows, &record, material.as_ref())?;
        match &regions {
            Some(regions) => rows::put(rows, &keys::multi_region(&record.id), regions),
            None => Ok(()),
        }
    })
    .await?;
    Ok(CreateKeyResponse { key_metadata: Some(key_metadata) })
}

/// Writes a new customer key, within the region's quota.
///
/// # Errors
/// `LimitExceededException`.
pub fn add_key(
    rows: &mut dyn Transaction,
    record: &KeyRecord,
    material: Option<&MaterialRecord>,
) -> Result<(), Abort<Error>> {
    let count_key = keys::count(&record.region);
    let mut count: Count = rows::read(rows, &count_key)?.unwrap_or_default();
    if count.keys >= KEYS_MAX {
        return Err(limit_exceeded_exception("The number of keys in this account and region is at its limit.").into());
    }
    count.keys += 1;
    rows::put(rows, &count_key, &count)?;
    if let (Some(material), Some(current)) = (material, &record.current) {
        rows::put(rows, &keys::material(&record.region, &record.id, current.generation), material)?;
    }
    rows::put_key(rows, record)
}

fn check(input: &CreateKeyRequest) -> Result<Wanted, Error> {
    for (parameter, is_set) in
        [("CustomKeyStoreId", input.custom_key_store_id.is_some()), ("XksKeyId", input.xks_key_id.is_some())]
    {
        if is_set {
            return Err(errors::unsupported_parameter(parameter));
        }
    }
    let origin = match input.origin.as_deref() {
        None | Some(origin_type::AWS_KMS) => Origin::AwsKms,
        Some(origin_type::EXTERNAL) => Origin::External,
        Some(other) => return Err(errors::unsupported_operation(format!("Origin {other} is not supported."))),
    };
    let spec_name = match (&input.key_spec, &input.customer_master_key_spec) {
        (Some(_), Some(_)) => {
            return Err(errors::invalid(
                "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is \
                 deprecated.",
            ));
        }
        (Some(name), None) | (None, Some(name)) => name.as_str(),
        (None, None) => key_spec::SYMMETRIC_DEFAULT,
    };
    let spec = KeySpec::parse(spec_name).ok_or_else(|| {
        errors::unsupported_operation(format!("KeySpec {spec_name} is not supported in this region."))
    })?;
    let usage = match &input.key_usage {
        Some(usage) => KeyUsage::parse(usage)
            .filter(|usage| spec.usages().contains(usage))
            .ok_or_else(|| errors::invalid(format!("KeyUsage {usage} is not compatible with KeySpec {spec_name}")))?,
        None if spec == KeySpec::Symmetric => KeyUsage::Encryption,
        None => {
            return Err(errors::invalid(
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
            ));
        }
    };
    if origin == Origin::External && matches!(spec, KeySpec::MlKem(_)) {
        return Err(errors::unsupported_operation(format!(
            "Origin EXTERNAL is not supported for KeySpec {spec_name}."
        )));
    }
    let tags = tags::merge(BTreeMap::new(), input.tags.as_deref().unwrap_or_default())?;
    Ok(Wanted { spec, usage, origin, tags })
}

impl Kms {
    /// Makes a key's first material, and enables the key.
    async fn first_material(&self, record: &mut KeyRecord) -> Result<MaterialRecord, Error> {
        let secret = match record.spec {
            KeySpec::Symmetric => self.random_key(),
            KeySpec::Hmac(size) => self.random_bytes(size.key_bytes()),
            spec => {
                let pair = self.make_pair(spec).await?;
                record.public_key = Some(STANDARD.encode(&pair.public));
                pair.secret
            }
        };
        let id = self.platform.ids.hex(64);
        let material = self.vault.seal(record, 0, id.clone(), &secret);
        record.current = Some(CurrentMaterial { generation: 0, id, expires_at: None });
        record.next_generation = 1;
        record.state = KeyState::Enabled;
        Ok(material)
    }

    /// A fresh symmetric key.
    pub(crate) fn random_key(&self) -> SecretBytes {
        self.random_bytes(SYMMETRIC_KEY_BYTES)
    }

    /// Fresh random bytes.
    pub(crate) fn random_bytes(&self, length: usize) -> SecretBytes {
        let mut bytes = Zeroizing::new(vec![0; length]);
        self.platform.ids.fill(&mut bytes);
        bytes
    }
}
