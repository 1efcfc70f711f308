//! The runtimes of one data directory: what the rest of the platform asks.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::sync::{Mutex as AsyncMutex, OnceCell};

use crate::catalog::{Language, Runtime};
use crate::discovery::{self, SearchPaths};
use crate::in_use::InUse;
use crate::interpreter::{Interpreter, Interpreters};
use crate::resolution::{self, Resolved, RuntimeUnavailable};
use crate::sdk::{self, SdkUnavailable};
use crate::{client_files, files};

/// Told, in a sentence, of what takes the user's time, such as the installation of an SDK.
pub type Notify = Arc<dyn Fn(&str) + Send + Sync>;

/// How long after a failed installation the next need of it fails at once instead of trying again.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// How long compiling the client's modules may take.
const COMPILE_TIMEOUT: Duration = Duration::from_secs(20);

/// One installation at a time for each interpreter version, with the time and reason of the last failure.
type InstallSlot = Arc<AsyncMutex<Option<(Instant, SdkUnavailable)>>>;

/// The runtimes of one data directory. Cheap to make; finding interpreters waits for the first question about them.
pub struct Runtimes {
    data: PathBuf,
    search: SearchPaths,
    notify: Notify,
    interpreters: OnceCell<Interpreters>,
    installs: Mutex<HashMap<(Language, u32, u32), InstallSlot>>,
    in_use: InUse,
}

impl Runtimes {
    /// The runtimes whose files are below `data`. Nothing is read or written yet.
    pub fn new(data: &Path, search: SearchPaths, notify: Notify) -> Runtimes {
        Runtimes {
            data: data.to_path_buf(),
            search,
            notify,
            interpreters: OnceCell::new(),
            installs: Mutex::new(HashMap::new()),
            in_use: InUse::default(),
        }
    }

    /// The interpreters of this machine. The first call looks for them; calling it early, in the background, spares
    /// the first function the wait.
    pub async fn interpreters(&self) -> &Interpreters {
        let cache = self.data.join("cache/interpreters.json");
        self.interpreters.get_or_init(|| discovery::discover(&self.search, &cache)).await
    }

    /// The interpreter a runtime runs on: its own version or, unless `strict`, the nearest.
    pub async fn resolve(&self, runtime: &Runtime, strict: bool) -> Result<Resolved, RuntimeUnavailable> {
        resolution::resolve(self.interpreters().await, runtime, strict)
    }

    /// The directory to show at `/var/runtime` for a function that does not need the AWS SDK. Written on first need.
    pub async fn client_directory(&self, interpreter: &Interpreter) -> io::Result<PathBuf> {
        let directory = client_files::ensure(&self.clients(), interpreter.language)?;
        if self.in_use.hold(&directory).is_err() {
            // A platform of another version has just taken it away, and will not do so again.
            client_files::ensure(&self.clients(), interpreter.language)?;
            self.in_use.hold(&directory)?;
        }
        compile(interpreter, &directory).await;
        Ok(directory)
    }

    /// The directory to show at `/var/runtime` for a function that needs the AWS SDK: the client's files and the SDK.
    /// Installs it on first need, which takes tens of seconds; `notify` is told.
    pub async fn ensure_sdk(&self, interpreter: &Interpreter) -> Result<PathBuf, SdkUnavailable> {
        let slot = self.install_slot(interpreter);
        let mut last_failure = slot.lock().await;
        if let Some(directory) = sdk::installed(&self.sdks(), interpreter)
            && self.in_use.hold(&directory).is_ok()
        {
            return Ok(directory);
        }
        if let Some((when, failure)) = &*last_failure
            && when.elapsed() < RETRY_AFTER
        {
            return Err(failure.clone());
        }
        *last_failure = None;
        (self.notify)(&format!("installing the AWS SDK for {}; needed once", interpreter.describe()));
        let outcome = self.install(interpreter).await;
        match &outcome {
            Ok(directory) => {
                // Should it fail, the directory is gone, and the function's start says so.
                let _ = self.in_use.hold(directory);
                compile(interpreter, directory).await;
                (self.notify)(&format!("the AWS SDK for {} is installed", interpreter.describe()));
            }
            Err(failure) => {
                *last_failure = Some((Instant::now(), failure.clone()));
                (self.notify)(&failure.to_string());
            }
        }
        outcome
    }

    /// The directory with an interpreter's AWS SDK if it is installed already.
    pub fn installed_sdk(&self, interpreter: &Interpreter) -> Option<PathBuf> {
        sdk::installed(&self.sdks(), interpreter)
    }

    /// Removes client files that other versions of this program left and none uses. To be called before any environment
    /// runs.
    pub fn remove_outdated(&self) {
        client_files::remove_outdated(&self.clients());
    }

    async fn install(&self, interpreter: &Interpreter) -> Result<PathBuf, SdkUnavailable> {
        let parent = self.sdks();
        files::create_directory(&parent).map_err(|error| SdkUnavailable {
            language: interpreter.describe(),
            reason: format!("{} cannot be written: {error}", parent.display()),
        })?;
        sdk::install(&parent, interpreter, self.interpreters().await).await
    }

    fn install_slot(&self, interpreter: &Interpreter) -> InstallSlot {
        let version = interpreter.version;
        let minor = if interpreter.language == Language::Python { version.minor } else { 0 };
        let mut installs = self.installs.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(installs.entry((interpreter.language, version.major, minor)).or_default())
    }

    fn clients(&self) -> PathBuf {
        self.data.join("runtimes/client")
    }

    fn sdks(&self) -> PathBuf {
        self.data.join("runtimes/sdk")
    }
}

/// Compiles the client's Python modules for an interpreter, which saves every cold start a millisecond. A failure
/// costs that millisecond and nothing else.
async fn compile(interpreter: &Interpreter, directory: &Path) {
    if interpreter.language != Language::Python {
        return;
    }
    let package = directory.join("traca_runtime");
    let version = interpreter.version;
    let done = package.join(format!("__pycache__/loop.cpython-{}{}.pyc", version.major, version.minor));
    if fs::exists(&done).unwrap_or(false) {
        return;
    }
    let mut command = Command::new(&interpreter.executable);
    // The directory is named by its contents, so what is compiled never has to be checked against its source.
    command.args(["-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]).arg(&package);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let outcome = tokio::time::timeout(COMPILE_TIMEOUT, command.status()).await;
    tracing::debug!(?outcome, directory = %package.display(), "compiled the runtime client");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Support, find};
    use crate::command::{CommandOptions, command};

    fn runtimes(data: &Path) -> Runtimes {
        Runtimes::new(data, SearchPaths::of_process(data), Arc::new(|_| {}))
    }

    #[tokio::test]
    async fn a_python_of_this_machine_is_ready_to_run_with_compiled_client_files() {
        let data = tempfile::tempdir().expect("a temporary directory");
        let runtimes = runtimes(data.path());
        let Some(Support::Runs(runtime)) = find("python3.11") else { panic!("python3.11 runs") };
        let resolved = runtimes.resolve(&runtime, false).await.expect("a Python is on the machine that builds this");
        let interpreter = resolved.interpreter.clone().expect("not a custom runtime");
        let directory = runtimes.client_directory(&interpreter).await.expect("written");
        let version = interpreter.version;
        let compiled = format!("traca_runtime/__pycache__/loop.cpython-{}{}.pyc", version.major, version.minor);
        assert!(directory.join(compiled).is_file());
        let options = CommandOptions { memory_mb: 128, ..CommandOptions::default() };
        assert_eq!(command(&resolved, &options)[1..], ["-S", "-u", "/var/runtime/bootstrap.py"]);
        assert_eq!(runtimes.installed_sdk(&interpreter), None);
    }

    #[tokio::test]
    async fn a_failed_installation_is_told_and_not_repeated_at_once() {
        let data = tempfile::tempdir().expect("a temporary directory");
        let told = Arc::new(Mutex::new(vec![]));
        let listener = Arc::clone(&told);
        let notify: Notify = Arc::new(move |text| {
            listener.lock().expect("no test thread panicked").push(text.to_owned());
        });
        let runtimes = Runtimes::new(data.path(), SearchPaths::default(), notify);
        let missing = crate::interpreter::tests::interpreter(Language::Python, "3.12.1", "/nonexistent");
        let first = runtimes.ensure_sdk(&missing).await.expect_err("there is no such Python");
        let second = runtimes.ensure_sdk(&missing).await.expect_err("nor a moment later");
        assert_eq!(first, second);
        let told = told.lock().expect("no test thread panicked").clone();
        assert_eq!(told, ["installing the AWS SDK for Python 3.12.1; needed once".to_owned(), first.to_string()]);
    }
}
