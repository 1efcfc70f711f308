//! A key as `DescribeKey` shows it.

use api::kms::enums::{expiration_model_type, key_manager_type, key_state, multi_region_key_type, origin_type};
use api::kms::{KeyMetadata, MultiRegionConfiguration, MultiRegionKey};

use crate::names::KeyName;
use crate::records::{KeyRecord, KeyState, Manager, MultiRegionRecord, Origin};
use crate::service::timestamp;
use crate::spec::KeyUsage;

/// All fields that a key of this kind has on AWS, and no others.
pub fn metadata(record: &KeyRecord, regions: Option<&MultiRegionRecord>) -> KeyMetadata {
    let algorithms = |usage: KeyUsage| {
        let names = record.spec.algorithms(usage).iter().map(|name| (*name).to_owned());
        (record.usage == usage).then(|| names.collect::<Vec<String>>())
    };
    let imported = record.current.as_ref().filter(|_| record.origin == Origin::External);
    let expires_at = imported.and_then(|current| current.expires_at);
    let (deletion_date, pending_deletion_window_in_days) = match record.state {
        KeyState::PendingDeletion { at } => (Some(timestamp(at)), None),
        KeyState::PendingReplicaDeletion { window_days } => (None, Some(window_days)),
        KeyState::Enabled | KeyState::Disabled | KeyState::PendingImport => (None, None),
    };
    KeyMetadata {
        aws_account_id: Some(record.account.clone()),
        key_id: record.id.clone(),
        arn: Some(record.arn()),
        creation_date: Some(timestamp(record.created_at)),
        enabled: Some(record.state == KeyState::Enabled),
        description: Some(record.description.clone()),
        key_usage: Some(record.usage.name().to_owned()),
        key_state: Some(record.state.name().to_owned()),
        deletion_date,
        valid_to: expires_at.map(timestamp),
        origin: Some(record.origin.name().to_owned()),
        expiration_model: imported.map(|_| expiration_model(expires_at).to_owned()),
        key_manager: Some(record.manager.name().to_owned()),
        customer_master_key_spec: Some(record.spec.name().to_owned()),
        key_spec: Some(record.spec.name().to_owned()),
        encryption_algorithms: algorithms(KeyUsage::Encryption),
        signing_algorithms: algorithms(KeyUsage::Signing),
        key_agreement_algorithms: algorithms(KeyUsage::KeyAgreement),
        encapsulation_algorithms: algorithms(KeyUsage::Encapsulation),
        mac_algorithms: algorithms(KeyUsage::Mac),
        multi_region: Some(record.is_multi_region),
        multi_region_configuration: regions.map(|regions| configuration(record, regions)),
        pending_deletion_window_in_days,
        current_key_material_id: record.shown_material_id(),
        ..KeyMetadata::default()
    }
}

/// Whether material expires, as the API says it.
pub fn expiration_model(expires_at: Option<i64>) -> &'static str {
    match expires_at {
        Some(_) => expiration_model_type::KEY_MATERIAL_EXPIRES,
        None => expiration_model_type::KEY_MATERIAL_DOES_NOT_EXPIRE,
    }
}

/// Primary or replica.
pub fn multi_region_type(record: &KeyRecord, regions: &MultiRegionRecord) -> &'static str {
    let is_primary = regions.primary == record.region;
    if is_primary { multi_region_key_type::PRIMARY } else { multi_region_key_type::REPLICA }
}

fn configuration(record: &KeyRecord, regions: &MultiRegionRecord) -> MultiRegionConfiguration {
    let key = |region: &String| {
        let name = KeyName { account: record.account.clone(), region: region.clone(), id: record.id.clone() };
        MultiRegionKey { arn: Some(name.arn()), region: Some(region.clone()) }
    };
    MultiRegionConfiguration {
        multi_region_key_type: Some(multi_region_type(record, regions).to_owned()),
        primary_key: Some(key(&regions.primary)),
        replica_keys: Some(regions.replicas.iter().map(key).collect()),
    }
}

impl KeyState {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            KeyState::Enabled => key_state::ENABLED,
            KeyState::Disabled => key_state::DISABLED,
            KeyState::PendingImport => key_state::PENDING_IMPORT,
            KeyState::PendingDeletion { .. } => key_state::PENDING_DELETION,
            KeyState::PendingReplicaDeletion { .. } => key_state::PENDING_REPLICA_DELETION,
        }
    }
}

impl Origin {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Origin::AwsKms => origin_type::AWS_KMS,
            Origin::External => origin_type::EXTERNAL,
        }
    }
}

impl Manager {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Manager::Aws => key_manager_type::AWS,
            Manager::Customer => key_manager_type::CUSTOMER,
        }
    }
}
