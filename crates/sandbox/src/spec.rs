//! What an environment is made of.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::SandboxError;
use crate::limits;

/// One environment to launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentSpec {
    /// The file system every environment of this runtime shares.
    pub root: RootSpec,
    /// The program and its arguments, as seen inside, e.g. `["/var/task/bootstrap"]`.
    pub command: Vec<String>,
    /// Where it is started, as seen inside. A program that was started ahead of need is in [`TASK_ROOT`].
    pub working_directory: String,
    /// Directory on this machine that appears, read-only, as `/var/task`. Its files must be readable by everyone, as
    /// the function runs under a user id of its own; the directories above it need not be.
    pub code_dir: PathBuf,
    /// Directories that appear merged, read-only, as `/opt`; a later one covers an earlier one.
    pub layer_dirs: Vec<PathBuf>,
    /// The whole environment of the program; nothing else is added or inherited.
    pub env: Vec<(String, String)>,
    /// Memory limit in MB; also sets the CPU share.
    pub memory_mb: u32,
    /// Size of `/tmp` in MB.
    pub tmp_mb: u32,
    /// What may have been done for it before it was asked for.
    pub head_start: HeadStart,
    /// Programs in [`EXTENSIONS_DIRECTORY`] that are started before it and run beside it.
    pub extensions: Option<Extensions>,
}

/// External extensions of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extensions {
    /// Their file names.
    pub names: Vec<String>,
    /// All variables of each of them.
    pub env: Vec<(String, String)>,
}

/// Where extensions are inside.
pub const EXTENSIONS_DIRECTORY: &str = "/opt/extensions";

/// What is done for an environment before it is known whose it will be.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HeadStart {
    /// Nothing that depends on the function or its runtime.
    #[default]
    None,
    /// The file system is there but for the function's code; nothing runs in it yet.
    FileSystem,
    /// A program runs already and waits to be told what it becomes. See [`ParkedProgram`].
    Program(ParkedProgram),
}

/// A program that is started ahead of need. It finds the number of a socket in the variable [`PARKED_VARIABLE`], writes
/// [`PARKED_WORD`] to it when it is ready, and reads one packet from it, `{"command": [...], "env": [[name, value]...]}`,
/// which comes when the environment is needed; `/var/task` and `/opt` are there from then on. It goes on as if it had
/// been started in `/var/task` with those variables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ParkedProgram {
    /// The program and its arguments, as seen inside.
    pub command: Vec<String>,
    /// Its variables until it is told others.
    pub env: Vec<(String, String)>,
}

/// The variable that tells a program that is started ahead of need which descriptor to wait on.
pub const PARKED_VARIABLE: &str = "_TRACA_PARKED";
/// What a program that is started ahead of need writes when it is ready.
pub const PARKED_WORD: &str = "\"Parked\"";

/// Environments made ahead of need that can become any of these.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// Their file system.
    pub root: RootSpec,
    /// What is done ahead. With [`HeadStart::None`] there is nothing to keep.
    pub head_start: HeadStart,
}

/// The parts of a root file system that depend on the runtime. The rest (`/usr`, `/etc`, `/dev`, `/proc`) is the same
/// for all. Two equal values share one assembled template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RootSpec {
    /// Directory of this machine that is the whole root, read-only, instead of this machine's own programs and settings.
    /// It has all of [`IMAGE_DIRECTORIES`] and [`IMAGE_FILES`], none of them by way of a link.
    pub image: Option<PathBuf>,
    /// Directories of this machine to show inside, read-only: an interpreter's prefix on `/var/lang`, a runtime client
    /// on `/var/runtime`, and so on.
    pub binds: Vec<Bind>,
}

/// A directory of this machine shown, read-only, at a path inside.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bind {
    /// Absolute path on this machine.
    pub host: PathBuf,
    /// Absolute path inside. Not below `/proc`, `/dev`, `/tmp`, `/var/task` or `/opt`, which belong to the environment.
    pub inside: PathBuf,
}

/// Where a function's code is.
pub const TASK_ROOT: &str = "/var/task";

/// Directories that are mounted on in the root of an image, without the slash at their beginning.
pub const IMAGE_DIRECTORIES: [&str; 6] = ["dev", "etc/traca", "opt", "proc", "tmp", "var/task"];

/// Files that are mounted on in the root of an image, without the slash at their beginning.
pub const IMAGE_FILES: [&str; 2] = ["etc/hosts", "etc/resolv.conf"];

/// Where an environment's own mounts go; a template may not put anything there.
const OWN_PATHS: [&str; 5] = ["/proc", "/dev", "/tmp", "/var/task", "/opt"];

impl EnvironmentSpec {
    /// What an environment made ahead of need must be to become this one.
    pub fn shape(&self) -> Shape {
        Shape { root: self.root.clone(), head_start: self.head_start.clone() }
    }

    /// Checks everything that can be checked without touching the machine.
    pub(crate) fn validate(&self) -> Result<(), SandboxError> {
        let invalid = |text: String| Err(SandboxError::InvalidSpec(text));
        if !limits::MEMORY_MB.contains(&self.memory_mb) {
            return invalid(format!("memory of {} MB is outside {:?}", self.memory_mb, limits::MEMORY_MB));
        }
        if !limits::TMP_MB.contains(&self.tmp_mb) {
            return invalid(format!("/tmp of {} MB is outside {:?}", self.tmp_mb, limits::TMP_MB));
        }
        if self.layer_dirs.len() > limits::LAYERS_MAX {
            return invalid(format!("{} layers, at most {}", self.layer_dirs.len(), limits::LAYERS_MAX));
        }
        if !self.command.first().is_some_and(|program| program.starts_with('/')) {
            return invalid("the command must start with an absolute path".into());
        }
        if !self.working_directory.starts_with('/') || self.working_directory.contains('\0') {
            return invalid("the working directory must be an absolute path".into());
        }
        if self.command.iter().any(|word| word.contains('\0')) {
            return invalid("the command contains a NUL byte".into());
        }
        let extensions = self.extensions.as_ref();
        if extensions.is_some_and(|extensions| extensions.names.iter().any(|name| name.contains(['/', '\0']))) {
            return invalid("the name of an extension is not that of a file".into());
        }
        for (name, value) in self.env.iter().chain(extensions.iter().flat_map(|extensions| &extensions.env)) {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return invalid(format!("the environment variable {name:?} cannot be set"));
            }
        }
        for path in std::iter::once(&self.code_dir).chain(&self.layer_dirs).chain(&self.root.image) {
            check_host_path(path)?;
        }
        self.root.binds.iter().try_for_each(Bind::validate)
    }
}

impl Bind {
    fn validate(&self) -> Result<(), SandboxError> {
        check_host_path(&self.host)?;
        let plain = self.inside.components().skip(1).all(|part| matches!(part, Component::Normal(_)));
        if !self.inside.is_absolute() || !plain || self.inside == Path::new("/") {
            return Err(SandboxError::InvalidSpec(format!("{} is not a path to bind on", self.inside.display())));
        }
        if OWN_PATHS.iter().any(|own| self.inside.starts_with(own)) {
            return Err(SandboxError::InvalidSpec(format!(
                "{} belongs to the environment itself",
                self.inside.display()
            )));
        }
        Ok(())
    }
}

/// Paths reach `mount` and the options of overlayfs, where these characters separate or end things.
fn check_host_path(path: &Path) -> Result<(), SandboxError> {
    let bytes = path.as_os_str().as_encoded_bytes();
    if !path.is_absolute() || bytes.iter().any(|byte| matches!(byte, b'\0' | b':' | b',' | b'\\')) {
        return Err(SandboxError::InvalidSpec(format!(
            "{} is not an absolute path free of ':', ',' and '\\'",
            path.display()
        )));
    }
    Ok(())
}
