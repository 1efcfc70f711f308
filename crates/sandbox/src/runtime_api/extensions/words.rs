//! How AWS words the ends of processes.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::outcome::describe_end;
use crate::spec::EXTENSIONS_DIRECTORY;

/// How the process of an extension has ended.
pub(in super::super) fn extension_end(wait_status: i32) -> String {
    match ExitStatus::from_raw(wait_status).success() {
        true => "exit code 0".to_owned(),
        false => describe_end(ExitStatus::from_raw(wait_status)),
    }
}

/// How the runtime has ended.
pub(in super::super) fn runtime_end(wait_status: i32) -> String {
    match ExitStatus::from_raw(wait_status).success() {
        true => "Runtime exited without providing a reason".to_owned(),
        false => format!("Runtime exited with error: {}", describe_end(ExitStatus::from_raw(wait_status))),
    }
}

/// The type that logs show for an extension that could not be started, and the reason that the caller is told.
pub(in super::super) fn launch_error(name: &str, errno: i32) -> (&'static str, String) {
    let (error_type, reason) = match errno {
        libc::EACCES => ("PermissionDenied", "permission denied".to_owned()),
        libc::ENOEXEC => ("UnknownError", "exec format error".to_owned()),
        libc::ENOENT => ("UnknownError", "no such file or directory".to_owned()),
        other => ("UnknownError", std::io::Error::from_raw_os_error(other).to_string()),
    };
    (error_type, format!("fork/exec {EXTENSIONS_DIRECTORY}/{name}: {reason}"))
}
