//! Key material that is brought in, and taken away again.

use api::kms::enums::{expiration_model_type, import_type};
use api::kms::errors::incorrect_key_material_exception;
use api::kms::{
    DeleteImportedKeyMaterialRequest, DeleteImportedKeyMaterialResponse, ImportKeyMaterialRequest,
    ImportKeyMaterialResponse,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::{Ctx, Timer, TimerPartition};
use store::{Abort, Transaction};
use wire::{Error, Timestamp};

use crate::crypto::{self, SecretBytes};
use crate::limits::EXPIRY_MS_MAX;
use crate::names::KeyName;
use crate::operations::import_parameters::{read_token, require_importable};
use crate::operations::own_key;
use crate::records::{CurrentMaterial, KeyRecord, KeyState, MaterialRecord, MultiRegionRecord, Origin, Stage};
use crate::service::{Kms, blocking};
use crate::spec::KeySpec;
use crate::{errors, keys, rows, timers};

/// Bytes of a symmetric key.
const SYMMETRIC_KEY_BYTES: usize = 32;

/// Brings key material in.
pub async fn import_key_material(
    kms: &Kms,
    cx: &Ctx,
    input: ImportKeyMaterialRequest,
) -> Result<ImportKeyMaterialResponse, Error> {
    let name = own_key(cx, &input.key_id)?;
    let record = kms.find(&name).await?;
    require_importable(&record)?;
    let expires_at = expiry(kms.now(), input.expiration_model.as_deref(), input.valid_to)?;
    let wrapping = read_token(kms, &name, &input.import_token)?;
    let wrapped = input.encrypted_key_material.clone();
    let secret = blocking(move || wrapping.unwrap(&wrapped).map_err(|_| errors::invalid_ciphertext())).await?;
    let (secret, public) = checked(record.spec, secret)?;
    let materials = rows_of(kms, &record).await?;
    let place = place(kms, &record, &materials, input.import_type.as_deref(), &secret)?;
    let generation = place.generation;
    if input.key_material_id.is_some_and(|id| id != place.material.id) {
        return Err(incorrect());
    }
    let material = MaterialRecord {
        expires_at,
        description: input.key_material_description.or(place.material.description.clone()),
        ..place.material
    };
    let partition = timers::partition(kms, &cx.account).await?;
    let timer = expires_at.map(|at| timers::expiry(&partition, &record, generation, at));
    let draft = Draft { seen: materials.len(), generation, material, public, partition, timer };
    let (arn, id) = (record.arn(), draft.material.id.clone());
    let is_symmetric = record.is_symmetric();
    kms.transact(&cx.account, move |rows| put_imported(rows, &name, &draft)).await?;
    Ok(ImportKeyMaterialResponse { key_id: Some(arn), key_material_id: is_symmetric.then_some(id) })
}

/// When imported material expires, in milliseconds since 1970.
fn expiry(now: i64, model: Option<&str>, valid_to: Option<Timestamp>) -> Result<Option<i64>, Error> {
    let is_lasting = model == Some(expiration_model_type::KEY_MATERIAL_DOES_NOT_EXPIRE);
    match (is_lasting, valid_to) {
        (true, None) => Ok(None),
        (true, Some(_)) => Err(errors::invalid(
            "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE",
        )),
        (false, None) => {
            Err(errors::invalid("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"))
        }
        (false, Some(valid_to)) => {
            let at = valid_to.milliseconds();
            if at <= now || at > now + EXPIRY_MS_MAX {
                return Err(errors::invalid("The validTo date must be in the future and within 365 days from now."));
            }
            Ok(Some(at))
        }
    }
}

fn incorrect() -> Error {
    incorrect_key_material_exception("The key material in the request is not the expected key material for this key.")
}

/// Checks that material is a key of that kind; answers it with the public key it has, in base 64.
fn checked(spec: KeySpec, secret: SecretBytes) -> Result<(SecretBytes, Option<String>), Error> {
    let expected_bytes = match spec {
        KeySpec::Symmetric => SYMMETRIC_KEY_BYTES,
        KeySpec::Hmac(size) => size.key_bytes(),
        pair => {
            let pair = crypto::import_pair(pair, secret).map_err(|_| incorrect())?;
            return Ok((pair.secret, Some(STANDARD.encode(&pair.public))));
        }
    };
    if secret.len() == expected_bytes { Ok((secret, None)) } else { Err(incorrect()) }
}

async fn rows_of(kms: &Kms, record: &KeyRecord) -> Result<Vec<(u32, MaterialRecord)>, Error> {
    let record = record.clone();
    kms.transact(&record.account.clone(), move |rows| rows::materials(rows, &record)).await
}

/// Which generation material becomes.
struct Place {
    generation: u32,
    material: MaterialRecord,
}

fn place(
    kms: &Kms,
    record: &KeyRecord,
    materials: &[(u32, MaterialRecord)],
    import: Option<&str>,
    secret: &[u8],
) -> Result<Place, Error> {
    let id = kms.vault.imported_id(record, secret);
    let sealed = |number| kms.vault.seal(record, number, id.clone(), secret);
    if let Some((number, known)) = materials.iter().find(|(_, known)| known.id == id) {
        let (stage, rotated, description) = (known.stage, known.rotated, known.description.clone());
        return Ok(Place {
            generation: *number,
            material: MaterialRecord { stage, rotated, description, ..sealed(*number) },
        });
    }
    let is_new = import == Some(import_type::NEW_KEY_MATERIAL);
    let is_first = materials.is_empty();
    let may_follow = is_new && record.is_symmetric();
    if !is_first && !may_follow {
        return Err(incorrect());
    }
    if !is_first && record.is_multi_region {
        return Err(errors::unsupported_operation(
            "ImportType NEW_KEY_MATERIAL is not supported for multi-region keys that have key material.",
        ));
    }
    if materials.iter().any(|(_, material)| material.stage == Stage::PendingRotation) {
        return Err(errors::invalid_state(&record.arn(), "waiting for a rotation to key material imported before"));
    }
    let generation = record.next_generation;
    let stage = if is_first { Stage::Current } else { Stage::PendingRotation };
    Ok(Place { generation, material: MaterialRecord { stage, ..sealed(generation) } })
}

struct Draft {
    /// How many generations there were when the draft was made.
    seen: usize,
    generation: u32,
    material: MaterialRecord,
    public: Option<String>,
    partition: TimerPartition,
    timer: Option<Timer>,
}

fn put_imported(rows: &mut dyn Transaction, name: &KeyName, draft: &Draft) -> Result<(), Abort<Error>> {
    let mut record = rows::key(rows, name)?;
    require_importable(&record)?;
    let mut materials = rows::materials(rows, &record)?;
    if materials.len() != draft.seen {
        return Err(errors::invalid_state(&record.arn(), "importing other key material").into());
    }
    let generation = draft.generation;
    require_same_elsewhere(rows, &record, &draft.material.id)?;
    rows::put(rows, &keys::material(&record.region, &record.id, generation), &draft.material)?;
    match &draft.timer {
        Some(timer) => draft.partition.set(rows, timer)?,
        None => timers::cancel_expiry(&draft.partition, rows, &record, generation)?,
    }
    if draft.material.stage == Stage::Current {
        let (id, expires_at) = (draft.material.id.clone(), draft.material.expires_at);
        record.current = Some(CurrentMaterial { generation, id, expires_at });
    }
    record.next_generation = record.next_generation.max(generation + 1);
    if draft.public.is_some() {
        record.public_key.clone_from(&draft.public);
    }
    materials.retain(|(number, _)| *number != generation);
    let is_complete =
        materials.iter().all(|(_, other)| other.sealed.is_some() || other.stage == Stage::PendingRotation);
    if record.state == KeyState::PendingImport && record.current.is_some() && is_complete {
        record.state = KeyState::Enabled;
    }
    rows::put_key(rows, &record)
}

/// Checks that a multi-Region key gets no other material than it has in its other regions.
fn require_same_elsewhere(rows: &mut dyn Transaction, record: &KeyRecord, id: &str) -> Result<(), Abort<Error>> {
    let regions = rows::regions(rows, record)?;
    for region in regions.iter().flat_map(MultiRegionRecord::regions).filter(|region| **region != record.region) {
        let elsewhere = KeyRecord { region: region.clone(), ..record.clone() };
        if rows::materials(rows, &elsewhere)?.iter().any(|(_, material)| material.id != id) {
            return Err(incorrect().into());
        }
    }
    Ok(())
}

/// Takes imported material away; the same can be brought in again.
pub async fn delete_imported_key_material(
    kms: &Kms,
    cx: &Ctx,
    input: DeleteImportedKeyMaterialRequest,
) -> Result<DeleteImportedKeyMaterialResponse, Error> {
    let name = own_key(cx, &input.key_id)?;
    let partition = timers::partition(kms, &cx.account).await?;
    let wanted = input.key_material_id;
    let (arn, id) = kms
        .transact(&cx.account, move |rows| {
            let mut record = rows::key(rows, &name)?;
            if record.origin != Origin::External {
                return Err(errors::wrong_origin(&record.arn(), record.origin.name()).into());
            }
            let materials = rows::materials(rows, &record)?;
            let found = materials.into_iter().find(|(_, material)| match &wanted {
                Some(id) => material.id == *id,
                None => material.stage == Stage::Current,
            });
            let Some((generation, mut material)) = found else {
                return match wanted {
                    Some(_) => Err(incorrect().into()),
                    // There is nothing to take away.
                    None => Ok((record.arn(), None)),
                };
            };
            timers::cancel_expiry(&partition, rows, &record, generation)?;
            drop_material(&mut record, generation, &mut material);
            rows::put(rows, &keys::material(&record.region, &record.id, generation), &material)?;
            rows::put_key(rows, &record)?;
            Ok((record.arn(), record.is_symmetric().then_some(material.id)))
        })
        .await?;
    Ok(DeleteImportedKeyMaterialResponse { key_id: Some(arn), key_material_id: id })
}

/// Takes a generation's bytes away, and the key out of use if it needs them.
pub fn drop_material(record: &mut KeyRecord, generation: u32, material: &mut MaterialRecord) {
    material.sealed = None;
    material.expires_at = None;
    if record.current.as_ref().is_some_and(|current| current.generation == generation) {
        record.current = None;
    }
    let is_needed = material.stage != Stage::PendingRotation;
    if is_needed && matches!(record.state, KeyState::Enabled | KeyState::Disabled) {
        record.state = KeyState::PendingImport;
    }
}
