//! The poller of a stream: a reader for each shard, each shard after those it came from.

mod answer;
mod delivery;
mod discard;
mod keeper;
mod lane;
mod reader;
mod record;
mod source;
mod window;

pub use source::{Source, SourceError};

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use pattern::Pattern;
use platform::Principal;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::Error;

use crate::function::FunctionVersion;
use crate::mapping::{Mapping, Start, StreamSettings};
use crate::{Lambda, functions, role};
use source::{Position, Shard};

/// How often the shards are listed while none of them ends.
const SHARDS_REFRESH: Duration = Duration::from_secs(10);

/// Wait after a failure of the stream or of the role.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What the readers of a mapping share.
struct Poller {
    lambda: Arc<Lambda>,
    mapping: Mapping,
    settings: StreamSettings,
    source: Source,
    patterns: Vec<Pattern>,
    stop: CancellationToken,
    shard_ended: Notify,
    last_result: Mutex<Option<&'static str>>,
}

/// Brings a stream's records to a function until it is told to stop, and what is at work has come to its end.
pub async fn poll(lambda: Arc<Lambda>, mapping: Mapping, stop: CancellationToken) {
    let Some(settings) = mapping.stream.clone() else { return };
    let Some(source) = Source::of_arn(&mapping.source_arn) else { return };
    let patterns = mapping.filters.iter().filter_map(|text| Pattern::parse(text).ok()).collect();
    let poller = Arc::new(Poller {
        lambda,
        mapping,
        settings,
        source,
        patterns,
        stop: stop.clone(),
        shard_ended: Notify::new(),
        last_result: Mutex::default(),
    });
    let (readers, mut running) = (TaskTracker::new(), HashSet::new());
    while !stop.is_cancelled() {
        let wait = match stop.run_until_cancelled(poller.start_readers(&readers, &mut running)).await {
            None => break,
            Some(Ok(())) => SHARDS_REFRESH,
            Some(Err(error)) => {
                tracing::info!(%error, mapping = poller.mapping.uuid, "the mapping's stream cannot be read");
                RETRY_AFTER
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = poller.shard_ended.notified() => {}
            () = poller.lambda.platform.clock.sleep(wait) => {}
        }
    }
    readers.close();
    readers.wait().await;
}

impl Poller {
    /// Starts readers of all shards whose parents were read to their ends, and forgets shards that are gone.
    async fn start_readers(
        self: &Arc<Poller>,
        readers: &TaskTracker,
        running: &mut HashSet<String>,
    ) -> Result<(), Error> {
        let role = self.role().await?;
        let shards = self.source.shards(&self.lambda.platform, role).await?;
        let mut progress = self.lambda.progress.shards(&self.mapping.uuid).await?;
        let listed: HashSet<&str> = shards.iter().map(|shard| shard.id.as_str()).collect();
        for shard in progress.keys().filter(|shard| !listed.contains(shard.as_str())) {
            self.lambda.progress.forget_shard(&self.mapping.uuid, shard).await?;
        }
        let has_ended = |shard: &String| progress.get(shard).is_some_and(|progress| progress.has_ended);
        let is_ready = |shard: &Shard| {
            let after_parents =
                shard.parents.iter().all(|parent| !listed.contains(parent.as_str()) || has_ended(parent));
            after_parents && !has_ended(&shard.id) && !running.contains(&shard.id)
        };
        let ready: Vec<String> = shards.iter().filter(|shard| is_ready(shard)).map(|shard| shard.id.clone()).collect();
        for shard in ready {
            let progress = progress.remove(&shard).unwrap_or_default();
            running.insert(shard.clone());
            readers.spawn(reader::read(Arc::clone(self), shard, progress));
        }
        Ok(())
    }

    /// The function that gets the records now.
    async fn version(&self) -> Result<Arc<FunctionVersion>, Error> {
        functions::resolve(&self.lambda, &self.mapping.function, self.mapping.qualifier.as_deref()).await
    }

    async fn role(&self) -> Result<Principal, Error> {
        role::session(&self.lambda.platform, &*self.version().await?).await
    }

    /// Where a shard is read from that no record of was handled.
    fn beginning(&self) -> Position {
        match self.settings.start {
            Start::TrimHorizon => Position::Oldest,
            Start::Latest => Position::Since(self.settings.began_at.unwrap_or_default()),
            Start::Timestamp(at) => Position::Since(at),
        }
    }

    /// Waits, unless it is told to stop meanwhile. Answers whether it may go on.
    async fn pause(&self, duration: Duration) -> bool {
        self.stop.run_until_cancelled(self.lambda.platform.clock.sleep(duration)).await.is_some()
    }

    /// Records what came of a batch, if that is not what came of the last one.
    async fn tell_result(&self, text: &'static str) {
        if self.last_result.lock().replace(text) == Some(text) {
            return;
        }
        if let Err(error) = self.lambda.progress.set_last_result(&self.mapping.uuid, text).await {
            tracing::warn!(%error, mapping = self.mapping.uuid, "a mapping's last result could not be written");
        }
    }
}
