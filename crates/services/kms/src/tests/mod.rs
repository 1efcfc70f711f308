//! The service, called as a client would call it.

mod aliases;
mod encryption;
mod grants;
mod guard;
mod import;
mod keys;
mod pairs;
mod regions;
mod rotation;

use api::Operation;
use api::kms::{
    self, CreateKeyRequest, DecryptRequest, DescribeKeyRequest, EncryptRequest, KeyMetadata, ScheduleKeyDeletionRequest,
};
use platform::testing::TestPlatform;
use wire::Error;

use crate::registration;

/// The service over an empty store.
pub fn bench() -> TestPlatform {
    TestPlatform::new(|platform| vec![registration(platform)])
}

/// The code and text of the error with which an operation is refused.
pub async fn refused<O: Operation>(bench: &TestPlatform, input: O::Input) -> String
where
    O::Output: std::fmt::Debug,
{
    bench.call::<O>(input).await.expect_err("refused").to_string()
}

/// Makes a key of that kind.
pub async fn create(bench: &TestPlatform, spec: &str, usage: &str) -> KeyMetadata {
    let input = CreateKeyRequest {
        key_spec: Some(spec.to_owned()),
        key_usage: Some(usage.to_owned()),
        ..CreateKeyRequest::default()
    };
    bench.call::<kms::CreateKey>(input).await.expect("made").key_metadata.expect("shown")
}

/// Makes a symmetric key.
pub async fn symmetric(bench: &TestPlatform) -> KeyMetadata {
    bench.call::<kms::CreateKey>(CreateKeyRequest::default()).await.expect("made").key_metadata.expect("shown")
}

/// Describes a key.
pub async fn describe(bench: &TestPlatform, key: &str) -> KeyMetadata {
    let input = DescribeKeyRequest { key_id: key.to_owned(), ..DescribeKeyRequest::default() };
    bench.call::<kms::DescribeKey>(input).await.expect("described").key_metadata.expect("shown")
}

/// Encrypts a message.
pub async fn encrypt(bench: &TestPlatform, key: &str, plaintext: &[u8]) -> Vec<u8> {
    let output = bench.call::<kms::Encrypt>(encryption(key, plaintext)).await.expect("encrypted");
    output.ciphertext_blob.expect("given").to_vec()
}

/// A call that encrypts.
pub fn encryption(key: &str, plaintext: &[u8]) -> EncryptRequest {
    EncryptRequest { key_id: key.to_owned(), plaintext: plaintext.to_vec().into(), ..EncryptRequest::default() }
}

/// Decrypts a message.
pub async fn decrypt(bench: &TestPlatform, blob: &[u8]) -> Result<Vec<u8>, Error> {
    let output = bench.call::<kms::Decrypt>(decryption(blob)).await?;
    Ok(output.plaintext.expect("given").to_vec())
}

/// A call that decrypts.
pub fn decryption(blob: &[u8]) -> DecryptRequest {
    DecryptRequest { ciphertext_blob: Some(blob.to_vec().into()), ..DecryptRequest::default() }
}

/// Schedules a key's deletion in a week.
pub async fn schedule_deletion(bench: &TestPlatform, key: &str) {
    let input = ScheduleKeyDeletionRequest {
        key_id: key.to_owned(),
        pending_window_in_days: Some(7),
        ..ScheduleKeyDeletionRequest::default()
    };
    bench.call::<kms::ScheduleKeyDeletion>(input).await.expect("scheduled");
}

/// Waits until something has become true that a timer brings about.
pub async fn eventually<F: AsyncFn() -> bool>(condition: F) {
    for () in platform::testing::looks() {
        if condition().await {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it has not come true");
}
