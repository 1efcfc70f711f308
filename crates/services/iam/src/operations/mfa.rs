//! Virtual devices of multi-factor authentication.

use api::Empty;
use api::iam::{
    CreateVirtualMFADeviceRequest, CreateVirtualMFADeviceResponse, DeactivateMFADeviceRequest,
    DeleteVirtualMFADeviceRequest, EnableMFADeviceRequest, GetMFADeviceRequest, GetMFADeviceResponse,
    ListMFADevicesRequest, ListMFADevicesResponse, ListVirtualMFADevicesRequest, ListVirtualMFADevicesResponse,
    ResyncMFADeviceRequest, VirtualMFADevice,
};
use platform::{Ctx, Principal};
use store::{Snapshot, Transaction};
use wire::Error;

use super::account;
use super::users::change_user;
use crate::errors;
use crate::keys;
use crate::limits::{MFA_DEVICES_MAX, MFA_DEVICES_PER_USER_MAX};
use crate::names;
use crate::paging::Page;
use crate::qr;
use crate::records::{KeyOwner, MfaDevice, User, UserPart};
use crate::rows::{self, Outcome};
use crate::service::{Iam, Meant};
use crate::tags::{Case, Tags};
use crate::totp;
use crate::view::{self, Extent};

/// Characters of a device's seed in base 32: 320 bits, as AWS's seeds have.
const SEED_CHARACTERS: usize = 64;

/// Makes a device. Its seed is shown this once.
pub async fn create_virtual_mfa_device(
    service: &Iam,
    cx: &Ctx,
    input: CreateVirtualMFADeviceRequest,
) -> Result<CreateVirtualMFADeviceResponse, Error> {
    let name = &input.virtual_mfa_device_name;
    names::check_name("virtualMFADeviceName", name)?;
    let path = names::path("path", input.path)?;
    let serial_number = names::arn(&cx.account, "mfa", &path, name);
    let seed = service.platform.ids.base32(SEED_CHARACTERS);
    let label = format!("{name}@{}", cx.account);
    let uri = format!("otpauth://totp/Amazon%20Web%20Services:{label}?secret={seed}&issuer=Amazon%20Web%20Services");
    let picture = qr::png(&uri);
    let device = MfaDevice {
        sealed_seed: service.seal(&seed_purpose(&serial_number), seed.as_bytes()),
        enabled: None,
        last_step: 0,
        tags: Tags::new(input.tags.as_deref(), Case::Sensitive)?,
        serial_number,
    };
    let shown = VirtualMFADevice {
        serial_number: device.serial_number.clone(),
        base32_string_seed: Some(seed.into()),
        qr_code_png: picture.map(Into::into),
        tags: input.tags.filter(|tags| !tags.is_empty()),
        ..Default::default()
    };
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let key = keys::mfa_device(&account, &device.serial_number);
            if rows.get(&key)?.is_some() {
                return Err(errors::exists("MFA device already exists.").into());
            }
            let quota = ("MFADevicesPerAccount", MFA_DEVICES_MAX);
            rows::count_one_more(rows, &account, now, quota, |counts| &mut counts.mfa_devices)?;
            rows::put(rows, &key, &device)
        })
        .await?;
    Ok(CreateVirtualMFADeviceResponse { virtual_mfa_device: shown })
}

/// Gives a user a device, on two of its codes that follow each other.
pub async fn enable_mfa_device(service: &Iam, cx: &Ctx, input: EnableMFADeviceRequest) -> Result<Empty, Error> {
    let owner = Meant::User(input.user_name.clone());
    let snapshot = service.snapshot().await?;
    let user: User = rows::get_identity(&snapshot, &cx.account, &input.user_name).await?;
    let device = find(&snapshot, cx, &input.serial_number).await?;
    let device = device.ok_or_else(|| absent(&input.serial_number))?;
    if device.enabled.is_some() {
        return Err(errors::exists("MFA Device is already in use."));
    }
    let codes = (input.authentication_code1.as_str(), input.authentication_code2.as_str());
    let step = service.step_of_codes(&device, codes)?;
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let serial_number = &input.serial_number;
            let mut device = read(rows, &account, serial_number)?;
            if device.enabled.is_some() || device.last_step >= step {
                return Err(errors::exists("MFA Device is already in use.").into());
            }
            change_devices(
                rows,
                &account,
                &owner,
                |devices| {
                    devices.insert(serial_number.clone());
                    if devices.len() > MFA_DEVICES_PER_USER_MAX {
                        return Err(errors::quota("MFADevicesPerUser", MFA_DEVICES_PER_USER_MAX).into());
                    }
                    Ok(())
                },
                now,
            )?;
            device.enabled = Some((KeyOwner::User(user.id.clone()), now));
            device.last_step = step;
            count_in_use(rows, &account, now, true)?;
            rows::put(rows, &keys::mfa_device(&account, serial_number), &device)
        })
        .await?;
    Ok(Empty)
}

/// Brings a device's time back into step, on two of its codes that follow each other.
pub async fn resync_mfa_device(service: &Iam, cx: &Ctx, input: ResyncMFADeviceRequest) -> Result<Empty, Error> {
    let snapshot = service.snapshot().await?;
    let user: User = rows::get_identity(&snapshot, &cx.account, &input.user_name).await?;
    if !user.part.mfa_devices.contains(&input.serial_number) {
        return Err(absent(&input.serial_number));
    }
    let device = find(&snapshot, cx, &input.serial_number).await?;
    let device = device.ok_or_else(|| absent(&input.serial_number))?;
    let step = service.step_of_codes(&device, (&input.authentication_code1, &input.authentication_code2))?;
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            let mut device = read(rows, &account, &input.serial_number)?;
            device.last_step = device.last_step.max(step);
            rows::put(rows, &keys::mfa_device(&account, &input.serial_number), &device)
        })
        .await?;
    Ok(Empty)
}

/// Takes a device away from its user; the device stays.
pub async fn deactivate_mfa_device(service: &Iam, cx: &Ctx, input: DeactivateMFADeviceRequest) -> Result<Empty, Error> {
    let meant = service.meant(cx, input.user_name).await?;
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let serial_number = &input.serial_number;
            let mut was_in_use = false;
            change_devices(
                rows,
                &account,
                &meant,
                |devices| {
                    was_in_use = devices.remove(serial_number);
                    Ok(())
                },
                now,
            )?;
            if !was_in_use {
                return Err(absent(serial_number).into());
            }
            let mut device = read(rows, &account, serial_number)?;
            device.enabled = None;
            count_in_use(rows, &account, now, false)?;
            rows::put(rows, &keys::mfa_device(&account, serial_number), &device)
        })
        .await?;
    Ok(Empty)
}

/// Removes a device that nobody uses.
pub async fn delete_virtual_mfa_device(
    service: &Iam,
    cx: &Ctx,
    input: DeleteVirtualMFADeviceRequest,
) -> Result<Empty, Error> {
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let device = read(rows, &account, &input.serial_number)?;
            if device.enabled.is_some() {
                return Err(errors::delete_conflict("MFA VirtualDevice in use. Must deactivate first.").into());
            }
            rows.delete(&keys::mfa_device(&account, &input.serial_number));
            rows::count_one_less(rows, &account, now, |counts| &mut counts.mfa_devices)
        })
        .await?;
    Ok(Empty)
}

/// Shows a device in use.
pub async fn get_mfa_device(
    service: &Iam,
    cx: &Ctx,
    input: GetMFADeviceRequest,
) -> Result<GetMFADeviceResponse, Error> {
    let meant = service.meant(cx, input.user_name).await?;
    let snapshot = service.snapshot().await?;
    let (name, devices) = devices_of(service, cx, &snapshot, &meant).await?;
    let device = devices.into_iter().find(|device| device.serial_number == input.serial_number);
    let device = device.ok_or_else(|| absent(&input.serial_number))?;
    Ok(GetMFADeviceResponse {
        user_name: Some(name),
        enable_date: device.enabled.as_ref().map(|(_, since)| view::at(*since)),
        serial_number: device.serial_number,
        ..Default::default()
    })
}

/// Lists the devices of a user.
pub async fn list_mfa_devices(
    service: &Iam,
    cx: &Ctx,
    input: ListMFADevicesRequest,
) -> Result<ListMFADevicesResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let meant = service.meant(cx, input.user_name).await?;
    let snapshot = service.snapshot().await?;
    let (name, devices) = devices_of(service, cx, &snapshot, &meant).await?;
    let page = page.cut(devices, |device| device.serial_number.as_str());
    Ok(ListMFADevicesResponse {
        mfa_devices: page.items.iter().filter_map(|device| view::mfa_device(device, &name)).collect(),
        is_truncated: page.is_truncated(),
        marker: page.marker,
    })
}

/// Lists the account's devices, in use or not.
pub async fn list_virtual_mfa_devices(
    service: &Iam,
    cx: &Ctx,
    input: ListVirtualMFADevicesRequest,
) -> Result<ListVirtualMFADevicesResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let snapshot = service.snapshot().await?;
    let wanted = |device: &MfaDevice| match input.assignment_status.as_deref() {
        Some("Assigned") => device.enabled.is_some(),
        Some("Unassigned") => device.enabled.is_none(),
        _ => true,
    };
    let page = rows::page(&snapshot, &keys::mfa_devices(&cx.account), &page, wanted).await?;
    let mut listed = Vec::with_capacity(page.items.len());
    for device in &page.items {
        let owner = device.enabled.as_ref().and_then(|(owner, _)| view::owner_id(owner));
        let user = match owner {
            Some(id) => rows::find_by_id::<UserPart>(&snapshot, &cx.account, id).await?,
            None => None,
        };
        listed.push(VirtualMFADevice {
            serial_number: device.serial_number.clone(),
            user: user.map(|user| view::user(&cx.account, &user, Extent::Brief)),
            enable_date: device.enabled.as_ref().map(|(_, since)| view::at(*since)),
            ..Default::default()
        });
    }
    Ok(ListVirtualMFADevicesResponse {
        virtual_mfa_devices: listed,
        is_truncated: page.is_truncated(),
        marker: page.marker,
    })
}

/// No such device.
pub fn absent(serial_number: &str) -> Error {
    errors::no_such_entity(format!("MFA Device with serial number {serial_number} does not exist."))
}

impl Iam {
    /// Takes a code of a device of the caller. Answers whether it holds; a code holds once.
    pub async fn take_mfa_code(&self, principal: &Principal, serial_number: &str, code: &str) -> Result<bool, Error> {
        let owner = match principal {
            Principal::User { user_id, facts: None, .. } => KeyOwner::User(user_id.clone()),
            Principal::Root { .. } => KeyOwner::Root,
            _ => return Ok(false),
        };
        let Some(account) = principal.account() else { return Ok(false) };
        let key = keys::mfa_device(account, serial_number);
        let device: Option<MfaDevice> = rows::get(&self.snapshot().await?, &key).await?;
        let is_owners = |device: &MfaDevice| device.enabled.as_ref().is_some_and(|(of, _)| *of == owner);
        let Some(device) = device.filter(is_owners) else { return Ok(false) };
        let seed = self.seed(&device)?;
        let step = totp::matching_step(&seed, code, self.now(), device.last_step, totp::DRIFT_STEPS);
        let Some(step) = step else { return Ok(false) };
        self.change(account, move |rows| {
            let device: Option<MfaDevice> = rows::read(rows, &key)?;
            let fresh = device.filter(|device| device.last_step < step && device.enabled.is_some());
            let Some(mut device) = fresh else { return Ok(false) };
            device.last_step = step;
            rows::put(rows, &key, &device)?;
            Ok(true)
        })
        .await
    }

    /// The step of the later of two codes.
    fn step_of_codes(&self, device: &MfaDevice, codes: (&str, &str)) -> Result<u64, Error> {
        let seed = self.seed(device)?;
        let step = totp::matching_steps(&seed, codes.0, codes.1, self.now(), device.last_step);
        step.ok_or_else(errors::wrong_codes)
    }

    /// The bytes behind a device's seed.
    fn seed(&self, device: &MfaDevice) -> Result<Vec<u8>, Error> {
        let text = self.unseal(&seed_purpose(&device.serial_number), &device.sealed_seed)?;
        Ok(base32_bytes(&text))
    }
}

/// What a device's seed is sealed as.
fn seed_purpose(serial_number: &str) -> String {
    format!("iam/mfa-seed/{serial_number}")
}

/// The bytes of a base-32 text (RFC 4648) without padding; other characters end it.
fn base32_bytes(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut held, mut bits) = (Vec::with_capacity(text.len() * 5 / 8), 0_u32, 0);
    for character in text {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'2'..=b'7' => character - b'2' + 26,
            _ => break,
        };
        held = held << 5 | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    bytes
}

async fn find(snapshot: &Snapshot, cx: &Ctx, serial_number: &str) -> Result<Option<MfaDevice>, Error> {
    rows::get(snapshot, &keys::mfa_device(&cx.account, serial_number)).await
}

fn read(rows: &mut dyn Transaction, account: &str, serial_number: &str) -> Outcome<MfaDevice> {
    let device: Option<MfaDevice> = rows::read(rows, &keys::mfa_device(account, serial_number))?;
    Ok(device.ok_or_else(|| absent(serial_number))?)
}

/// Changes the list of devices of a user or of the root.
fn change_devices(
    rows: &mut dyn Transaction,
    account: &str,
    meant: &Meant,
    change: impl FnOnce(&mut std::collections::BTreeSet<String>) -> Outcome<()>,
    now: i64,
) -> Outcome<()> {
    match meant {
        Meant::User(name) => change_user(rows, account, name, |_, user| change(&mut user.part.mfa_devices)),
        Meant::Root => rows::change_account(rows, account, now, |record| change(&mut record.root_mfa_devices)),
    }
}

fn count_in_use(rows: &mut dyn Transaction, account: &str, now: i64, more: bool) -> Outcome<()> {
    rows::change_account(rows, account, now, |record| {
        let count = &mut record.counts.mfa_devices_in_use;
        *count = if more { *count + 1 } else { count.saturating_sub(1) };
        Ok(())
    })
}

/// The name of who is meant, and the devices in use.
async fn devices_of(
    service: &Iam,
    cx: &Ctx,
    snapshot: &Snapshot,
    meant: &Meant,
) -> Result<(String, Vec<MfaDevice>), Error> {
    let (name, serial_numbers) = match meant {
        Meant::User(name) => {
            let user: User = rows::get_identity(snapshot, &cx.account, name).await?;
            (user.name, user.part.mfa_devices)
        }
        Meant::Root => (cx.account.clone(), account::read(service, cx).await?.root_mfa_devices),
    };
    let mut devices = Vec::with_capacity(serial_numbers.len());
    for serial_number in &serial_numbers {
        devices.extend(find(snapshot, cx, serial_number).await?);
    }
    Ok((name, devices))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_read_as_rfc_4648_says() {
        assert_eq!(base32_bytes(b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), b"12345678901234567890");
        assert_eq!(base32_bytes(b"MZXW6YTBOI"), b"foobar");
    }
}
