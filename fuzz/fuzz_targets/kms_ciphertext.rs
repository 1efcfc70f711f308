//! Ciphertext blobs of KMS: any bytes are looked at, and none opens that was not sealed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use service_kms::blob::{self, EncryptionContext};
use service_kms::crypto::{SealParts, SymmetricKey};

fuzz_target!(|bytes: &[u8]| {
    let key = SymmetricKey::new(&[7; 32]);
    let context = EncryptionContext::new();
    assert!(blob::open(bytes, &key, &context).is_err(), "bytes that nobody sealed were opened");
    let Some(name) = blob::key_of(bytes) else { return };
    // What the bytes name can be sealed for, and is named again.
    let parts = SealParts::from_random([3; SealParts::BYTES]);
    let Ok(sealed) = blob::seal(&name, &key, parts, &context, bytes) else { return };
    assert_eq!(blob::key_of(&sealed), Some(name));
    assert_eq!(blob::open(&sealed, &key, &context).as_deref().map(Vec::as_slice), Ok(bytes));
});
