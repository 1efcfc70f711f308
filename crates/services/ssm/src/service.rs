//! The service itself: what its parts share, and what it offers to the platform.

use std::sync::Arc;

use platform::{OrFailure, Platform, Registration, TimerPartition};
use store::{Abort, Snapshot, Transaction};
use wire::Error;

use crate::guard::ParameterGuard;
use crate::names::Reference;
use crate::operations::{delete, describe, get, history, labels, path, put, resource_policies, tags};
use crate::parameter_policies;
use crate::records::ParameterRecord;
use crate::{errors, keys, rows};

/// Kind of the timers of parameters' policies.
pub const POLICY_TIMER: &str = "ssm/policy";

/// The service.
pub struct ParameterStore {
    /// What all services share.
    pub platform: Arc<Platform>,
}

/// The offer of SSM: its Parameter Store.
pub fn registration(platform: &Arc<Platform>) -> Registration {
    let service = Arc::new(ParameterStore { platform: Arc::clone(platform) });
    let handler = Arc::clone(&service);
    platform.timers.on(POLICY_TIMER, move |firing| parameter_policies::act(Arc::clone(&handler), firing));
    let mut registration = Registration::new(&api::ssm::SERVICE);
    platform::operations!(registration, service, api::ssm, {
        AddTagsToResource => tags::add_tags_to_resource,
        DeleteParameter => delete::delete_parameter,
        DeleteParameters => delete::delete_parameters,
        DeleteResourcePolicy => resource_policies::delete_resource_policy,
        DescribeParameters => describe::describe_parameters,
        GetParameter => get::get_parameter,
        GetParameterHistory => history::get_parameter_history,
        GetParameters => get::get_parameters,
        GetParametersByPath => path::get_parameters_by_path,
        GetResourcePolicies => resource_policies::get_resource_policies,
        LabelParameterVersion => labels::label_parameter_version,
        ListTagsForResource => tags::list_tags_for_resource,
        PutParameter => put::put_parameter,
        PutResourcePolicy => resource_policies::put_resource_policy,
        RemoveTagsFromResource => tags::remove_tags_from_resource,
        UnlabelParameterVersion => labels::unlabel_parameter_version,
    });
    registration.with_guard(Arc::new(ParameterGuard(service)))
}

impl ParameterStore {
    /// Milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.platform.clock.milliseconds()
    }

    /// An account's rows as they are now.
    pub async fn snapshot(&self, account: &str) -> Result<Snapshot, Error> {
        let partition = keys::partition(account).or_failure()?;
        self.platform.store.snapshot(&partition).await.or_failure()
    }

    /// Runs a transaction on an account's rows.
    pub async fn transact<R, F>(&self, account: &str, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        let partition = keys::partition(account).or_failure()?;
        self.platform.store.transact(&partition, closure).await.or_failure()
    }

    /// An account's partition, as one that may hold timers.
    pub async fn timers(&self, account: &str) -> Result<TimerPartition, Error> {
        let partition = keys::partition(account).or_failure()?;
        self.platform.timers.partition(&partition).await.or_failure()
    }

    /// The parameter that is meant, whichever of its versions.
    pub async fn find(&self, reference: &Reference) -> Result<Option<ParameterRecord>, Error> {
        let partition = keys::partition(&reference.account).or_failure()?;
        for name in reference.names() {
            let key = keys::parameter(&reference.region, name);
            if let Some(row) = self.platform.store.get(&partition, &key).await.or_failure()? {
                return rows::decode(&row).map(Some);
            }
        }
        Ok(None)
    }

    /// As [`ParameterStore::find`], of a parameter that has to be there.
    pub async fn parameter(&self, reference: &Reference) -> Result<ParameterRecord, Error> {
        self.find(reference).await?.ok_or_else(errors::parameter_not_found)
    }
}
