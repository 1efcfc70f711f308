//! The process that becomes the function's program.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, dup2_stderr, dup2_stdin, dup2_stdout, setresgid, setresuid, setsid};

use super::failure::{NameStep, Step, c_string};
use super::message::EndCause;
use super::spare::{Assignment, Descriptors, Inheritance, report};
use super::template::{INSIDE_GID, INSIDE_UID};
use super::{fence, privileges, syscall};

/// Exit status when the program could not be executed, as a shell has it. The report says more.
const NOT_EXECUTED: i32 = 127;
/// Where a function's program is started.
const WORKING_DIRECTORY: &str = "/var/task";

/// Waits for the go-ahead, gives up every privilege and executes the program.
pub(crate) fn run(inheritance: &Inheritance, descriptors: &Descriptors, assignment: &Assignment, wait: OwnedFd) -> ! {
    // A panic must not unwind into what this process has copied from its parent.
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let cause = match become_program(inheritance, descriptors, assignment, wait) {
            Ok((arguments, environment)) => {
                let error = syscall::execute(&arguments, &environment);
                EndCause::NotExecuted { errno: error.raw_os_error().unwrap_or(libc::ENOEXEC) }
            }
            Err(failure) => EndCause::SetupFailed { step: failure.step, errno: failure.errno },
        };
        report(descriptors.report.as_fd(), &cause);
    }));
    syscall::exit_now(if ran.is_ok() { NOT_EXECUTED } else { 1 })
}

fn become_program(
    inheritance: &Inheritance,
    descriptors: &Descriptors,
    assignment: &Assignment,
    wait: OwnedFd,
) -> Step<(Vec<CString>, Vec<CString>)> {
    let spec = &assignment.spec;
    let arguments = spec.command.iter().map(|word| c_string(word.as_bytes())).collect::<Step<_>>()?;
    let variables = spec.env.iter().map(|(name, value)| c_string(format!("{name}={value}").as_bytes()));
    let environment = variables.collect::<Step<_>>()?;
    if nix::unistd::read(&wait, &mut [0]).step("wait for the user id")? == 0 {
        // The first process has failed and said why.
        syscall::exit_now(NOT_EXECUTED);
    }
    // When the machine runs out of memory, functions go first. The file is ours only until the user id changes.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let (uid, gid) = (Uid::from_raw(INSIDE_UID), Gid::from_raw(INSIDE_GID));
    setresgid(gid, gid, gid).step("change the group id")?;
    setresuid(uid, uid, uid).step("change the user id")?;
    setsid().step("begin a session")?;
    let null = std::fs::File::open("/dev/null").step("open /dev/null")?;
    dup2_stdin(&null).step("set stdin")?;
    dup2_stdout(&descriptors.output).step("set stdout")?;
    dup2_stderr(&descriptors.output).step("set stderr")?;
    // The report closes itself when the program is executed.
    syscall::close_all_except(&[descriptors.report.as_raw_fd()]).step("close what is not needed any more")?;
    std::mem::forget((wait, null));
    umask(Mode::from_bits_truncate(0o022));
    nix::unistd::chdir(WORKING_DIRECTORY).step("enter the task root")?;
    privileges::set_resource_limits(assignment.process_memory_mb)?;
    fence::close()?;
    privileges::drop_bounding_set();
    privileges::drop_capabilities()?;
    privileges::install_filter(&inheritance.filter)?;
    Ok((arguments, environment))
}
