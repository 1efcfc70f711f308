//! Multi-Region keys: the same key in several regions.

use std::collections::BTreeMap;

use api::Empty;
use api::kms::enums::key_state;
use api::kms::errors::already_exists_exception;
use api::kms::{ReplicateKeyRequest, ReplicateKeyResponse, Tag, UpdatePrimaryRegionRequest};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use crate::limits::GENERATIONS_MAX;
use crate::metadata::metadata;
use crate::names::KeyName;
use crate::operations::create_key::add_key;
use crate::operations::{own_key, tags};
use crate::records::{KeyRecord, KeyState, MaterialRecord, MultiRegionRecord, Origin};
use crate::resolve::require_enabled;
use crate::service::Kms;
use crate::{errors, keys, policy_document, rows, timers};

/// Makes a replica of a primary key in another region.
pub async fn replicate_key(kms: &Kms, cx: &Ctx, input: ReplicateKeyRequest) -> Result<ReplicateKeyResponse, Error> {
    let name = own_key(cx, &input.key_id)?;
    let region = input.replica_region;
    let tags = tags::merge(BTreeMap::new(), input.tags.as_deref().unwrap_or_default())?;
    let policy = match &input.policy {
        Some(policy) => {
            policy_document::accept(cx, policy, input.bypass_policy_lockout_safety_check.unwrap_or_default())?
        }
        None => policy_document::default_policy(&cx.account),
    };
    let (description, now) = (input.description.unwrap_or_default(), kms.now());
    let (replica, regions) = kms
        .transact(&cx.account, move |rows| {
            let primary = rows::key(rows, &name)?;
            let mut regions = require_primary(rows, &primary)?;
            require_enabled(&primary)?;
            if regions.regions().any(|taken| *taken == region) {
                let replica = KeyName { region: region.clone(), ..name.clone() };
                return Err(already_exists_exception(format!("{} already exists", replica.arn())).into());
            }
            let is_complete = primary.origin == Origin::AwsKms;
            let replica = KeyRecord {
                region: region.clone(),
                created_at: now,
                description: description.clone(),
                state: if is_complete { KeyState::Enabled } else { KeyState::PendingImport },
                policy: policy.clone(),
                tags: tags.clone(),
                current: primary.current.clone().filter(|_| is_complete),
                next_generation: if is_complete { primary.next_generation } else { 0 },
                rotation: None,
                on_demand_rotations: 0,
                grants: 0,
                ..primary
            };
            add_key(rows, &replica, None)?;
            if is_complete {
                copy_materials(rows, &name, &region)?;
            }
            regions.replicas.insert(region.clone());
            rows::put(rows, &keys::multi_region(&name.id), &regions)?;
            Ok((replica, regions))
        })
        .await?;
    let mut replica_key_metadata = metadata(&replica, Some(&regions));
    if replica.state == KeyState::Enabled {
        // On AWS the copy takes a moment, and the answer comes before.
        replica_key_metadata.key_state = Some(key_state::CREATING.to_owned());
        replica_key_metadata.enabled = Some(false);
    }
    let replica_tags: Vec<Tag> = input.tags.unwrap_or_default();
    Ok(ReplicateKeyResponse {
        replica_key_metadata: Some(replica_key_metadata),
        replica_policy: Some(replica.policy),
        replica_tags: (!replica_tags.is_empty()).then_some(replica_tags),
    })
}

/// Makes a replica the primary key, and the primary key a replica.
pub async fn update_primary_region(kms: &Kms, cx: &Ctx, input: UpdatePrimaryRegionRequest) -> Result<Empty, Error> {
    let name = own_key(cx, &input.key_id)?;
    let region = input.primary_region;
    let partition = timers::partition(kms, &cx.account).await?;
    let record = kms.find(&name).await?;
    let successor = KeyRecord { region: region.clone(), ..record.clone() };
    let timer = record.rotation.map(|rotation| timers::rotation(&partition, &successor, rotation.next_at));
    kms.transact(&cx.account, move |rows| {
        let mut primary = rows::key(rows, &name)?;
        let mut regions = require_primary(rows, &primary)?;
        require_enabled(&primary)?;
        if regions.primary == region {
            return Ok(());
        }
        let successor = KeyName { region: region.clone(), ..name.clone() };
        if !regions.replicas.remove(&region) {
            return Err(errors::key_not_found(&successor.arn()).into());
        }
        let mut successor = rows::key(rows, &successor)?;
        require_enabled(&successor)?;
        regions.replicas.insert(std::mem::replace(&mut regions.primary, region.clone()));
        timers::cancel_rotation(&partition, rows, &primary)?;
        successor.rotation = primary.rotation.take();
        successor.on_demand_rotations = primary.on_demand_rotations;
        if let (Some(timer), true) = (&timer, successor.rotation.is_some()) {
            partition.set(rows, timer)?;
        }
        rows::put(rows, &keys::multi_region(&name.id), &regions)?;
        rows::put_key(rows, &primary)?;
        rows::put_key(rows, &successor)
    })
    .await?;
    Ok(Empty {})
}

fn require_primary(rows: &mut dyn Transaction, record: &KeyRecord) -> Result<MultiRegionRecord, Abort<Error>> {
    let arn = record.arn();
    let Some(regions) = rows::regions(rows, record)? else {
        return Err(errors::unsupported_operation(format!("{arn} is not a multi-region key.")).into());
    };
    if regions.primary != record.region {
        return Err(errors::unsupported_operation(format!("{arn} is not a multi-region primary key.")).into());
    }
    Ok(regions)
}

fn copy_materials(rows: &mut dyn Transaction, primary: &KeyName, region: &str) -> Result<(), Abort<Error>> {
    let range = keys::materials_of(&primary.region, &primary.id);
    let materials: Vec<MaterialRecord> = rows::read_all(rows, range, GENERATIONS_MAX)?;
    for (generation, material) in (0..).zip(&materials) {
        rows::put(rows, &keys::material(region, &primary.id, generation), material)?;
    }
    Ok(())
}
