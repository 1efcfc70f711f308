//! Running a command with its output in a log.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::{Failure, Outcome};

/// A command of a step.
#[derive(Debug)]
pub struct Invocation {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
}

impl Invocation {
    /// A program with arguments.
    pub fn new<A: Into<OsString>>(program: impl Into<OsString>, arguments: impl IntoIterator<Item = A>) -> Invocation {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Invocation { program: program.into(), arguments, environment: Vec::new() }
    }

    /// Sets a variable of its environment.
    pub fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Invocation {
        self.environment.push((name, value.into()));
        self
    }

    /// The command as one would type it.
    pub fn shown(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.arguments);
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    /// Runs it in the repository and adds its output to the log. Whether it succeeded.
    pub fn run_logged(&self, repository: &Path, log: &Path) -> Outcome<bool> {
        let file = OpenOptions::new().create(true).append(true).open(log).map_err(|error| Failure::file(log, error))?;
        let again = file.try_clone().map_err(|error| Failure::file(log, error))?;
        self.run(repository, Stdio::from(file), Stdio::from(again))
    }

    /// Runs it in the repository on the terminal. Whether it succeeded.
    pub fn run_shown(&self, repository: &Path) -> Outcome<bool> {
        self.run(repository, Stdio::inherit(), Stdio::inherit())
    }

    fn run(&self, repository: &Path, out: Stdio, err: Stdio) -> Outcome<bool> {
        let status = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(repository)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .status()
            .map_err(|error| Failure::new(format!("{}: {error}", self.shown())))?;
        Ok(status.success())
    }
}

/// Starts an empty log.
pub fn start_log(log: &Path) -> Outcome<()> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).map_err(|error| Failure::file(folder, error))?;
    }
    File::create(log).map(|_| ()).map_err(|error| Failure::file(log, error))
}

/// A log's lines; bytes that are no text are replaced.
pub fn read_log(log: &Path) -> Outcome<Vec<String>> {
    let bytes = fs::read(log).map_err(|error| Failure::file(log, error))?;
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}
