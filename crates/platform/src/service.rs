//! How a service offers its operations.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use api::Operation;
use blob::Digest;
use wire::Error;
use wire::codec::Structure;
use wire::schema::{OperationDef, ServiceDef};

use crate::context::Ctx;
use crate::cross_origin::CrossOrigin;
use crate::data_plane::DataPlane;
use crate::guard::Guard;
use crate::witness::Witness;

/// A handler at work.
pub type HandlerFuture = Pin<Box<dyn Future<Output = Result<Box<dyn Structure>, Error>> + Send>>;

/// A handler, its types erased. It gets the input type of its operation and answers the output type.
pub type Handler = Arc<dyn Fn(Ctx, Box<dyn Structure>) -> HandlerFuture + Send + Sync>;

/// What a service does besides answering calls.
pub trait Lifecycle: Send + Sync + 'static {
    /// Called once all services are registered and before the first request: take up what an earlier run left behind.
    fn start(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;
    /// Called at shutdown, after the last request was answered: finish or hand back what was accepted.
    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
    /// Called by a reset, before the stores are emptied: from now on write nothing that stems from before it.
    fn before_reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }
    /// Called by a reset, after the stores were emptied: forget everything in memory and write nothing.
    fn reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
    /// The blobs that rows of this service name. Every service answers, so that no blob in use is ever swept; one that
    /// keeps none answers [`no_blobs`].
    fn live_blobs(self: Arc<Self>) -> LiveBlobs;
}

/// The blobs a service needs, once it has looked them up.
pub type LiveBlobs = Pin<Box<dyn Future<Output = Result<HashSet<Digest>, Error>> + Send>>;

/// The answer of a service that keeps no blobs.
pub fn no_blobs() -> LiveBlobs {
    Box::pin(std::future::ready(Ok(HashSet::new())))
}

/// A service's offer: which operations it has built.
pub struct Registration {
    /// The service.
    pub definition: &'static ServiceDef,
    handlers: Vec<Option<Handler>>,
    lifecycle: Option<Arc<dyn Lifecycle>>,
    data_plane: Option<Arc<dyn DataPlane>>,
    guard: Option<Arc<dyn Guard>>,
    cross_origin: Option<Arc<dyn CrossOrigin>>,
    witness: Option<Arc<dyn Witness>>,
    reword: Option<Reword>,
}

/// Words of a service's own for an input that breaks its model's constraints.
pub type Reword = fn(&'static OperationDef, &dyn Structure) -> Error;

impl Registration {
    /// An offer of nothing yet.
    pub fn new(definition: &'static ServiceDef) -> Registration {
        let handlers = vec![None; definition.operations.len()];
        Registration {
            definition,
            handlers,
            lifecycle: None,
            data_plane: None,
            guard: None,
            cross_origin: None,
            witness: None,
            reword: None,
        }
    }

    /// Adds an operation. Use [`operations!`](crate::operations), which writes these calls.
    pub fn add<O, F, Fut>(&mut self, handler: F)
    where
        O: Operation,
        F: Fn(Ctx, O::Input) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O::Output, Error>> + Send + 'static,
    {
        let erased: Handler = Arc::new(move |cx, input| {
            let input = input.into_any().downcast::<O::Input>();
            let input = input.unwrap_or_else(|_| unreachable!("the dispatcher checks the operation's index"));
            let future = handler(cx, *input);
            Box::pin(async move { future.await.map(|output| Box::new(output) as Box<dyn Structure>) })
        });
        self.handlers[usize::from(O::definition().index)] = Some(erased);
    }

    /// Adds what the service does besides answering calls.
    pub fn with_lifecycle(mut self, lifecycle: Arc<dyn Lifecycle>) -> Registration {
        self.lifecycle = Some(lifecycle);
        self
    }

    /// Adds what permissions the service's operations need.
    pub fn with_guard(mut self, guard: Arc<dyn Guard>) -> Registration {
        self.guard = Some(guard);
        self
    }

    /// Adds what the service says about pages of other origins.
    pub fn with_cross_origin(mut self, cross_origin: Arc<dyn CrossOrigin>) -> Registration {
        self.cross_origin = Some(cross_origin);
        self
    }

    /// Adds somebody who is told of the service's requests.
    pub fn with_witness(mut self, witness: Arc<dyn Witness>) -> Registration {
        self.witness = Some(witness);
        self
    }

    /// Adds how the service tells what is wrong with an input.
    pub fn with_reword(mut self, reword: Reword) -> Registration {
        self.reword = Some(reword);
        self
    }

    /// Adds addresses that the service serves itself, outside the AWS APIs.
    pub fn with_data_plane(mut self, data_plane: Arc<dyn DataPlane>) -> Registration {
        self.data_plane = Some(data_plane);
        self
    }
}

/// Offers operations: `operations!(registration, lambda, { CreateFunction => function::create, … })` registers free
/// functions `async fn create(service: &Lambda, cx: &Ctx, input: CreateFunctionRequest) -> Result<…, Error>` of the
/// API module in scope as `api_module`.
#[macro_export]
macro_rules! operations {
    ($registration:ident, $service:expr, $api:path, { $($operation:ident => $function:path),* $(,)? }) => {{
        use $api as operation_types;
        $(
            let service = ::std::sync::Arc::clone(&$service);
            $registration.add::<operation_types::$operation, _, _>(move |cx, input| {
                let service = ::std::sync::Arc::clone(&service);
                async move { $function(&service, &cx, input).await }
            });
        )*
    }};
}

/// All services of the platform.
#[derive(Default)]
pub struct Services {
    by_id: HashMap<&'static str, Registration>,
}

impl Services {
    /// Adds a service's offer.
    pub fn register(&mut self, registration: Registration) {
        self.by_id.insert(registration.definition.id, registration);
    }

    /// The handler of an operation, if it is built.
    pub fn handler(&self, service: &'static ServiceDef, operation: &'static OperationDef) -> Option<&Handler> {
        self.by_id.get(service.id)?.handlers.get(usize::from(operation.index))?.as_ref()
    }

    /// How a service tells what is wrong with an input, if it has words of its own.
    pub fn reword(&self, service: &'static ServiceDef) -> Option<Reword> {
        self.by_id.get(service.id)?.reword
    }

    /// What a service says about the permissions of its operations; `None` leaves them to the account root.
    pub fn guard(&self, service: &'static ServiceDef) -> Option<&Arc<dyn Guard>> {
        self.by_id.get(service.id)?.guard.as_ref()
    }

    /// What a service says about pages of other origins, if anything.
    pub fn cross_origin(&self, service: &'static ServiceDef) -> Option<&Arc<dyn CrossOrigin>> {
        self.by_id.get(service.id)?.cross_origin.as_ref()
    }

    /// Who is told of the requests of the service with this id, if anybody.
    pub fn witness(&self, service: &str) -> Option<&Arc<dyn Witness>> {
        self.by_id.get(service)?.witness.as_ref()
    }

    /// The services that do more than answer calls.
    pub fn lifecycles(&self) -> impl Iterator<Item = Arc<dyn Lifecycle>> + '_ {
        self.by_id.values().filter_map(|registration| registration.lifecycle.clone())
    }

    /// Ids of the services of which something is built, in alphabetical order.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> + '_ {
        let mut ids: Vec<&'static str> = self.by_id.keys().copied().collect();
        ids.sort_unstable();
        ids.into_iter()
    }

    /// The data plane that serves this host (lower case, without port) and path.
    pub fn data_plane(&self, host: &str, path: &str) -> Option<Arc<dyn DataPlane>> {
        let planes = self.by_id.values().filter_map(|registration| registration.data_plane.as_ref());
        planes.into_iter().find(|plane| plane.handles(host, path)).cloned()
    }
}
