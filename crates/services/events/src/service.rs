//! The service itself: what its parts share, and what it offers to the platform.

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use platform::{Firing, Lifecycle, OrFailure, Platform, Registration};
use store::{Abort, Store, Transaction};
use wire::Error;

use crate::compiled::Compiled;
use crate::connection::Connection;
use crate::destination::ApiDestination;
use crate::errors::no_bus;
use crate::firing;
use crate::guard::BusGuard;
use crate::keys;
use crate::limits::BUSES_COMPILED;
use crate::names::{BusId, DEFAULT_BUS};
use crate::oauth::{self, Tokens};
use crate::operations::{
    api_destinations, archives, buses, connections, permissions, put_events, replays, rules, tags, targets,
};
use crate::pace::Pace;
use crate::records::{Bus, Rule, RulesState};
use crate::replaying;
use crate::retry;
use crate::rows;

/// The service.
pub struct Events {
    /// What all services share.
    pub platform: Arc<Platform>,
    /// Buses in compiled form.
    pub(crate) compiled: Mutex<LruCache<BusId, Arc<Compiled>>>,
    /// Tokens of connections.
    pub(crate) tokens: Tokens,
    /// When API destinations may be called.
    pub(crate) pace: Pace,
}

/// The offer of EventBridge.
pub fn registration(platform: &Arc<Platform>) -> Registration {
    Arc::new(Events::new(Arc::clone(platform))).registration()
}

impl Events {
    /// The service over the platform's store.
    pub fn new(platform: Arc<Platform>) -> Events {
        let capacity = NonZeroUsize::new(BUSES_COMPILED).expect("the bound is not zero");
        let compiled = Mutex::new(LruCache::new(capacity));
        Events { platform, compiled, tokens: Tokens::default(), pace: Pace::default() }
    }

    /// What the service offers to the platform.
    pub fn registration(self: &Arc<Self>) -> Registration {
        let mut registration = Registration::new(&api::events::SERVICE);
        platform::operations!(registration, self, api::events, {
            CancelReplay => replays::cancel_replay,
            CreateApiDestination => api_destinations::create_api_destination,
            CreateArchive => archives::create_archive,
            CreateConnection => connections::create_connection,
            CreateEventBus => buses::create_event_bus,
            DeauthorizeConnection => connections::deauthorize_connection,
            DeleteApiDestination => api_destinations::delete_api_destination,
            DeleteArchive => archives::delete_archive,
            DeleteConnection => connections::delete_connection,
            DeleteEventBus => buses::delete_event_bus,
            DeleteRule => rules::delete_rule,
            DescribeApiDestination => api_destinations::describe_api_destination,
            DescribeArchive => archives::describe_archive,
            DescribeConnection => connections::describe_connection,
            DescribeEventBus => buses::describe_event_bus,
            DescribeReplay => replays::describe_replay,
            DescribeRule => rules::describe_rule,
            DisableRule => rules::disable_rule,
            EnableRule => rules::enable_rule,
            ListApiDestinations => api_destinations::list_api_destinations,
            ListArchives => archives::list_archives,
            ListConnections => connections::list_connections,
            ListEventBuses => buses::list_event_buses,
            ListReplays => replays::list_replays,
            ListRuleNamesByTarget => rules::list_rule_names_by_target,
            ListRules => rules::list_rules,
            ListTagsForResource => tags::list_tags_for_resource,
            ListTargetsByRule => targets::list_targets_by_rule,
            PutEvents => put_events::put_events,
            PutPermission => permissions::put_permission,
            PutRule => rules::put_rule,
            PutTargets => targets::put_targets,
            RemovePermission => permissions::remove_permission,
            RemoveTargets => targets::remove_targets,
            StartReplay => replays::start_replay,
            TagResource => tags::tag_resource,
            TestEventPattern => put_events::test_event_pattern,
            UntagResource => tags::untag_resource,
            UpdateApiDestination => api_destinations::update_api_destination,
            UpdateArchive => archives::update_archive,
            UpdateConnection => connections::update_connection,
            UpdateEventBus => buses::update_event_bus,
        });
        self.handle_timers();
        registration
            .with_lifecycle(Arc::clone(self) as Arc<dyn Lifecycle>)
            .with_guard(Arc::new(BusGuard(Arc::clone(self))))
    }

    fn handle_timers(self: &Arc<Self>) {
        let timers = &self.platform.timers;
        let on = |work: fn(Arc<Events>, Firing) -> Handled| {
            let worker = Arc::clone(self);
            move |firing: Firing| work(Arc::clone(&worker), firing)
        };
        let deliver =
            |service, firing| -> Handled { Box::pin(async move { retry::try_again(&service, &firing).await }) };
        timers.on(retry::DELIVERY, on(deliver));
        timers
            .on(firing::SCHEDULE, on(|service, firing| Box::pin(async move { firing::fire(&service, &firing).await })));
        timers.on(
            oauth::AUTHORIZE,
            on(|service, firing| Box::pin(async move { oauth::authorize(&service, &firing).await })),
        );
        timers.on(
            replaying::REPLAY,
            on(|service, firing| Box::pin(async move { replaying::run(&service, &firing).await })),
        );
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.platform.clock.milliseconds()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.platform.store
    }

    /// Whether a bus exists.
    pub(crate) async fn has_bus(&self, bus: &BusId) -> Result<bool, Error> {
        if bus.name == DEFAULT_BUS {
            return Ok(true);
        }
        Ok(self.store().get(&keys::partition(), &keys::bus(bus)).await.or_failure()?.is_some())
    }

    /// A bus as it is now. The default bus exists without having been made.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(crate) async fn bus(&self, bus: &BusId) -> Result<Bus, Error> {
        match self.store().get(&keys::partition(), &keys::bus(bus)).await.or_failure()? {
            Some(row) => rows::decode(&row),
            None if bus.name == DEFAULT_BUS => Ok(Bus::default()),
            None => Err(no_bus(&bus.name)),
        }
    }

    /// A rule as it is now, if it exists.
    pub(crate) async fn rule(&self, bus: &BusId, name: &str) -> Result<Option<Rule>, Error> {
        let row = self.store().get(&keys::partition(), &keys::rule(bus, name)).await.or_failure()?;
        row.map(|row| rows::decode(&row)).transpose()
    }

    /// A connection as it is now, if it exists.
    pub(crate) async fn connection(
        &self,
        account: &str,
        region: &str,
        name: &str,
    ) -> Result<Option<Connection>, Error> {
        let row = self.store().get(&keys::partition(), &keys::connection(account, region, name)).await.or_failure()?;
        row.map(|row| rows::decode(&row)).transpose()
    }

    /// The connection of an ARN, if it is one of this account in this region.
    pub(crate) async fn connection_of(
        &self,
        account: &str,
        region: &str,
        arn: &str,
    ) -> Result<Option<Connection>, Error> {
        let name = arn.split('/').nth(1).unwrap_or_default();
        let found = self.connection(account, region, name).await?;
        Ok(found.filter(|found| found.arn(account, region) == arn))
    }

    /// An API destination as it is now, if it exists.
    pub(crate) async fn api_destination(
        &self,
        account: &str,
        region: &str,
        name: &str,
    ) -> Result<Option<ApiDestination>, Error> {
        let key = keys::api_destination(account, region, name);
        let row = self.store().get(&keys::partition(), &key).await.or_failure()?;
        row.map(|row| rows::decode(&row)).transpose()
    }

    /// Runs a transaction.
    pub(crate) async fn transact<R, F>(&self, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        self.store().transact(&keys::partition(), closure).await.or_failure()
    }

    /// A number for [`changed`].
    pub(crate) fn version(&self) -> u64 {
        self.platform.ids.below(u64::MAX)
    }
}

type Handled = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// A bus inside a transaction.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn read_bus(rows: &mut dyn Transaction, bus: &BusId) -> Result<Bus, Abort<Error>> {
    match rows::read(rows, &keys::bus(bus))? {
        Some(found) => Ok(found),
        None if bus.name == DEFAULT_BUS => Ok(Bus::default()),
        None => Err(no_bus(&bus.name).into()),
    }
}

/// Notes that rules or archives of a bus changed, and how many rules were added or removed. Answers how many there are.
///
/// # Errors
/// A failure of the store.
pub fn changed(rows: &mut dyn Transaction, bus: &BusId, version: u64, added: i64) -> Result<u64, Abort<Error>> {
    let key = keys::rules_state(bus);
    let before: RulesState = rows::read(rows, &key)?.unwrap_or_default();
    let count = before.count.saturating_add_signed(added);
    rows::put(rows, &key, &RulesState { count, version })?;
    Ok(count)
}

impl Lifecycle for Events {
    fn start(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> {
        Box::pin(async move {
            // A restart finds schedules, attempts and replays.
            self.platform.timers.partition(&keys::partition()).await.or_failure()?;
            let background = self.platform.background.clone();
            background.spawn("archive sweep", crate::retention::run(Arc::clone(&self))).or_failure()?;
            background.spawn("event dispatch", crate::dispatch::run(self)).or_failure()
        })
    }

    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // What was accepted is in the store; the next start goes on with it.
        Box::pin(async {})
    }

    fn reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.compiled.lock().clear();
        self.tokens.clear();
        Box::pin(async {})
    }

    fn live_blobs(self: Arc<Self>) -> platform::LiveBlobs {
        platform::no_blobs()
    }
}
