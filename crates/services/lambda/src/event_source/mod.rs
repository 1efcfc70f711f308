//! The pollers of event source mappings: what is stored is brought to work, and to rest.
//!
//! **Invariant.** A mapping has one poller at a time: the next one begins when the one before has come to its end, so
//! that what is known to be handled never goes backwards.

mod batch;
mod progress;
mod queue;
mod stream;

pub use progress::Progress;
pub(crate) use progress::ProgressStore;
pub use queue::queue_url;
pub(crate) use stream::{Source, SourceError};

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use platform::OrFailure;
use store::Transaction;
use tokio_util::sync::{CancellationToken, DropGuard};
use wire::Error;

use crate::functions::rows;
use crate::mapping::{Mapping, State};
use crate::{Lambda, keys};

/// The pollers at work, by the ids of their mappings.
#[derive(Default)]
pub struct Pollers(Mutex<HashMap<String, Poller>>);

struct Poller {
    /// Tells it to stop.
    stop: CancellationToken,
    /// Cancelled when it has.
    ended: CancellationToken,
}

/// The right to poll for a mapping, once the one before has ended.
struct Turn {
    stop: CancellationToken,
    before: Option<CancellationToken>,
    _ended: DropGuard,
}

impl Pollers {
    /// Tells all pollers to end, after all state was dropped.
    pub fn reset(&self) {
        self.0.lock().drain().for_each(|(_, poller)| poller.stop.cancel());
    }

    /// Tells the mapping's poller to stop, and makes place for the next.
    fn take_turn(&self, uuid: &str, stop: CancellationToken) -> Turn {
        let ended = CancellationToken::new();
        let next = Poller { stop: stop.clone(), ended: ended.clone() };
        let mut pollers = self.0.lock();
        let before = pollers.insert(uuid.to_owned(), next).map(|poller| {
            poller.stop.cancel();
            poller.ended
        });
        Turn { stop, before, _ended: ended.drop_guard() }
    }

    /// Forgets the mapping's poller, unless it is already another one.
    fn leave(&self, uuid: &str, turn: &Turn) {
        let mut pollers = self.0.lock();
        if !turn.stop.is_cancelled() && pollers.contains_key(uuid) {
            pollers.remove(uuid);
        }
    }
}

/// Brings all mappings to work, at start.
///
/// # Errors
/// When the store cannot be read.
pub async fn load(lambda: &Arc<Lambda>) -> Result<(), Error> {
    for (_, mapping) in lambda.functions.all_rows::<Mapping>(keys::all_mappings()).await? {
        settle_soon(lambda, &mapping)?;
    }
    Ok(())
}

/// Does in the background what a change of a mapping asks for: ends its poller, records the new state, and polls if the
/// mapping is to be at work.
///
/// # Errors
/// When the platform stops; the next start does it then.
pub fn settle_soon(lambda: &Arc<Lambda>, mapping: &Mapping) -> Result<(), Error> {
    let stop = lambda.platform.background.stopping().child_token();
    let turn = lambda.pollers.take_turn(&mapping.uuid, stop);
    let (service, mapping) = (Arc::clone(lambda), mapping.clone());
    let task = async move {
        if let Err(error) = work(&service, &mapping, turn).await {
            tracing::error!(%error, mapping = mapping.uuid, "a mapping could not be brought to its state");
        }
    };
    lambda.platform.background.spawn("lambda event source mapping", task).or_failure()
}

async fn work(lambda: &Arc<Lambda>, mapping: &Mapping, turn: Turn) -> Result<(), Error> {
    if let Some(before) = &turn.before {
        before.cancelled().await;
    }
    if turn.stop.is_cancelled() {
        return Ok(());
    }
    let settled = settle(lambda, mapping).await?;
    match settled.filter(|mapping| mapping.is_enabled) {
        Some(mapping) if mapping.stream.is_some() => {
            stream::poll(Arc::clone(lambda), mapping, turn.stop.clone()).await;
        }
        Some(mapping) => queue::poll(Arc::clone(lambda), mapping, turn.stop.clone()).await,
        None => lambda.pollers.leave(&mapping.uuid, &turn),
    }
    Ok(())
}

/// Records that a mapping has the state it was to get; answers it unless it is gone.
async fn settle(lambda: &Arc<Lambda>, mapping: &Mapping) -> Result<Option<Mapping>, Error> {
    if mapping.state == State::Deleting {
        lambda.progress.forget(&mapping.uuid).await?;
    }
    let key = keys::mapping(&mapping.account, &mapping.region, &mapping.uuid);
    let now = lambda.platform.clock.milliseconds();
    let closure = move |rows: &mut dyn Transaction| {
        let Some(mut mapping) = rows::read::<Mapping>(rows, &key)? else { return Ok(None) };
        if mapping.state == State::Deleting {
            rows.delete(&key);
            return Ok(None);
        }
        if mapping.state.is_passing() {
            mapping.state = if mapping.is_enabled { State::Enabled } else { State::Disabled };
            if let Some(stream) = mapping.stream.as_mut().filter(|_| mapping.is_enabled) {
                stream.began_at.get_or_insert(now);
            }
            rows::put(rows, &key, &mapping)?;
        }
        Ok(Some(mapping))
    };
    lambda.functions.commit(&mapping.function, None, closure).await
}
