//! Language runtimes of Lambda functions: which ones there are, the interpreters of this machine that run them, the
//! client files that connect a handler to the Runtime API, and the AWS SDKs functions expect to find installed.
//!
//! This crate starts no function. It answers what an execution environment needs to be one of a given runtime: the
//! command to run, the directories to show inside and the environment variables to set.

mod catalog;
mod client_files;
mod command;
mod discovery;
mod environment;
mod files;
mod in_use;
mod interpreter;
mod parking;
mod resolution;
mod sdk;
mod sdk_scan;
mod service;

pub use catalog::{Language, Runtime, Support, enum_value_set, find, runnable};
pub use command::{BOOTSTRAP_PATHS, CommandOptions, command};
pub use discovery::SearchPaths;
pub use environment::{FunctionFacts, default_environment};
pub use interpreter::{Interpreter, Interpreters, Version};
pub use parking::{Parkable, parkable};
pub use resolution::{Resolved, RuntimeUnavailable};
pub use sdk::SdkUnavailable;
pub use sdk_scan::{SdkNeed, SdkUse, needs_sdk, uses_of_sdk};
pub use service::{Notify, Runtimes};

/// Where the code of a function is inside its environment.
pub const TASK_ROOT: &str = "/var/task";

/// Where the runtime's client files, and the SDK beside them, are inside an environment.
pub const RUNTIME_DIRECTORY: &str = "/var/runtime";

/// Where an interpreter that is not part of the system is inside an environment.
pub const LANGUAGE_DIRECTORY: &str = "/var/lang";
