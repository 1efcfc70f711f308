//! Reads a shard from where it was left to its end.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use wire::Error;

use super::keeper::Keeper;
use super::lane::{Lane, Tracked};
use super::source::{Page, Position};
use super::{Poller, RETRY_AFTER};
use crate::event_source::Progress;
use crate::role;

/// How often a shard of DynamoDB is looked at for records. Developer guide, "Using AWS Lambda with Amazon DynamoDB": four
/// times a second.
const DYNAMODB_INTERVAL: Duration = Duration::from_millis(250);

/// How often a shard of Kinesis is looked at. Developer guide, "Using AWS Lambda with Amazon Kinesis": once a second.
const KINESIS_INTERVAL: Duration = Duration::from_secs(1);

/// Groups of records that wait for a lane; each is what one read has brought, 10 MB at most.
const WAITING_GROUPS_MAX: usize = 1;

/// Reads a shard until it ends or the poller stops, and waits until what was read is done with.
pub async fn read(poller: Arc<Poller>, shard: String, progress: Progress) {
    let position = match progress.after.clone() {
        Some(after) => Position::After(after),
        None => poller.beginning(),
    };
    let window = progress.window.clone();
    let keeper = Arc::new(Keeper::new(Arc::clone(&poller), shard.clone(), progress));
    let (tasks, mut lanes) = (TaskTracker::new(), Vec::new());
    for _ in 0..poller.settings.parallelization.max(1) {
        let (sender, receiver) = mpsc::channel(WAITING_GROUPS_MAX);
        let lane = Lane::new(Arc::clone(&poller), Arc::clone(&keeper), shard.clone(), receiver, window.clone());
        tasks.spawn(lane.run());
        lanes.push(sender);
    }
    let reader = Reader { poller: Arc::clone(&poller), keeper: Arc::clone(&keeper), shard, lanes };
    let has_ended = reader.read_on(position).await;
    drop(reader);
    tasks.close();
    tasks.wait().await;
    if has_ended && keeper.is_clear() {
        keeper.end().await;
        poller.shard_ended.notify_one();
    }
}

struct Reader {
    poller: Arc<Poller>,
    keeper: Arc<Keeper>,
    shard: String,
    lanes: Vec<mpsc::Sender<Vec<Tracked>>>,
}

impl Reader {
    /// Reads until the shard ends or the poller stops. Answers whether it has ended.
    async fn read_on(&self, mut position: Position) -> bool {
        let mut iterator = None;
        let stop = &self.poller.stop;
        while !stop.is_cancelled() {
            let Some(page) = stop.run_until_cancelled(self.page(&mut iterator, &position)).await else { return false };
            let wait = match page {
                Ok(None) => return true,
                Ok(Some(records)) if records.is_empty() => self.interval(),
                Ok(Some(records)) => {
                    if let Some(last) = records.last() {
                        position = Position::After(last.record.sequence.clone());
                    }
                    if stop.run_until_cancelled(self.hand_on(records)).await.is_none() {
                        return false;
                    }
                    if iterator.is_none() { return true } else { continue }
                }
                Err(error) => {
                    tracing::info!(%error, mapping = self.poller.mapping.uuid, self.shard, "a shard cannot be read");
                    iterator = None;
                    RETRY_AFTER
                }
            };
            self.poller.pause(wait).await;
        }
        false
    }

    fn interval(&self) -> Duration {
        if self.poller.source.is_kinesis() { KINESIS_INTERVAL } else { DYNAMODB_INTERVAL }
    }

    /// What one read brings; nothing at all when the shard has ended. The iterator is gone when these are the last.
    async fn page(&self, iterator: &mut Option<String>, position: &Position) -> Result<Option<Vec<Tracked>>, Error> {
        let version = self.poller.version().await?;
        let platform = &self.poller.lambda.platform;
        let role = role::session(platform, &version).await?;
        let source = &self.poller.source;
        if iterator.is_none() {
            *iterator = source.iterator(platform, role.clone(), &self.shard, position).await?;
        }
        let Some(at) = iterator.clone() else { return Ok(None) };
        let limit = self.poller.mapping.batch_size as usize * self.lanes.len();
        let role_arn = &version.configuration.role;
        let Page { records, next } = source.records(platform, role, role_arn, &self.shard, &at, limit).await?;
        let has_ended = next.is_none();
        *iterator = next;
        if records.is_empty() && has_ended {
            return Ok(None);
        }
        let tracked =
            records.into_iter().map(|record| Tracked { number: self.keeper.add(record.sequence.clone()), record });
        Ok(Some(tracked.collect()))
    }

    /// Hands the records that pass the filters to their lanes.
    async fn hand_on(&self, records: Vec<Tracked>) {
        let mut groups: Vec<Vec<Tracked>> = self.lanes.iter().map(|_| Vec::new()).collect();
        let mut has_filtered = false;
        for tracked in records {
            if !tracked.record.passes(&self.poller.patterns) {
                self.keeper.done(tracked.number);
                has_filtered = true;
                continue;
            }
            let mut hasher = DefaultHasher::new();
            tracked.record.key.hash(&mut hasher);
            let lane = (hasher.finish() % groups.len() as u64) as usize;
            groups[lane].push(tracked);
        }
        if has_filtered {
            self.keeper.save().await;
        }
        for (lane, group) in self.lanes.iter().zip(groups) {
            if !group.is_empty() {
                // A lane that has gone has left its records to the next poller.
                let _ = lane.send(group).await;
            }
        }
    }
}
