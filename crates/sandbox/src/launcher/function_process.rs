//! The process that becomes the function's program.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, dup2_stderr, dup2_stdin, dup2_stdout, setresgid, setresuid, setsid};

use super::failure::{NameStep, Step, c_string};
use super::message::{Calling, EndCause};
use super::spare::{Assignment, Birth, Descriptors, Inheritance, Program, report};
use super::template::{INSIDE_GID, INSIDE_UID};
use super::{fence, privileges, socket, supervisor, syscall};
use crate::spec::{PARKED_VARIABLE, ParkedProgram};

/// Exit status when the program could not be executed, as a shell has it. The report says more.
pub(crate) const NOT_EXECUTED: i32 = 127;

/// Arguments and variables of a program.
pub(crate) type Execution = (Vec<CString>, Vec<CString>);

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
) -> Step<Execution> {
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
    // The report closes itself when the program is executed, and so does the control socket unless the program gets it.
    let keep = match assignment.program {
        Program::Known(_) => vec![descriptors.report.as_raw_fd()],
        Program::Supervisor(_) | Program::Awaited | Program::Parked(_) => {
            vec![descriptors.report.as_raw_fd(), descriptors.control.as_raw_fd()]
        }
    };
    syscall::close_all_except(&keep).step("close what is not needed any more")?;
    std::mem::forget((wait, null));
    umask(Mode::from_bits_truncate(0o022));
    privileges::set_resource_limits(assignment.process_memory_mb)?;
    fence::close()?;
    privileges::drop_bounding_set();
    privileges::drop_capabilities()?;
    privileges::install_filter(&inheritance.filter)?;
    match &assignment.program {
        Program::Known(calling) => enter_task(calling),
        Program::Supervisor(supervision) => match supervisor::run(supervision, descriptors.control.as_fd())? {},
        Program::Awaited => enter_task(&await_calling(descriptors)?),
        Program::Parked(program) => park(program, descriptors),
    }
}

/// The program's arguments and variables, in its working directory.
fn enter_task(calling: &Calling) -> Step<Execution> {
    nix::unistd::chdir(calling.working_directory.as_str()).step("enter the working directory")?;
    execution(&calling.command, &calling.env)
}

fn await_calling(descriptors: &Descriptors) -> Step<Calling> {
    let control = descriptors.control.as_fd();
    socket::send(control, &Birth::Parked, &[]).step("tell that everything is ready")?;
    match socket::receive(control).step("wait to be told the program")? {
        Some((calling, _)) => Ok(calling),
        // Not needed any more.
        None => syscall::exit_now(0),
    }
}

/// A program that waits by itself, on the control socket, which it therefore gets.
fn park(program: &ParkedProgram, descriptors: &Descriptors) -> Step<Execution> {
    let control = &descriptors.control;
    fcntl(control, FcntlArg::F_SETFD(FdFlag::empty())).step("leave the control socket open")?;
    let socket = (PARKED_VARIABLE.to_owned(), control.as_raw_fd().to_string());
    let variables: Vec<_> = program.env.iter().cloned().chain([socket]).collect();
    execution(&program.command, &variables)
}

pub(crate) fn execution(command: &[String], variables: &[(String, String)]) -> Step<Execution> {
    let arguments = command.iter().map(|word| c_string(word.as_bytes())).collect::<Step<_>>()?;
    let variables = variables.iter().map(|(name, value)| c_string(format!("{name}={value}").as_bytes()));
    Ok((arguments, variables.collect::<Step<_>>()?))
}
