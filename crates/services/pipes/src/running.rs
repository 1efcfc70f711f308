//! The tasks that run pipes.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use platform::{OrFailure, Principal, ServiceRole};
use tokio_util::sync::CancellationToken;
use wire::Error;
use wire::error::common;

use crate::errors::validation;
use crate::limits::{RETRY_FIRST, RETRY_MAX, RUNNING_MAX};
use crate::names::PipeName;
use crate::record::Pipe;
use crate::service::Pipes;
use crate::source;

/// The service's name as a principal.
pub const SERVICE: &str = "pipes.amazonaws.com";

/// The pipes that run, and what ends them.
#[derive(Default)]
pub struct Running(Mutex<HashMap<PipeName, CancellationToken>>);

impl Running {
    /// Ends the task of a pipe.
    pub fn stop(&self, name: &PipeName) {
        if let Some(end) = self.0.lock().remove(name) {
            end.cancel();
        }
    }

    /// Ends all tasks.
    pub fn stop_all(&self) {
        self.0.lock().drain().for_each(|(_, end)| end.cancel());
    }
}

/// Runs a pipe until it is stopped, in the place of whoever ran it.
///
/// # Errors
/// When there is no room for another.
pub fn start(service: &Arc<Pipes>, pipe: Pipe) -> Result<(), Error> {
    let end = CancellationToken::new();
    {
        let mut running = service.running.0.lock();
        if running.len() >= RUNNING_MAX && !running.contains_key(&pipe.name) {
            return Err(Error::new(&common::SERVICE_UNAVAILABLE, "too many pipes run"));
        }
        if let Some(before) = running.insert(pipe.name.clone(), end.clone()) {
            before.cancel();
        }
    }
    let (serving, stopping) = (Arc::clone(service), service.platform.background.stopping().clone());
    let task = async move {
        tokio::select! {
            () = run(&serving, &pipe) => {}
            () = end.cancelled() => {}
            () = stopping.cancelled() => {}
        }
    };
    service.platform.background.spawn("pipe", task).or_failure()
}

/// Takes what comes to the target, for ever. After a failure it waits, ever longer.
async fn run(service: &Arc<Pipes>, pipe: &Pipe) {
    let mut failures = 0_u32;
    loop {
        match source::round(service, pipe).await {
            Ok(()) => failures = 0,
            Err(error) => {
                let wait = RETRY_FIRST.saturating_mul(1_u32.checked_shl(failures.min(16)).unwrap_or(u32::MAX));
                let wait = wait.min(RETRY_MAX);
                tracing::info!(pipe = pipe.name.arn(), %error, ?wait, "a pipe is held up");
                failures = failures.saturating_add(1);
                service.platform.clock.sleep(wait).await;
            }
        }
    }
}

/// As whom a pipe does what it does.
///
/// # Errors
/// `AccessDeniedException` when its role is gone or trusts the service no more.
pub async fn principal(service: &Pipes, pipe: &Pipe) -> Result<Principal, Error> {
    let arn = pipe.name.arn();
    let role = role(pipe, &arn);
    let session = role.session(&service.platform, pipe.has_role, &pipe.id).await?;
    session.ok_or_else(|| Error::new(&common::ACCESS_DENIED, format!("{SERVICE} cannot assume {}", pipe.role)))
}

fn role<'a>(pipe: &'a Pipe, arn: &'a str) -> ServiceRole<'a> {
    ServiceRole { service: SERVICE, account: &pipe.name.account, role_arn: &pipe.role, source_arn: arn }
}

/// A place for a pipe of another region or account than its source or target has.
pub fn place(arn: &str) -> Result<(String, String), Error> {
    let (_, region, account, _) = crate::names::arn_parts(arn).ok_or_else(|| validation("no ARN"))?;
    Ok((account.to_owned(), region.to_owned()))
}
