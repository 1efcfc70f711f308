//! New material for keys: by themselves, or when somebody asks for it. What was encrypted before stays readable.

use api::Empty;
use api::kms::enums::{import_state, include_key_material, key_material_state, rotation_type};
use api::kms::errors::limit_exceeded_exception;
use api::kms::{
    DisableKeyRotationRequest, EnableKeyRotationRequest, GetKeyRotationStatusRequest, GetKeyRotationStatusResponse,
    ListKeyRotationsRequest, ListKeyRotationsResponse, RotateKeyOnDemandRequest, RotateKeyOnDemandResponse,
    RotationsListEntry,
};
use platform::{Ctx, Firing, TimerPartition};
use store::{Abort, Transaction};
use wire::Error;

use crate::limits::{DAY_MS, LONG_PAGE_DEFAULT, LONG_PAGE_MAX, ON_DEMAND_ROTATIONS_MAX, ROTATION_DAYS_DEFAULT};
use crate::metadata::expiration_model;
use crate::names::KeyName;
use crate::operations::own_key;
use crate::paging::{self, Page};
use crate::records::{
    CurrentMaterial, KeyRecord, KeyState, MaterialRecord, MultiRegionRecord, Origin, Rotated, Rotation, Stage,
};
use crate::resolve::{require_customers, require_enabled, require_kept};
use crate::service::{Kms, timestamp};
use crate::{errors, keys, rows, timers};

/// How often a rotation is tried again when another one comes in between.
const ATTEMPTS_MAX: usize = 8;

/// Why a key is rotated.
pub enum Cause {
    /// Somebody asked for it.
    Demand(Ctx),
    /// Its time has come.
    Due(Firing),
}

/// Turns automatic rotation on, or gives it another period.
pub async fn enable_key_rotation(kms: &Kms, cx: &Ctx, input: EnableKeyRotationRequest) -> Result<Empty, Error> {
    let name = own_key(cx, &input.key_id)?;
    let period_days = input.rotation_period_in_days.unwrap_or(ROTATION_DAYS_DEFAULT);
    let rotation = Rotation { period_days, next_at: kms.now() + i64::from(period_days) * DAY_MS };
    let partition = timers::partition(kms, &cx.account).await?;
    let timer = timers::rotation(&partition, &kms.find(&name).await?, rotation.next_at);
    let cx = cx.clone();
    kms.transact(&cx.account.clone(), move |rows| {
        let mut record = rows::key(rows, &name)?;
        require_rotatable(&cx, rows, &record)?;
        record.rotation = Some(rotation);
        partition.set(rows, &timer)?;
        rows::put_key(rows, &record)
    })
    .await?;
    Ok(Empty {})
}

/// Turns automatic rotation off.
pub async fn disable_key_rotation(kms: &Kms, cx: &Ctx, input: DisableKeyRotationRequest) -> Result<Empty, Error> {
    let name = own_key(cx, &input.key_id)?;
    let partition = timers::partition(kms, &cx.account).await?;
    let cx = cx.clone();
    kms.transact(&cx.account.clone(), move |rows| {
        let mut record = rows::key(rows, &name)?;
        require_rotatable(&cx, rows, &record)?;
        record.rotation = None;
        timers::cancel_rotation(&partition, rows, &record)?;
        rows::put_key(rows, &record)
    })
    .await?;
    Ok(Empty {})
}

/// Checks that a key can be rotated automatically, and here.
fn require_rotatable(cx: &Ctx, rows: &mut dyn Transaction, record: &KeyRecord) -> Result<(), Abort<Error>> {
    require_customers(cx, record)?;
    if record.origin == Origin::External {
        return Err(errors::wrong_origin(&record.arn(), record.origin.name()).into());
    }
    require_enabled(record)?;
    require_symmetric(record)?;
    require_primary(rows, record).map(drop)
}

fn require_symmetric(record: &KeyRecord) -> Result<(), Error> {
    if record.is_symmetric() { Ok(()) } else { Err(errors::wrong_spec(&record.arn(), record.spec.name())) }
}

/// Checks that a multi-Region key is the primary, whose rotation its replicas follow.
fn require_primary(rows: &mut dyn Transaction, record: &KeyRecord) -> Result<Option<MultiRegionRecord>, Abort<Error>> {
    let regions = rows::regions(rows, record)?;
    if regions.as_ref().is_some_and(|regions| regions.primary != record.region) {
        let text = format!("{} is a multi-region replica key, which follows its primary key.", record.arn());
        return Err(errors::unsupported_operation(text).into());
    }
    Ok(regions)
}

/// Whether and when a key rotates.
pub async fn get_key_rotation_status(
    kms: &Kms,
    cx: &Ctx,
    input: GetKeyRotationStatusRequest,
) -> Result<GetKeyRotationStatusResponse, Error> {
    let mut record = kms.find(&KeyName::parse(cx, &input.key_id)?).await?;
    if let Some(regions) = kms.regions_of(&record).await? {
        let primary = KeyName { account: record.account.clone(), region: regions.primary, id: record.id.clone() };
        record = kms.find(&primary).await?;
    }
    let rotation = record.rotation.filter(|_| require_kept(&record).is_ok());
    Ok(GetKeyRotationStatusResponse {
        key_rotation_enabled: Some(rotation.is_some()),
        key_id: Some(record.id),
        rotation_period_in_days: rotation.map(|rotation| rotation.period_days),
        next_rotation_date: rotation.map(|rotation| timestamp(rotation.next_at)),
        on_demand_rotation_start_date: None,
    })
}

/// Rotates a key now.
pub async fn rotate_key_on_demand(
    kms: &Kms,
    cx: &Ctx,
    input: RotateKeyOnDemandRequest,
) -> Result<RotateKeyOnDemandResponse, Error> {
    let name = own_key(cx, &input.key_id)?;
    rotate(kms, &name, Cause::Demand(cx.clone())).await?;
    Ok(RotateKeyOnDemandResponse { key_id: Some(name.id) })
}

/// What a rotation brings along.
struct Draft {
    /// The key as it was when the draft was made.
    number: u32,
    /// Fresh material; not used for keys whose material is imported.
    material: MaterialRecord,
    now: i64,
    cause: std::sync::Arc<Cause>,
    timers: TimerPartition,
    next_rotation: Option<platform::Timer>,
}

/// Gives a key new material.
///
/// # Errors
/// Those of `RotateKeyOnDemand`.
pub async fn rotate(kms: &Kms, name: &KeyName, cause: Cause) -> Result<(), Error> {
    let cause = std::sync::Arc::new(cause);
    let timers = timers::partition(kms, &name.account).await?;
    for _ in 0..ATTEMPTS_MAX {
        let Some(record) = kms.find_key(name).await? else {
            return match cause.as_ref() {
                Cause::Demand(_) => Err(errors::key_not_found(&name.arn())),
                Cause::Due(_) => Ok(()),
            };
        };
        let (number, now) = (record.next_generation, kms.now());
        let on_demand = matches!(cause.as_ref(), Cause::Demand(_));
        let mut material = kms.vault.seal(&record, number, kms.platform.ids.hex(64), &kms.random_key());
        material.rotated = Some(Rotated { at: now, on_demand });
        let next_at = record.rotation.map(|rotation| now + i64::from(rotation.period_days) * DAY_MS);
        let next_rotation = next_at.map(|at| timers::rotation(&timers, &record, at));
        let draft = Draft {
            number,
            material,
            now,
            cause: std::sync::Arc::clone(&cause),
            timers: timers.clone(),
            next_rotation,
        };
        let name = name.clone();
        let account = name.account.clone();
        if kms.transact(&account, move |rows| rotate_once(rows, &name, &draft)).await? {
            return Ok(());
        }
    }
    Err(errors::cryptography("rotating a key that others rotate all the time"))
}

/// One attempt; `false` if the key has got other material since the draft was made.
fn rotate_once(rows: &mut dyn Transaction, name: &KeyName, draft: &Draft) -> Result<bool, Abort<Error>> {
    let mut record = rows::key(rows, name)?;
    match draft.cause.as_ref() {
        Cause::Demand(cx) => check_demand(cx, rows, &record)?,
        // A key that is not enabled is rotated when it is enabled again.
        Cause::Due(firing) if record.state != KeyState::Enabled || record.rotation.is_none() => {
            firing.complete(rows)?;
            return Ok(true);
        }
        Cause::Due(_) => {}
    }
    if record.origin == Origin::External {
        take_pending(rows, &mut record, draft.now)?;
        return Ok(true);
    }
    if record.next_generation != draft.number {
        return Ok(false);
    }
    if let Cause::Due(firing) = draft.cause.as_ref() {
        if !firing.complete(rows)? {
            return Ok(true);
        }
        if let (Some(rotation), Some(timer)) = (&mut record.rotation, &draft.next_rotation) {
            rotation.next_at = draft.now + i64::from(rotation.period_days) * DAY_MS;
            draft.timers.set(rows, timer)?;
        }
    } else {
        record.on_demand_rotations += 1;
    }
    rows::put_key(rows, &record)?;
    let regions = rows::regions(rows, &record)?;
    let regions = regions.iter().flat_map(MultiRegionRecord::regions).filter(|region| **region != record.region);
    for region in std::iter::once(&record.region).chain(regions) {
        let Some(record) = rows::read::<KeyRecord>(rows, &keys::key(region, &record.id))? else { continue };
        put_new(rows, record, draft)?;
    }
    Ok(true)
}

/// Puts new material in the place of a key's present one.
fn put_new(rows: &mut dyn Transaction, mut record: KeyRecord, draft: &Draft) -> Result<(), Abort<Error>> {
    retire_current(rows, &record)?;
    rows::put(rows, &keys::material(&record.region, &record.id, draft.number), &draft.material)?;
    let (generation, id) = (draft.number, draft.material.id.clone());
    record.current = Some(CurrentMaterial { generation, id, expires_at: None });
    record.next_generation = draft.number + 1;
    rows::put_key(rows, &record)
}

fn retire_current(rows: &mut dyn Transaction, record: &KeyRecord) -> Result<(), Abort<Error>> {
    let Some(current) = &record.current else { return Ok(()) };
    let key = keys::material(&record.region, &record.id, current.generation);
    let Some(mut former) = rows::read::<MaterialRecord>(rows, &key)? else { return Ok(()) };
    former.stage = Stage::Former;
    rows::put(rows, &key, &former)
}

fn check_demand(cx: &Ctx, rows: &mut dyn Transaction, record: &KeyRecord) -> Result<(), Abort<Error>> {
    require_customers(cx, record)?;
    require_enabled(record)?;
    require_symmetric(record)?;
    require_primary(rows, record)?;
    if record.on_demand_rotations >= ON_DEMAND_ROTATIONS_MAX {
        return Err(limit_exceeded_exception(format!(
            "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be \
             performed for this key: {}",
            record.arn()
        ))
        .into());
    }
    Ok(())
}

/// Takes imported material into use that has waited for it.
fn take_pending(rows: &mut dyn Transaction, record: &mut KeyRecord, now: i64) -> Result<(), Abort<Error>> {
    let materials = rows::materials(rows, record)?;
    let pending = materials.into_iter().find(|(_, material)| material.stage == Stage::PendingRotation);
    let Some((generation, mut material)) = pending else {
        let text = format!("{} has no key material that is pending rotation.", record.arn());
        return Err(api::kms::errors::kms_invalid_state_exception(text).into());
    };
    retire_current(rows, record)?;
    material.stage = Stage::Current;
    material.rotated = Some(Rotated { at: now, on_demand: true });
    rows::put(rows, &keys::material(&record.region, &record.id, generation), &material)?;
    record.current = Some(CurrentMaterial { generation, id: material.id, expires_at: material.expires_at });
    record.on_demand_rotations += 1;
    rows::put_key(rows, record)
}

/// Lists a key's rotations, or all its material.
pub async fn list_key_rotations(
    kms: &Kms,
    cx: &Ctx,
    input: ListKeyRotationsRequest,
) -> Result<ListKeyRotationsResponse, Error> {
    let record = kms.find(&own_key(cx, &input.key_id)?).await?;
    require_symmetric(&record)?;
    let limit = paging::limit(input.limit, LONG_PAGE_DEFAULT, LONG_PAGE_MAX)?;
    let last = paging::read_marker(input.marker.as_deref())?;
    let last: Option<u32> = match last {
        Some(last) => Some(last.parse().map_err(|_| api::kms::errors::invalid_marker_exception("Invalid marker"))?),
        None => None,
    };
    let is_all = input.include_key_material.as_deref() == Some(include_key_material::ALL_KEY_MATERIAL);
    let key = record.clone();
    let materials = kms.transact(&record.account, move |rows| rows::materials(rows, &key)).await?;
    let wanted = materials
        .into_iter()
        .filter(|(number, material)| (is_all || material.rotated.is_some()) && last.is_none_or(|last| *number > last));
    let page = Page::of(wanted.collect(), limit, |(number, _): &(u32, MaterialRecord)| number.to_string());
    let page = page.map(|(_, material)| entry(&record, material));
    Ok(ListKeyRotationsResponse {
        truncated: page.truncated(),
        rotations: Some(page.entries),
        next_marker: page.next_marker,
    })
}

fn entry(record: &KeyRecord, material: MaterialRecord) -> RotationsListEntry {
    let is_external = record.origin == Origin::External;
    let is_imported = material.sealed.is_some();
    let import = if is_imported { import_state::IMPORTED } else { import_state::PENDING_IMPORT };
    let expiration = (is_external && is_imported).then(|| expiration_model(material.expires_at).to_owned());
    RotationsListEntry {
        key_id: Some(record.id.clone()),
        key_material_id: Some(material.id),
        key_material_description: material.description,
        import_state: is_external.then(|| import.to_owned()),
        key_material_state: Some(material.stage.name().to_owned()),
        expiration_model: expiration,
        valid_to: material.expires_at.map(timestamp),
        rotation_date: material.rotated.map(|rotated| timestamp(rotated.at)),
        rotation_type: material.rotated.map(|rotated| {
            let kind = if rotated.on_demand { rotation_type::ON_DEMAND } else { rotation_type::AUTOMATIC };
            kind.to_owned()
        }),
    }
}

impl Stage {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Stage::PendingRotation => key_material_state::PENDING_ROTATION,
            Stage::Current => key_material_state::CURRENT,
            Stage::Former => key_material_state::NON_CURRENT,
        }
    }
}
