use super::*;
use iam::*;
use platform::Principal;
use platform::testing::ACCOUNT;

use crate::totp;

#[tokio::test]
async fn passwords_are_checked_and_not_used_again() {
    let (platform, _) = bench();
    let alice = user(&platform, "alice").await;
    let name = || "alice".to_owned();
    let make = |password: &str| CreateLoginProfileRequest {
        user_name: Some(name()),
        password: Some(password.to_owned()),
        password_reset_required: Some(true),
    };
    let text = refused(platform.call::<CreateLoginProfile>(make("short")).await);
    assert_eq!(text, "PasswordPolicyViolation: Password should have a minimum length of 8");
    platform.call::<CreateLoginProfile>(make("Passw0rd!")).await.unwrap();
    let text = refused(platform.call::<CreateLoginProfile>(make("Passw0rd!")).await);
    assert_eq!(text, "EntityAlreadyExists: Login Profile for user alice already exists.");
    let rule = UpdateAccountPasswordPolicyRequest { password_reuse_prevention: Some(1), ..Default::default() };
    platform.call::<UpdateAccountPasswordPolicy>(rule).await.unwrap();
    let principal = Principal::User {
        account: ACCOUNT.to_owned(),
        name: name(),
        path: "/".to_owned(),
        user_id: alice.user_id,
        facts: None,
    };
    let context = platform.context::<ChangePassword>(principal);
    let service = Iam::new(Arc::clone(&platform.platform));
    let change = async |old: &str, new: &str| {
        let input =
            ChangePasswordRequest { old_password: old.to_owned(), new_password: new.to_owned(), ..Default::default() };
        crate::operations::login_profiles::change_password(&service, &context, input).await
    };
    assert!(refused(change("wrong", "Another0ne").await).starts_with("AccessDenied"));
    assert!(refused(change("Passw0rd!", "Passw0rd!").await).starts_with("PasswordPolicyViolation"));
    change("Passw0rd!", "Another0ne").await.unwrap();
    assert!(refused(change("Passw0rd!", "Third0ne!").await).starts_with("AccessDenied"));
    let get = GetLoginProfileRequest { user_name: Some(name()) };
    let profile = platform.call::<GetLoginProfile>(get).await.unwrap().login_profile;
    assert_eq!(profile.password_reset_required, Some(false));
}

#[tokio::test]
async fn a_device_is_enabled_by_its_codes_and_takes_each_once() {
    let (platform, service) = bench();
    let alice = user(&platform, "alice").await;
    let make = CreateVirtualMFADeviceRequest { virtual_mfa_device_name: "phone".to_owned(), ..Default::default() };
    let made = platform.call::<CreateVirtualMFADevice>(make).await.unwrap().virtual_mfa_device;
    let seed = made.base32_string_seed.unwrap();
    assert_eq!(seed.len(), 64);
    assert!(made.qr_code_png.unwrap().starts_with(b"\x89PNG"));
    let bytes = decode(&seed);
    let step = totp::step_of(platform.clock.now().seconds);
    let enable = |first: String, second: String| EnableMFADeviceRequest {
        user_name: "alice".to_owned(),
        serial_number: made.serial_number.clone(),
        authentication_code1: first,
        authentication_code2: second,
        ..Default::default()
    };
    let (first, second) = (totp::code(&bytes, step - 1), totp::code(&bytes, step));
    let wrong = refused(platform.call::<EnableMFADevice>(enable(second.clone(), first.clone())).await);
    assert_eq!(wrong, "InvalidAuthenticationCode: Authentication code for device is not valid");
    platform.call::<EnableMFADevice>(enable(first.clone(), second.clone())).await.unwrap();
    let again = refused(platform.call::<EnableMFADevice>(enable(first, second.clone())).await);
    assert_eq!(again, "EntityAlreadyExists: MFA Device is already in use.");
    let principal = Principal::User {
        account: ACCOUNT.to_owned(),
        name: "alice".to_owned(),
        path: "/".to_owned(),
        user_id: alice.user_id,
        facts: None,
    };
    let take = async |code: &str| service.take_mfa_code(&principal, &made.serial_number, code).await.unwrap();
    assert!(!take(&second).await, "taken when it was enabled");
    let next = totp::code(&bytes, step + 1);
    assert!(take(&next).await);
    assert!(!take(&next).await, "taken before");
    let delete = DeleteVirtualMFADeviceRequest { serial_number: made.serial_number.clone(), ..Default::default() };
    let text = refused(platform.call::<DeleteVirtualMFADevice>(delete.clone()).await);
    assert!(text.starts_with("DeleteConflict"), "{text}");
    let off = DeactivateMFADeviceRequest {
        user_name: Some("alice".to_owned()),
        serial_number: made.serial_number.clone(),
        ..Default::default()
    };
    platform.call::<DeactivateMFADevice>(off).await.unwrap();
    assert!(platform.call::<DeleteVirtualMFADevice>(delete).await.is_ok());
}

fn decode(base32: &[u8]) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = base32.iter().flat_map(|character| {
        let value = alphabet.iter().position(|known| known == character).expect("base 32");
        (0..5).rev().map(move |bit| value >> bit & 1)
    });
    let bits: Vec<usize> = bits.collect();
    bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | *bit as u8)).collect()
}

#[tokio::test]
async fn no_secret_is_in_a_row_as_it_is() {
    let (platform, service) = bench();
    user(&platform, "alice").await;
    let key = CreateAccessKeyRequest { user_name: Some("alice".to_owned()) };
    let secret = platform.call::<CreateAccessKey>(key).await.unwrap().access_key.secret_access_key;
    let make = CreateVirtualMFADeviceRequest { virtual_mfa_device_name: "phone".to_owned(), ..Default::default() };
    let seed = platform.call::<CreateVirtualMFADevice>(make).await.unwrap().virtual_mfa_device.base32_string_seed;
    let password = "Passw0rd!Secret";
    let login = CreateLoginProfileRequest {
        user_name: Some("alice".to_owned()),
        password: Some(password.to_owned()),
        password_reset_required: None,
    };
    platform.call::<CreateLoginProfile>(login).await.unwrap();
    let snapshot = service.snapshot().await.unwrap();
    let rows = snapshot.scan(store::KeyRange::all(), store::Direction::Forward, 200).await.unwrap();
    assert!(rows.len() > 4);
    let seed = seed.unwrap();
    for needle in [secret.as_bytes(), &seed[..], password.as_bytes()] {
        let found = rows.iter().any(|(_, row)| row.windows(needle.len()).any(|window| window == needle));
        assert!(!found, "{}", String::from_utf8_lossy(needle));
    }
}

#[tokio::test]
async fn a_saml_provider_keeps_its_metadata_however_long() {
    let (platform, _) = bench();
    let padding = "ü".repeat(1_200_000);
    let document = format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"e\"><IDPSSODescriptor/>\
         <Extensions>{padding}</Extensions></EntityDescriptor>"
    );
    let make = |document: &str| CreateSAMLProviderRequest {
        name: "corp".to_owned(),
        saml_metadata_document: document.to_owned(),
        ..Default::default()
    };
    let text = refused(platform.call::<CreateSAMLProvider>(make(&"x".repeat(1_000))).await);
    assert_eq!(text, "InvalidInput: Could not parse metadata");
    let arn = platform.call::<CreateSAMLProvider>(make(&document)).await.unwrap().saml_provider_arn.unwrap();
    assert_eq!(arn, "arn:aws:iam::111122223333:saml-provider/corp");
    let get = GetSAMLProviderRequest { saml_provider_arn: arn, ..Default::default() };
    let shown = platform.call::<GetSAMLProvider>(get).await.unwrap();
    assert!(shown.saml_metadata_document.as_deref() == Some(document.as_str()), "the document comes back whole");
    assert_eq!(shown.assertion_encryption_mode.as_deref(), Some("Allowed"));
}
