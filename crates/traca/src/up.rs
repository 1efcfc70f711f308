//! `traca up`: the platform, until it is told to stop.

use std::fmt::Write;
use std::time::Duration;

use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::assemble::Running;
use crate::cli::{Iam, PlatformArgs, UpArgs};
use crate::failure::Failure;
use crate::output::{Output, start_logging};

/// Runs the command.
pub async fn run(args: &UpArgs) -> Result<(), Failure> {
    start_logging(args.json);
    let signals = Signals::listen()?;
    let running = Running::start(&args.platform).await?;
    announce(&running, &args.platform, Output::new(args.json));
    stay(running, signals).await
}

/// The signals that ask for an end. Whoever has read that the platform is up may send one at once, so they are listened
/// to before it is announced.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From now on a signal no longer ends the process by itself.
    pub fn listen() -> Result<Signals, Failure> {
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Resolves when one has come.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Tells where the platform is and what it lacks.
pub fn announce(running: &Running, args: &PlatformArgs, output: Output) {
    let endpoint = running.endpoint(args);
    let data = running.data_directory().map(|path| path.display().to_string());
    let mut text = format!("Traca {} is up at {endpoint}\n", env!("CARGO_PKG_VERSION"));
    let _ = match &data {
        Some(data) => writeln!(text, "  state    {data}"),
        None => writeln!(text, "  state    in memory, gone when this process ends"),
    };
    let _ = writeln!(text, "  account  {}, region {}", args.account, args.region);
    let credentials = running.root_key.as_ref().map(|key| key.path.display().to_string());
    if let Some(path) = &credentials {
        let _ = writeln!(text, "  root     AWS_SHARED_CREDENTIALS_FILE={path}");
    }
    if args.iam == Iam::Audit {
        let _ = writeln!(text, "  iam      audit: what no policy allows passes, and is listed at /_traca/denials");
    }
    let _ = write!(text, "  try      aws --endpoint-url {endpoint} sts get-caller-identity");
    let fields = json!({"endpoint": endpoint, "data": data, "account": args.account, "region": args.region,
        "root_credentials": credentials});
    output.result("up", fields, &text);
    let runtimes = running.runtimes.clone();
    tokio::spawn(async move {
        for runtime in runtimes::runnable() {
            if let Ok(resolved) = runtimes.resolve(runtime, false).await
                && let Some(notice) = resolved.notice
            {
                tracing::warn!("{notice}");
            }
        }
    });
}

/// Time after which a start is over: its runtimes are found, its loops wait.
const START_OVER: Duration = Duration::from_secs(2);

/// Stays up until a signal comes or the state breaks, then stops in order. A second signal ends at once.
pub async fn stay(running: Running, mut signals: Signals) -> Result<(), Failure> {
    tokio::spawn(async {
        tokio::time::sleep(START_OVER).await;
        if let Err(error) = sandbox::footprint::release_program_pages() {
            tracing::debug!(%error, "the pages of the start stay in memory");
        }
    });
    tokio::select! {
        () = signals.next() => {}
        failure = running.broken() => return Err(failure),
    }
    tracing::info!("stopping: finishing what was accepted");
    tokio::select! {
        () = running.stop() => Ok(()),
        () = signals.next() => Err(Failure::new(Failure::GENERAL, "ended at once, as asked")),
    }
}
