//! Making versions ready: their package is unpacked and their runtime is there before they are active.
//!
//! A version that is being made ready has a mark in the store, set in the transaction that changed it, so that a restart
//! takes it up again.

use std::sync::Arc;
use std::time::Duration;

use wire::Error;

use crate::Lambda;
use crate::container;
use crate::function::{CodePackage, Failure, FunctionVersion};
use crate::functions::Change;
use crate::invoke::LaunchError;
use crate::package::PackageDirectory;
use crate::to_the_end;

/// Attempts to unpack a package, when it is the machine and not the package that fails.
const ATTEMPTS_MAX: u32 = 5;

/// Wait before the second attempt; each further wait is twice as long.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Makes a change and begins to make ready what it leaves pending, to the end even if the caller goes away.
///
/// # Errors
/// Those of the change.
pub async fn deploy<F, Changing>(lambda: &Arc<Lambda>, change: F) -> Result<Change, Error>
where
    F: FnOnce(Arc<Lambda>) -> Changing,
    Changing: Future<Output = Result<Change, Error>> + Send + 'static,
{
    let (service, changing) = (Arc::clone(lambda), change(Arc::clone(lambda)));
    to_the_end(async move {
        let change = changing.await?;
        begin(&service, change.latest.clone()).await;
        if let Some(published) = change.published.as_ref().filter(|published| published.is_new) {
            begin(&service, published.version.clone()).await;
        }
        Ok(change)
    })
    .await
}

/// Takes up what an earlier process has left pending.
///
/// # Errors
/// When the store cannot be read.
pub async fn resume(lambda: &Arc<Lambda>) -> Result<(), Error> {
    for (function, version) in lambda.functions.deployments().await? {
        if let Some(record) = lambda.functions.version(&function, version).await? {
            begin(lambda, record.described).await;
        }
    }
    Ok(())
}

async fn begin(lambda: &Arc<Lambda>, version: FunctionVersion) {
    let service = Arc::clone(lambda);
    let task = async move {
        let outcome = make_ready(&service, &version).await;
        if outcome.is_err() && service.platform.background.stopping().is_cancelled() {
            // What was cut short is no failure: the next start takes it up.
            return;
        }
        if let Err(error) = service.functions.finish(&version, outcome).await {
            tracing::error!(%error, function = %version.qualified_arn(), "a deployment's end cannot be recorded");
        }
    };
    if let Err(error) = lambda.platform.background.spawn_when_free("lambda deployment", task).await {
        tracing::info!(%error, "a deployment waits for the next start");
    }
}

async fn make_ready(lambda: &Arc<Lambda>, version: &FunctionVersion) -> Result<(), Failure> {
    // Held until the runtime is ready, so that nobody removes them meanwhile.
    let mut packages = Vec::with_capacity(1 + version.configuration.layers.len());
    for package in version.packages() {
        packages.push(make_package_ready(lambda, version, package).await?);
    }
    lambda.invoker.prepare(version, &packages).await.map_err(|error| {
        let code = match &error {
            LaunchError::Runtime(_) | LaunchError::UnknownRuntime(_) => "InvalidRuntime",
            LaunchError::Sandbox(_)
            | LaunchError::EntryPoint(_)
            | LaunchError::WorkingDirectory(_)
            | LaunchError::Files(_)
            | LaunchError::Package(_)
            | LaunchError::Credentials(_)
            | LaunchError::Variables(_)
            | LaunchError::Key(_) => "InternalError",
        };
        Failure { code: code.to_owned(), reason: error.to_string() }
    })
}

async fn make_package_ready(
    lambda: &Arc<Lambda>,
    version: &FunctionVersion,
    package: &CodePackage,
) -> Result<Arc<PackageDirectory>, Failure> {
    let mut wait = RETRY_AFTER;
    for _ in 1..ATTEMPTS_MAX {
        match fetch_and_unpack(lambda, package).await {
            Ok(package) => return Ok(package),
            Err(NotReady { failure, is_final: true }) => return Err(failure),
            Err(NotReady { failure, .. }) => {
                let function = version.qualified_arn();
                tracing::warn!(reason = failure.reason, function, "a package cannot be made ready");
            }
        }
        let stopping = lambda.platform.background.stopping();
        if stopping.run_until_cancelled(lambda.platform.clock.sleep(wait)).await.is_none() {
            break;
        }
        wait *= 2;
    }
    fetch_and_unpack(lambda, package).await.map_err(|error| error.failure)
}

/// Why a package is not there.
struct NotReady {
    failure: Failure,
    /// Trying again is useless.
    is_final: bool,
}

async fn fetch_and_unpack(lambda: &Arc<Lambda>, package: &CodePackage) -> Result<Arc<PackageDirectory>, NotReady> {
    if let Some(image) = &package.image {
        container::fetch(lambda, image).await.map_err(|error| {
            let failure = container::failure(&error, &image.uri);
            NotReady { is_final: failure.code != "InternalError", failure }
        })?;
    }
    lambda.packages.ensure(package).await.map_err(|error| {
        let is_final = error.is_fault_of_package();
        let code = match (is_final, &package.image) {
            (true, None) => "InvalidZipFileException",
            (true, Some(_)) => "InvalidImage",
            (false, _) => "InternalError",
        };
        NotReady { failure: Failure { code: code.to_owned(), reason: error.to_string() }, is_final }
    })
}
