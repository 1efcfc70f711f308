//! Execution environments: real processes, each behind its own namespaces, limits and Runtime API.
//!
//! A [`Sandbox`] owns one *launcher*, a single-threaded process that does all the work that must not touch a threaded
//! program: creating namespaces, mounting, dropping privileges. [`Sandbox::launch`] asks it for an [`Environment`]: a
//! private root with the function's code on `/var/task`, its layers on `/opt`, a `/tmp` of its own size, no network
//! but loopback, a memory limit and a share of CPU. The function speaks the standard Lambda Runtime API to
//! `127.0.0.1:9001`; the socket it reaches was made inside its network namespace and is served by this process.
//!
//! This crate knows nothing of functions, versions, roles or accounts. Names that appear in headers are handed to it
//! as opaque strings.
//!
//! The program that uses it must forward to the launcher before it does anything else, in particular before it starts
//! a thread:
//!
//! ```no_run
//! sandbox::launcher::run_if_requested();
//! // ... the rest of main
//! ```
//!
//! The life of an environment:
//!
//! ```no_run
//! # use std::time::Duration;
//! # use sandbox::{
//! #     EnvironmentSpec, InitOutcome, Invocation, OutputLine, Sandbox, SandboxConfig, SandboxError,
//! # };
//! # async fn example(spec: EnvironmentSpec, invocation: Invocation) -> Result<(), SandboxError> {
//! let sandbox = Sandbox::start(SandboxConfig::new("/var/lib/traca/sandbox")).await?;
//! let mut environment = sandbox.launch(spec).await?;
//! let listeners = environment.take_listeners(); // served by the platform
//! let mut output: Vec<OutputLine> = Vec::new(); // or any other sink
//! let init = environment.init(Duration::from_secs(10), &mut output).await?;
//! if matches!(init.outcome, InitOutcome::Ready) {
//!     let report = environment.invoke(invocation, &mut output).await?;
//!     // ... answer the caller with `report.outcome`, then:
//!     environment.drain(&mut output);
//!     environment.freeze().await?;
//! }
//! environment.shutdown(&mut output).await?;
//! sandbox.shutdown().await
//! # }
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod capabilities;
mod config;
mod control;
mod environment;
mod error;
mod extension;
pub mod footprint;
pub mod launcher;
pub mod limits;
mod link;
mod network;
mod outcome;
mod output;
mod runtime_api;
mod sandbox;
mod spec;
mod stock;
mod supervisor;

pub use capabilities::{Capabilities, FreezeMethod, TmpKind};
pub use config::SandboxConfig;
pub use environment::{Environment, FREEZE_GRACE};
pub use error::SandboxError;
pub use extension::{ExtensionEvents, ExtensionFailure, ExtensionStatus, FunctionDescription, Host, ShutdownReason};
pub use network::{AUTHORITY_FILE, Authority, BUNDLE_FILE, Listeners, Network, Outside, is_of_this_machine};
pub use outcome::{
    InitOutcome, InitReport, Invocation, InvokeOutcome, InvokeReport, MemoryUsage, ReportedError, ResponseMode,
    StreamPiece, describe_end,
};
pub use output::{OutputLine, OutputSink, OutputSource};
pub use sandbox::Sandbox;
pub use spec::{
    Bind, EXTENSIONS_DIRECTORY, EnvironmentSpec, Extensions, HeadStart, IMAGE_DIRECTORIES, IMAGE_FILES,
    PARKED_VARIABLE, PARKED_WORD, ParkedProgram, RootSpec, Shape, TASK_ROOT,
};
pub use stock::{ShapeStock, Wanted};
