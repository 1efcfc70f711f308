//! The service itself: what its parts share, and what it offers to the platform.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use platform::{Ctx, Lifecycle, OrFailure, Platform, Registration};
use store::{Abort, Partition, Store, StoreError, Transaction, value};
use tokio::sync::OnceCell;
use wire::Error;

use crate::arn::TopicArn;
use crate::dispatch::Dispatch;
use crate::errors;
use crate::guard::TopicGuard;
use crate::keys;
use crate::operations::{
    applications, data_protection, endpoints, numbers, permissions, publish, subscriptions, tags, text_messages, topics,
};
use crate::pages::Pages;
use crate::retry;
use crate::rows;
use crate::signing::{Signer, Stored};
use crate::subscription::Subscription;
use crate::topic::Topic;

/// What the sealed key is bound to.
const SEALED_FOR: &str = "sns/signer";

/// The service.
pub struct Sns {
    /// What all services share.
    pub platform: Arc<Platform>,
    /// The messages being handed out.
    pub(crate) dispatch: Dispatch,
    signer: OnceCell<Arc<Signer>>,
}

/// The offer of SNS.
pub fn registration(platform: &Arc<Platform>) -> Registration {
    Arc::new(Sns::new(Arc::clone(platform))).registration()
}

impl Sns {
    /// The service over the platform's store.
    pub fn new(platform: Arc<Platform>) -> Sns {
        Sns { platform, dispatch: Dispatch::default(), signer: OnceCell::new() }
    }

    /// What the service offers to the platform.
    pub fn registration(self: &Arc<Self>) -> Registration {
        let mut registration = Registration::new(&api::sns::SERVICE);
        platform::operations!(registration, self, api::sns, {
            AddPermission => permissions::add_permission,
            CheckIfPhoneNumberIsOptedOut => numbers::check_if_phone_number_is_opted_out,
            ConfirmSubscription => subscriptions::confirm_subscription,
            CreatePlatformApplication => applications::create_platform_application,
            CreatePlatformEndpoint => endpoints::create_platform_endpoint,
            CreateTopic => topics::create_topic,
            DeleteEndpoint => endpoints::delete_endpoint,
            DeletePlatformApplication => applications::delete_platform_application,
            DeleteTopic => topics::delete_topic,
            GetDataProtectionPolicy => data_protection::get_data_protection_policy,
            GetEndpointAttributes => endpoints::get_endpoint_attributes,
            GetPlatformApplicationAttributes => applications::get_platform_application_attributes,
            GetSMSAttributes => text_messages::get_sms_attributes,
            GetSMSSandboxAccountStatus => numbers::get_sms_sandbox_account_status,
            GetSubscriptionAttributes => subscriptions::get_subscription_attributes,
            GetTopicAttributes => topics::get_topic_attributes,
            ListEndpointsByPlatformApplication => endpoints::list_endpoints_by_platform_application,
            ListOriginationNumbers => numbers::list_origination_numbers,
            ListPhoneNumbersOptedOut => numbers::list_phone_numbers_opted_out,
            ListPlatformApplications => applications::list_platform_applications,
            ListSubscriptions => subscriptions::list_subscriptions,
            ListSubscriptionsByTopic => subscriptions::list_subscriptions_by_topic,
            ListTagsForResource => tags::list_tags_for_resource,
            ListTopics => topics::list_topics,
            OptInPhoneNumber => numbers::opt_in_phone_number,
            Publish => publish::publish,
            PublishBatch => publish::publish_batch,
            PutDataProtectionPolicy => data_protection::put_data_protection_policy,
            RemovePermission => permissions::remove_permission,
            SetEndpointAttributes => endpoints::set_endpoint_attributes,
            SetPlatformApplicationAttributes => applications::set_platform_application_attributes,
            SetSMSAttributes => text_messages::set_sms_attributes,
            SetSubscriptionAttributes => subscriptions::set_subscription_attributes,
            SetTopicAttributes => topics::set_topic_attributes,
            Subscribe => subscriptions::subscribe,
            TagResource => tags::tag_resource,
            Unsubscribe => subscriptions::unsubscribe,
            UntagResource => tags::untag_resource,
        });
        retry::handle_timers(self);
        registration
            .with_lifecycle(Arc::clone(self) as Arc<dyn Lifecycle>)
            .with_guard(Arc::new(TopicGuard(Arc::clone(self))))
            .with_data_plane(Arc::new(Pages(Arc::clone(self))))
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.platform.clock.milliseconds()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.platform.store
    }

    /// A topic as it is now.
    ///
    /// # Errors
    /// `NotFound`.
    pub(crate) async fn topic(&self, arn: &TopicArn) -> Result<Topic, Error> {
        let row = self.store().get(&partition(arn), &keys::topic(&arn.name)).await.or_failure()?;
        rows::decode(&row.ok_or_else(errors::no_topic)?)
    }

    /// A subscription as it is now, if it exists.
    pub(crate) async fn subscription(&self, topic: &TopicArn, id: &str) -> Result<Option<Subscription>, Error> {
        let row = self.store().get(&partition(topic), &keys::subscription(&topic.name, id)).await.or_failure()?;
        row.map(|row| rows::decode(&row)).transpose()
    }

    /// Runs a transaction on a topic, which is written back.
    ///
    /// # Errors
    /// `NotFound`, and those of the closure.
    pub(crate) async fn on_topic<R, F>(&self, arn: &TopicArn, work: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut Topic, &mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        let key = keys::topic(&arn.name);
        self.transact(partition(arn), move |rows| {
            let mut topic: Topic = rows::read(rows, &key)?.ok_or_else(errors::no_topic)?;
            let before = topic.clone();
            let result = work(&mut topic, rows)?;
            if topic != before {
                rows::put(rows, &key, &topic)?;
            }
            Ok(result)
        })
        .await
    }

    /// Runs a transaction.
    pub(crate) async fn transact<R, F>(&self, partition: Partition, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        self.store().transact(&partition, closure).await.or_failure()
    }

    /// The installation's signer, which is made when it is first needed.
    ///
    /// # Errors
    /// `InternalFailure`.
    pub(crate) async fn signer(&self) -> Result<Arc<Signer>, Error> {
        self.signer.get_or_try_init(|| self.load_signer()).await.cloned()
    }

    async fn load_signer(&self) -> Result<Arc<Signer>, Error> {
        let broken = |reason: String| Err(StoreError::Read(reason.into())).or_failure();
        let key = keys::signer();
        let row = self.store().get(&keys::deliveries(), &key).await.or_failure()?;
        let stored: Stored = match row {
            Some(row) => rows::decode(&row)?,
            None => {
                let made = tokio::task::spawn_blocking(Signer::generate).await;
                let (der, certificate) = match made {
                    Ok(Ok(made)) => made,
                    Ok(Err(error)) => return broken(error.0),
                    Err(error) => return broken(error.to_string()),
                };
                let key_text = crate::signing::text_of(&self.platform.sealing.seal(SEALED_FOR, &der));
                let made = value::encode(keys::FORMAT, &Stored { key: key_text, certificate });
                let made = made.map_err(StoreError::from).or_failure()?;
                // Another call may have been faster: then its signer counts.
                let kept = self.transact(keys::deliveries(), move |rows| match rows.get(&key)? {
                    Some(row) => Ok(row),
                    None => {
                        rows.put(&key, &made);
                        Ok(made.clone())
                    }
                });
                rows::decode(&kept.await?)?
            }
        };
        let sealed = crate::signing::bytes_of(&stored.key);
        let Ok(opened) = self.platform.sealing.open(SEALED_FOR, &sealed) else {
            return broken("the signing key cannot be opened".to_owned());
        };
        match Signer::new(&opened, stored.certificate, self.platform.ids.clone()) {
            Ok(signer) => Ok(Arc::new(signer)),
            Err(error) => broken(error.0),
        }
    }
}

/// The partition of a topic.
pub fn partition(arn: &TopicArn) -> Partition {
    keys::partition(&arn.account, &arn.region)
}

/// Refuses topics of other regions.
///
/// # Errors
/// `InvalidParameter`.
pub fn here(cx: &Ctx, parameter: &str, arn: &str) -> Result<TopicArn, Error> {
    let topic = TopicArn::parse(parameter, arn)?;
    if topic.region == cx.region { Ok(topic) } else { Err(errors::invalid(parameter)) }
}

impl Lifecycle for Sns {
    fn start(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> {
        Box::pin(async move {
            // A restart finds the attempts that are still to be made.
            self.platform.timers.partition(&keys::deliveries()).await.or_failure()?;
            let background = self.platform.background.clone();
            background.spawn("sns dispatch", crate::dispatch::run(self)).or_failure()
        })
    }

    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // What was accepted is in the store; the next start goes on with it.
        Box::pin(async {})
    }

    fn reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // The signer in memory stays valid: its certificate is served from memory.
        Box::pin(async {})
    }

    fn live_blobs(self: Arc<Self>) -> platform::LiveBlobs {
        platform::no_blobs()
    }
}
