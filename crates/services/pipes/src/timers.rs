//! Passing states end: a pipe that was made, changed, started, stopped or deleted becomes what it shall be.

use std::sync::Arc;

use platform::{Firing, OrFailure, Timer, TimerPartition};
use wire::{Error, Timestamp};

use crate::names::PipeName;
use crate::record::{Pipe, State};
use crate::service::Pipes;
use crate::{keys, rows, running};

const SETTLE: &str = "pipes/settle";

/// The timer that ends the passing state of a pipe.
pub fn settle(timers: &TimerPartition, name: &PipeName, due: Timestamp) -> Timer {
    timers.timer(format!("{SETTLE}/{}", name.arn()), due, SETTLE, serde_json::json!(name))
}

/// Names the handler.
pub fn install(pipes: &Arc<Pipes>) {
    let service = Arc::clone(pipes);
    pipes.platform.timers.on(SETTLE, move |firing| {
        let service = Arc::clone(&service);
        async move { settle_pipe(&service, &firing).await }
    });
}

async fn settle_pipe(service: &Arc<Pipes>, firing: &Firing) -> Result<(), Error> {
    let Ok(name) = serde_json::from_value::<PipeName>(firing.payload.clone()) else {
        tracing::error!(id = firing.id, "a timer cannot be read");
        return Ok(());
    };
    // Whoever runs now knows the pipe as it was.
    service.running.stop(&name);
    if let Some(pipe) = service.find(&name).await?.filter(|pipe| pipe.state == State::Deleting) {
        service.platform.store.delete_range(&keys::partition(), keys::places(&pipe.id)).await.or_failure()?;
    }
    let (firing, settled) = (firing.clone(), name.clone());
    let pipe = service
        .transact(move |transaction| {
            if !firing.complete(transaction)? {
                return Ok(None);
            }
            let key = keys::pipe(&settled.account, &settled.region, &settled.name);
            let Some(mut pipe) = rows::read::<Pipe>(transaction, &key)? else { return Ok(None) };
            if pipe.state == State::Deleting {
                transaction.delete(&key);
                return Ok(None);
            }
            pipe.state = if pipe.is_wanted { State::Running } else { State::Stopped };
            rows::put(transaction, &key, &pipe)?;
            Ok(Some(pipe))
        })
        .await?;
    if let Some(pipe) = pipe.filter(|pipe| pipe.state == State::Running) {
        running::start(service, pipe)?;
    }
    Ok(())
}
