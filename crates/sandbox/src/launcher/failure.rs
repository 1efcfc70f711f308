//! Naming the step that failed.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::message::Failure;

/// The result of a step of the launcher.
pub(crate) type Step<T> = Result<T, Failure>;

/// Adds the name of the step to an error of the operating system.
pub(crate) trait NameStep<T> {
    fn step(self, name: impl Into<String>) -> Step<T>;
}

impl<T> NameStep<T> for io::Result<T> {
    fn step(self, name: impl Into<String>) -> Step<T> {
        self.map_err(|error| Failure { step: name.into(), errno: error.raw_os_error().unwrap_or(libc::EIO) })
    }
}

impl<T> NameStep<T> for nix::Result<T> {
    fn step(self, name: impl Into<String>) -> Step<T> {
        self.map_err(|errno| Failure { step: name.into(), errno: errno as i32 })
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.step, io::Error::from_raw_os_error(self.errno))
    }
}

/// A path for a system call.
pub(crate) fn c_path(path: &Path) -> Step<CString> {
    c_string(path.as_os_str().as_bytes())
}

/// Bytes for a system call.
pub(crate) fn c_string(bytes: &[u8]) -> Step<CString> {
    CString::new(bytes).map_err(|_| Failure { step: "a name contains a NUL byte".into(), errno: libc::EINVAL })
}
