//! What the platform has to say to and about the extensions of an environment.

use serde::{Deserialize, Serialize};

/// Why an environment ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShutdownReason {
    /// It is not needed any more.
    #[default]
    Spindown,
    /// An invocation or the initialisation took too long.
    Timeout,
    /// The runtime or an extension has failed.
    Failure,
}

/// What an extension wants to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtensionEvents {
    /// Invocations.
    pub invoke: bool,
    /// The end of the environment.
    pub shutdown: bool,
}

impl ExtensionEvents {
    /// Their names, as in the Extensions API.
    pub fn names(self) -> Vec<&'static str> {
        let named = [(self.invoke, "INVOKE"), (self.shutdown, "SHUTDOWN")];
        named.into_iter().filter(|(wanted, _)| *wanted).map(|(_, name)| name).collect()
    }
}

/// Where an extension is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionStatus {
    /// Its name: that of its file, or the one it has registered with.
    pub name: String,
    /// AWS's name of its state, e.g. `Ready`.
    pub state: &'static str,
    /// What it wants to be told.
    pub events: ExtensionEvents,
    /// What it, or the platform for it, says went wrong.
    pub error_type: Option<String>,
}

/// An extension has brought its environment to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionFailure {
    /// For example `Extension.Crash`.
    pub error_type: String,
    /// How its process ended, or why it could not be started.
    pub reason: String,
}

/// What extensions are told of the function beside which they run.
#[derive(Clone, Debug, Default)]
pub struct FunctionDescription {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its handler.
    pub handler: String,
    /// The account it is in.
    pub account_id: String,
}

/// What an environment asks of the platform.
pub trait Host: Send + Sync {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// A new random UUID.
    fn new_id(&self) -> String;
}
