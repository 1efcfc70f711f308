//! The service itself: what its parts share, and what it offers to the platform.

use std::sync::Arc;

use platform::{Guard, OrFailure, Platform, Registration, TimerPartition};
use store::{Abort, Transaction};
use wire::Error;

use crate::guard::ScheduleGuard;
use crate::names::Place;
use crate::operations::{groups, lists, schedules, tags};
use crate::{firing, keys};

/// The service.
pub struct Scheduler {
    /// What all services share.
    pub platform: Arc<Platform>,
}

/// The offer of the service.
pub fn registration(platform: &Arc<Platform>) -> Registration {
    let service = Arc::new(Scheduler { platform: Arc::clone(platform) });
    let mut registration = Registration::new(&api::scheduler::SERVICE);
    platform::operations!(registration, service, api::scheduler, {
        CreateSchedule => schedules::create_schedule,
        CreateScheduleGroup => groups::create_schedule_group,
        DeleteSchedule => schedules::delete_schedule,
        DeleteScheduleGroup => groups::delete_schedule_group,
        GetSchedule => schedules::get_schedule,
        GetScheduleGroup => groups::get_schedule_group,
        ListScheduleGroups => lists::list_schedule_groups,
        ListSchedules => lists::list_schedules,
        ListTagsForResource => tags::list_tags_for_resource,
        TagResource => tags::tag_resource,
        UntagResource => tags::untag_resource,
        UpdateSchedule => schedules::update_schedule,
    });
    firing::install(&service);
    registration.with_guard(Arc::new(ScheduleGuard(service)) as Arc<dyn Guard>)
}

impl Scheduler {
    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.platform.clock.milliseconds()
    }

    /// The timers of an account in a region.
    pub(crate) async fn timers(&self, place: &Place) -> Result<TimerPartition, Error> {
        self.platform.timers.partition(&keys::partition(&place.account, &place.region)).await.or_failure()
    }

    /// Runs a transaction on the rows of an account in a region.
    pub(crate) async fn transact<R, F>(&self, place: &Place, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        let partition = keys::partition(&place.account, &place.region);
        self.platform.store.transact(&partition, closure).await.or_failure()
    }
}
