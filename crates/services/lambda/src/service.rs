//! The service itself: what its parts share, and what it offers to the platform.

use std::fmt::Display;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use api::lambda as operation_types;
use image::Registries;
use platform::{Guard, Lifecycle, LiveBlobs, OrFailure, Platform, Registration};
use tokio::sync::{Mutex, Notify};
use wire::Error;
use wire::error::common;

use crate::asynchronous::Events;
use crate::code_location::CodeLocations;
use crate::durable::{self, Executions};
use crate::event_source::{self, Pollers, ProgressStore};
use crate::functions::Functions;
use crate::invoke::{self, InvokeSettings, Invoker};
use crate::operations::{
    account, aliases, code_signing, concurrency, create, delete, durable as durable_executions, event_invoke,
    event_sources, get, layer_permissions, layers, list, permissions, provisioned_concurrency, recursion,
    resource_policies, runtime_management, tags, update_code, update_configuration, urls, versions,
};
use crate::package::Packages;
use crate::urls::Urls;
use crate::{deployment, sweep};

/// The service.
pub struct Lambda {
    /// What all services share.
    pub platform: Arc<Platform>,
    /// The functions of all accounts.
    pub functions: Functions,
    /// Their packages, unpacked.
    pub packages: Arc<Packages>,
    /// Where those of them that are container images come from.
    pub registries: Registries,
    /// Held while an image's layers are fetched.
    pub(crate) image_fetches: Mutex<()>,
    /// Where their packages can be downloaded.
    pub code_locations: Arc<CodeLocations>,
    /// Runs them.
    pub invoker: Arc<Invoker>,
    /// Events that wait for them.
    pub events: Arc<Events>,
    /// Brings the records of queues and streams to them.
    pub(crate) pollers: Pollers,
    /// Their durable executions.
    pub executions: Executions,
    /// How far streams were read.
    pub(crate) progress: ProgressStore,
    /// Held while what invocations keep to is brought in step with what is stored.
    pub(crate) reservations: Mutex<()>,
    sweep_requested: Notify,
}

/// Longest wait at shutdown for invocations under way: the platform's own deadline is shorter.
const STOP_DEADLINE: Duration = Duration::from_secs(900);

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The directory of unpacked packages cannot be used.
    #[error("cannot open the directory of unpacked packages: {0}")]
    Packages(#[from] io::Error),
    /// The functions cannot be opened.
    #[error(transparent)]
    Functions(#[from] Error),
}

impl Lambda {
    /// The service over the platform's stores. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(platform: Arc<Platform>, settings: InvokeSettings) -> Result<Lambda, StartError> {
        let functions = Functions::new(Arc::clone(&platform))?;
        let packages = Packages::open(settings.packages.clone(), platform.blobs.clone())?;
        let locations = CodeLocations::new(&platform.ids, platform.blobs.clone(), platform.clock.clone());
        let registries = settings.registries.clone();
        let invoker = Arc::new(Invoker::new(Arc::clone(&platform), settings));
        let events = Arc::new(Events::new(Arc::clone(&platform))?);
        Ok(Lambda {
            events,
            progress: ProgressStore::new(Arc::clone(&platform))?,
            executions: Executions::new(Arc::clone(&platform))?,
            platform,
            invoker,
            functions,
            packages: Arc::new(packages),
            registries,
            image_fetches: Mutex::default(),
            code_locations: Arc::new(locations),
            reservations: Mutex::default(),
            pollers: Pollers::default(),
            sweep_requested: Notify::new(),
        })
    }

    /// What the service offers to the platform.
    pub fn registration(self: &Arc<Self>) -> Registration {
        let mut registration = Registration::new(&api::lambda::SERVICE);
        platform::operations!(registration, self, operation_types, {
            AddPermission => permissions::add_permission,
            CreateAlias => aliases::create_alias,
            CreateEventSourceMapping => event_sources::create_event_source_mapping,
            CreateFunction => create::create_function,
            CreateFunctionUrlConfig => urls::create_function_url_config,
            DeleteAlias => aliases::delete_alias,
            DeleteEventSourceMapping => event_sources::delete_event_source_mapping,
            DeleteFunction => delete::delete_function,
            DeleteFunctionEventInvokeConfig => event_invoke::delete_function_event_invoke_config,
            DeleteFunctionUrlConfig => urls::delete_function_url_config,
            DeleteResourcePolicy => resource_policies::delete_resource_policy,
            GetAccountSettings => account::get_account_settings,
            GetAlias => aliases::get_alias,
            GetEventSourceMapping => event_sources::get_event_source_mapping,
            GetFunction => get::get_function,
            GetFunctionConfiguration => get::get_function_configuration,
            GetFunctionEventInvokeConfig => event_invoke::get_function_event_invoke_config,
            GetFunctionUrlConfig => urls::get_function_url_config,
            GetFunctionRecursionConfig => recursion::get_function_recursion_config,
            GetPolicy => permissions::get_policy,
            GetResourcePolicy => resource_policies::get_resource_policy,
            GetRuntimeManagementConfig => runtime_management::get_runtime_management_config,
            Invoke => invoke::invoke,
            InvokeAsync => invoke::invoke_async,
            InvokeWithResponseStream => invoke::invoke_with_response_stream,
            ListAliases => aliases::list_aliases,
            ListEventSourceMappings => event_sources::list_event_source_mappings,
            ListFunctionEventInvokeConfigs => event_invoke::list_function_event_invoke_configs,
            ListFunctionUrlConfigs => urls::list_function_url_configs,
            ListFunctions => list::list_functions,
            ListTags => tags::list_tags,
            ListVersionsByFunction => versions::list_versions_by_function,
            PublishVersion => versions::publish_version,
            PutFunctionEventInvokeConfig => event_invoke::put_function_event_invoke_config,
            PutFunctionRecursionConfig => recursion::put_function_recursion_config,
            PutResourcePolicy => resource_policies::put_resource_policy,
            PutRuntimeManagementConfig => runtime_management::put_runtime_management_config,
            RemovePermission => permissions::remove_permission,
            TagResource => tags::tag_resource,
            UntagResource => tags::untag_resource,
            UpdateAlias => aliases::update_alias,
            UpdateEventSourceMapping => event_sources::update_event_source_mapping,
            UpdateFunctionCode => update_code::update_function_code,
            UpdateFunctionConfiguration => update_configuration::update_function_configuration,
            UpdateFunctionEventInvokeConfig => event_invoke::update_function_event_invoke_config,
            UpdateFunctionUrlConfig => urls::update_function_url_config,
        });
        self.offer_layers_and_limits(&mut registration);
        self.offer_durable_executions(&mut registration);
        let data_plane = Arc::new(Urls::new(Arc::clone(&self.code_locations)));
        data_plane.serve(self);
        let registration =
            registration.with_lifecycle(Arc::clone(self) as Arc<dyn Lifecycle>).with_data_plane(data_plane);
        registration.with_guard(Arc::clone(self) as Arc<dyn Guard>)
    }

    fn offer_layers_and_limits(self: &Arc<Self>, registration: &mut Registration) {
        platform::operations!(registration, self, operation_types, {
            AddLayerVersionPermission => layer_permissions::add_layer_version_permission,
            CreateCodeSigningConfig => code_signing::create_code_signing_config,
            DeleteCodeSigningConfig => code_signing::delete_code_signing_config,
            DeleteFunctionCodeSigningConfig => code_signing::delete_function_code_signing_config,
            DeleteFunctionConcurrency => concurrency::delete_function_concurrency,
            DeleteLayerVersion => layers::delete_layer_version,
            DeleteProvisionedConcurrencyConfig => provisioned_concurrency::delete_provisioned_concurrency_config,
            GetCodeSigningConfig => code_signing::get_code_signing_config,
            GetFunctionCodeSigningConfig => code_signing::get_function_code_signing_config,
            GetFunctionConcurrency => concurrency::get_function_concurrency,
            GetLayerVersion => layers::get_layer_version,
            GetLayerVersionByArn => layers::get_layer_version_by_arn,
            GetLayerVersionPolicy => layer_permissions::get_layer_version_policy,
            GetProvisionedConcurrencyConfig => provisioned_concurrency::get_provisioned_concurrency_config,
            ListCodeSigningConfigs => code_signing::list_code_signing_configs,
            ListFunctionsByCodeSigningConfig => code_signing::list_functions_by_code_signing_config,
            ListLayerVersions => layers::list_layer_versions,
            ListLayers => layers::list_layers,
            ListProvisionedConcurrencyConfigs => provisioned_concurrency::list_provisioned_concurrency_configs,
            PublishLayerVersion => layers::publish_layer_version,
            PutFunctionCodeSigningConfig => code_signing::put_function_code_signing_config,
            PutFunctionConcurrency => concurrency::put_function_concurrency,
            PutProvisionedConcurrencyConfig => provisioned_concurrency::put_provisioned_concurrency_config,
            RemoveLayerVersionPermission => layer_permissions::remove_layer_version_permission,
            UpdateCodeSigningConfig => code_signing::update_code_signing_config,
        });
    }

    fn offer_durable_executions(self: &Arc<Self>, registration: &mut Registration) {
        durable::handle_timers(self);
        platform::operations!(registration, self, operation_types, {
            CheckpointDurableExecution => durable_executions::checkpoint_durable_execution,
            DeleteDurableExecution => durable_executions::delete_durable_execution,
            GetDurableExecution => durable_executions::get_durable_execution,
            GetDurableExecutionHistory => durable_executions::get_durable_execution_history,
            GetDurableExecutionState => durable_executions::get_durable_execution_state,
            ListDurableExecutionsByFunction => durable_executions::list_durable_executions_by_function,
            SendDurableExecutionCallbackFailure => durable_executions::send_durable_execution_callback_failure,
            SendDurableExecutionCallbackHeartbeat => durable_executions::send_durable_execution_callback_heartbeat,
            SendDurableExecutionCallbackSuccess => durable_executions::send_durable_execution_callback_success,
            StopDurableExecution => durable_executions::stop_durable_execution,
        });
    }

    /// Lets packages that are no longer needed be removed soon.
    pub(crate) fn sweep_soon(&self) {
        self.sweep_requested.notify_one();
    }

    /// Waits until [`Lambda::sweep_soon`] is called.
    pub(crate) async fn sweep_requested(&self) {
        self.sweep_requested.notified().await;
    }

    async fn start_up(self: Arc<Self>) -> Result<(), Error> {
        let environments = Arc::clone(&self.invoker).look_after(self.functions.changes());
        self.platform.background.spawn("lambda environments", environments).or_failure()?;
        concurrency::load(&self).await?;
        provisioned_concurrency::load(&self).await?;
        self.events.load().await?;
        event_source::load(&self).await?;
        durable::load(&self).await?;
        deployment::resume(&self).await?;
        let provisioned = invoke::provisioned::look_after(Arc::clone(&self));
        self.platform.background.spawn("lambda provisioned concurrency", provisioned).or_failure()?;
        let dispatcher = Events::run(Arc::clone(&self));
        self.platform.background.spawn("lambda events", dispatcher).or_failure()?;
        let sweeper = sweep::run(Arc::clone(&self));
        self.platform.background.spawn("lambda sweep", sweeper).or_failure()
    }
}

impl Lifecycle for Lambda {
    fn start(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> {
        Box::pin(self.start_up())
    }

    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.invoker.stop(STOP_DEADLINE).await })
    }

    fn before_reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.invoker.forget_logs().await })
    }

    fn reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            self.functions.reset();
            self.pollers.reset();
            self.events.reset();
            self.executions.reset();
            self.invoker.reset().await;
            self.sweep_soon();
        })
    }

    fn live_blobs(self: Arc<Self>) -> LiveBlobs {
        Box::pin(async move { self.functions.packages().await })
    }
}

/// A failure of the machine's, as a client sees it; the reason goes to the log alone.
pub(crate) fn store_failure(reason: impl Display) -> Error {
    tracing::error!(%reason, "internal failure");
    Error::bare(&common::INTERNAL_FAILURE)
}

/// Does work to its end even if whoever waits for it goes away, as a client does that hangs up.
pub(crate) async fn to_the_end<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    tokio::spawn(work).await.unwrap_or_else(|error| Err(store_failure(error)))
}
