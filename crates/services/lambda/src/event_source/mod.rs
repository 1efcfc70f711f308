//! The pollers of event source mappings: what is stored is brought to work, and to rest.

mod batch;
mod queue;

pub use queue::queue_url;

use std::collections::HashMap;
use std::sync::Arc;

use platform::OrFailure;
use store::Transaction;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use wire::Error;

use crate::functions::rows;
use crate::mapping::{Mapping, State};
use crate::{Lambda, keys, store_failure};

/// The pollers at work, by the ids of their mappings.
#[derive(Default)]
pub struct Pollers(Mutex<HashMap<String, CancellationToken>>);

impl Pollers {
    /// Ends all pollers, after all state was dropped.
    pub async fn reset(&self) {
        self.0.lock().await.drain().for_each(|(_, stop)| stop.cancel());
    }
}

/// Brings all mappings to work, at start.
///
/// # Errors
/// When the store cannot be read.
pub async fn load(lambda: &Arc<Lambda>) -> Result<(), Error> {
    for (_, mapping) in lambda.functions.all_rows::<Mapping>(keys::all_mappings()).await? {
        settle(lambda, &mapping).await?;
    }
    Ok(())
}

/// Does in the background what a change of a mapping asks for.
///
/// # Errors
/// When the platform stops; the next start does it then.
pub fn settle_soon(lambda: &Arc<Lambda>, mapping: &Mapping) -> Result<(), Error> {
    let (service, mapping) = (Arc::clone(lambda), mapping.clone());
    let task = async move {
        if let Err(error) = settle(&service, &mapping).await {
            tracing::error!(%error, mapping = mapping.uuid, "a mapping could not be brought to its state");
        }
    };
    lambda.platform.background.spawn("lambda event source mapping", task).or_failure()
}

/// Ends the mapping's poller, starts another one if it is to be at work, and records that.
async fn settle(lambda: &Arc<Lambda>, mapping: &Mapping) -> Result<(), Error> {
    let mut pollers = lambda.pollers.0.lock().await;
    if let Some(stop) = pollers.remove(&mapping.uuid) {
        stop.cancel();
    }
    let key = keys::mapping(&mapping.account, &mapping.region, &mapping.uuid);
    let closure = move |rows: &mut dyn Transaction| {
        let Some(mut mapping) = rows::read::<Mapping>(rows, &key)? else { return Ok(None) };
        if mapping.state == State::Deleting {
            rows.delete(&key);
            return Ok(None);
        }
        if mapping.state.is_passing() {
            mapping.state = if mapping.is_enabled { State::Enabled } else { State::Disabled };
            rows::put(rows, &key, &mapping)?;
        }
        Ok(Some(mapping))
    };
    let settled = lambda.functions.commit(&mapping.function, None, closure).await?;
    let Some(mapping) = settled.filter(|mapping| mapping.is_enabled) else { return Ok(()) };
    let stop = lambda.platform.background.stopping().child_token();
    pollers.insert(mapping.uuid.clone(), stop.clone());
    let poller = queue::poll(Arc::clone(lambda), mapping, stop);
    lambda.platform.background.spawn("lambda queue poller", poller).map_err(store_failure)
}
