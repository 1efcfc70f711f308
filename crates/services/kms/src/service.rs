//! The service itself: what its parts share, and what it offers to the platform.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use platform::{Lifecycle, OrFailure, Platform, Registration};
use store::{Abort, Snapshot, Transaction};
use tokio::sync::Semaphore;
use wire::error::common;
use wire::{Error, Timestamp};

use crate::crypto::{self, PairBytes};
use crate::limits::{PAIR_WAIT_MAX, PAIRS_IN_THE_MAKING_MAX};
use crate::operations::{
    aliases, create_key, data_keys, decrypt, deletion, derive_secret, describe, encapsulation, encrypt, grant_lists,
    grants, import, import_parameters, macs, policies, public_key, random, re_encrypt, regions, retire, rotation, sign,
    state, tags,
};
use crate::spec::KeySpec;
use crate::vault::Vault;
use crate::{errors, guard, keys, timers};

/// The service.
pub struct Kms {
    /// What all services share.
    pub platform: Arc<Platform>,
    /// Key material.
    pub(crate) vault: Vault,
    pairs_in_the_making: Arc<Semaphore>,
}

/// The service's offer.
pub fn registration(platform: &Arc<Platform>) -> Registration {
    let vault = Vault::new(platform.sealing.clone());
    let pairs_in_the_making = Arc::new(Semaphore::new(PAIRS_IN_THE_MAKING_MAX));
    let kms = Arc::new(Kms { platform: Arc::clone(platform), vault, pairs_in_the_making });
    timers::install(&kms);
    let mut registration = Registration::new(&api::kms::SERVICE);
    register_keys(&mut registration, &kms);
    register_use(&mut registration, &kms);
    registration.with_guard(Arc::new(guard::KmsGuard(Arc::clone(&kms)))).with_lifecycle(kms)
}

/// The operations on keys as resources.
fn register_keys(registration: &mut Registration, kms: &Arc<Kms>) {
    platform::operations!(registration, kms, api::kms, {
        CancelKeyDeletion => deletion::cancel_key_deletion,
        CreateAlias => aliases::create_alias,
        CreateGrant => grants::create_grant,
        CreateKey => create_key::create_key,
        DeleteAlias => aliases::delete_alias,
        DeleteImportedKeyMaterial => import::delete_imported_key_material,
        DescribeKey => describe::describe_key,
        DisableKey => state::disable_key,
        DisableKeyRotation => rotation::disable_key_rotation,
        EnableKey => state::enable_key,
        EnableKeyRotation => rotation::enable_key_rotation,
        GetKeyPolicy => policies::get_key_policy,
        GetKeyRotationStatus => rotation::get_key_rotation_status,
        GetParametersForImport => import_parameters::get_parameters_for_import,
        ImportKeyMaterial => import::import_key_material,
        ListAliases => aliases::list_aliases,
        ListGrants => grant_lists::list_grants,
        ListKeyPolicies => policies::list_key_policies,
        ListKeyRotations => rotation::list_key_rotations,
        ListKeys => describe::list_keys,
        ListResourceTags => tags::list_resource_tags,
        ListRetirableGrants => grant_lists::list_retirable_grants,
        PutKeyPolicy => policies::put_key_policy,
        ReplicateKey => regions::replicate_key,
        RetireGrant => retire::retire_grant,
        RevokeGrant => retire::revoke_grant,
        RotateKeyOnDemand => rotation::rotate_key_on_demand,
        ScheduleKeyDeletion => deletion::schedule_key_deletion,
        TagResource => tags::tag_resource,
        UntagResource => tags::untag_resource,
        UpdateAlias => aliases::update_alias,
        UpdateKeyDescription => state::update_key_description,
        UpdatePrimaryRegion => regions::update_primary_region,
    });
}

/// The operations that use keys.
fn register_use(registration: &mut Registration, kms: &Arc<Kms>) {
    platform::operations!(registration, kms, api::kms, {
        Decapsulate => encapsulation::decapsulate,
        Decrypt => decrypt::decrypt,
        DeriveSharedSecret => derive_secret::derive_shared_secret,
        Encapsulate => encapsulation::encapsulate,
        Encrypt => encrypt::encrypt,
        GenerateDataKey => data_keys::generate_data_key,
        GenerateDataKeyPair => data_keys::generate_data_key_pair,
        GenerateDataKeyPairWithoutPlaintext => data_keys::generate_data_key_pair_without_plaintext,
        GenerateDataKeyWithoutPlaintext => data_keys::generate_data_key_without_plaintext,
        GenerateMac => macs::generate_mac,
        GenerateRandom => random::generate_random,
        GetPublicKey => public_key::get_public_key,
        ReEncrypt => re_encrypt::re_encrypt,
        Sign => sign::sign,
        Verify => sign::verify,
        VerifyMac => macs::verify_mac,
    });
}

impl Kms {
    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.platform.clock.milliseconds()
    }

    /// An account's rows as they are now.
    pub(crate) async fn snapshot(&self, account: &str) -> Result<Snapshot, Error> {
        let partition = keys::partition(account).or_failure()?;
        self.platform.store.snapshot(&partition).await.or_failure()
    }

    /// Runs a transaction on an account's rows.
    pub(crate) async fn transact<R, F>(&self, account: &str, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        let partition = keys::partition(account).or_failure()?;
        self.platform.store.transact(&partition, closure).await.or_failure()
    }

    /// Makes a key pair, away from the asynchronous tasks.
    pub(crate) async fn make_pair(&self, spec: KeySpec) -> Result<PairBytes, Error> {
        let turn = Arc::clone(&self.pairs_in_the_making).acquire_owned();
        let Ok(Ok(turn)) = tokio::time::timeout(PAIR_WAIT_MAX, turn).await else {
            return Err(Error::new(&common::SERVICE_UNAVAILABLE, "Service is unable to handle request."));
        };
        blocking(move || {
            let pair = crypto::generate_pair(spec).map_err(|_| errors::cryptography("making a key pair"));
            drop(turn);
            pair
        })
        .await
    }
}

/// Runs something that takes a core for long, away from the asynchronous tasks.
pub(crate) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Error> + Send + 'static,
) -> Result<R, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| errors::cryptography("work on another thread"))?
}

/// A time as the API writes it.
pub(crate) fn timestamp(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(milliseconds)
}

impl Lifecycle for Kms {
    fn start(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> {
        Box::pin(async { Ok(()) })
    }

    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async {})
    }

    fn reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.vault.clear() })
    }

    fn live_blobs(self: Arc<Self>) -> platform::LiveBlobs {
        platform::no_blobs()
    }
}
