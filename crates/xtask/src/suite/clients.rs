//! The clients that end-to-end tests use: a Python environment and Node packages of our own, pinned by files under
//! `tests/`, kept under cargo's target directory and made anew when those files change.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Outcome};

/// A folder of installed packages and the file that pins them.
struct Installation {
    folder: PathBuf,
    pins: PathBuf,
}

/// Written last, with the pins that were installed: without it an installation was interrupted.
const STAMP: &str = "installed";

impl Installation {
    fn new(repository: &Path, cache: &Path, name: &str, pins: &str) -> Installation {
        Installation { folder: cache.join(name), pins: repository.join(pins) }
    }

    /// Installs anew unless the stamp says that these very pins are installed.
    fn ensure(&self, install: impl FnOnce(&Path, &Path) -> Outcome<()>) -> Outcome<()> {
        let pins = fs::read_to_string(&self.pins).map_err(|error| Failure::file(&self.pins, error))?;
        let stamp = self.folder.join(STAMP);
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == pins) {
            return Ok(());
        }
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(|error| Failure::file(&self.folder, error))?;
        }
        fs::create_dir_all(&self.folder).map_err(|error| Failure::file(&self.folder, error))?;
        println!("    installing {} into {}", self.pins.display(), self.folder.display());
        install(&self.folder, &self.pins)?;
        fs::write(&stamp, pins).map_err(|error| Failure::file(&stamp, error))
    }
}

/// The interpreter of the tests' own Python environment.
pub fn python(repository: &Path, cache: &Path) -> Outcome<PathBuf> {
    let installation = Installation::new(repository, cache, "python", "tests/requirements.txt");
    let interpreter = installation.folder.join("bin").join("python");
    installation.ensure(|folder, pins| {
        run("python3", [OsStr::new("-m"), OsStr::new("venv"), folder.as_os_str()], folder, "Python 3.9 or newer")?;
        let arguments =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"].map(OsStr::new);
        run(&interpreter, arguments.into_iter().chain([pins.as_os_str()]), folder, "pip")
    })?;
    Ok(interpreter)
}

/// The folder of the tests' own Node packages. The lock beside `package.json` is what is installed.
pub fn node_modules(repository: &Path, cache: &Path) -> Outcome<PathBuf> {
    let installation = Installation::new(repository, cache, "node", "tests/node/package-lock.json");
    installation.ensure(|folder, pins| {
        for file in [pins, &pins.with_file_name("package.json")] {
            let copy = folder.join(file.file_name().unwrap_or_default());
            fs::copy(file, copy).map_err(|error| Failure::file(file, error))?;
        }
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"].map(OsStr::new);
        run("npm", arguments, folder, "Node 18 or newer with npm")
    })?;
    Ok(installation.folder.join("node_modules"))
}

fn run<'a>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = &'a OsStr>,
    folder: &Path,
    needed: &str,
) -> Outcome<()> {
    let program = program.as_ref();
    let name = program.to_string_lossy();
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .map_err(|error| Failure::new(format!("{name} cannot be run ({error}); {needed} is needed")))?;
    if output.status.success() {
        return Ok(());
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(Failure::new(format!("{name} failed ({needed} is needed):\n{out}{err}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn pins_are_installed_once_and_again_when_they_change() {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let pins = scratch.path().join("pins");
        let installs = Cell::new(0);
        let ensure = |text: &str, result: Outcome<()>| {
            fs::write(&pins, text).expect("pins are written");
            Installation::new(scratch.path(), scratch.path(), "cache", "pins").ensure(|_, _| {
                installs.set(installs.get() + 1);
                result
            })
        };
        assert!(ensure("a==1", Err(Failure::new("interrupted"))).is_err());
        assert!(ensure("a==1", Ok(())).is_ok());
        assert!(ensure("a==1", Ok(())).is_ok());
        assert_eq!(installs.get(), 2, "a failed installation is repeated, a finished one is kept");
        assert!(ensure("a==2", Ok(())).is_ok());
        assert_eq!(installs.get(), 3);
    }
}
