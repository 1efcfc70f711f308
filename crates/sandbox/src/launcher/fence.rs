//! Landlock: a second fence around the file system, should the first (mounts) have a gap.

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, Scope,
};

use super::failure::Step;
use super::message::Failure;

/// The newest version whose rights are handled; an older kernel enforces what it knows.
const NEWEST: ABI = ABI::V6;

/// Reading everywhere, writing in `/tmp` and to devices and one's own `/proc`; no signal and no abstract socket beyond
/// the environment. A kernel without Landlock changes nothing.
pub(crate) fn close() -> Step<()> {
    let open = |path: &str| PathFd::new(path).map_err(|error| failure(&error));
    let (root, tmp, dev, proc) = (open("/")?, open("/tmp")?, open("/dev")?, open("/proc")?);
    restrict(root, tmp, dev, proc).map_err(|error| failure(&error))
}

fn failure(error: &dyn std::error::Error) -> Failure {
    Failure { step: format!("restrict by Landlock: {error}"), errno: libc::EPERM }
}

fn restrict(root: PathFd, tmp: PathFd, dev: PathFd, proc: PathFd) -> Result<(), RulesetError> {
    let read = AccessFs::from_read(NEWEST);
    let write_in_place = read | AccessFs::WriteFile | AccessFs::Truncate;
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rule(PathBeneath::new(root, read))?
        .add_rule(PathBeneath::new(tmp, AccessFs::from_all(NEWEST)))?
        .add_rule(PathBeneath::new(dev, write_in_place | AccessFs::IoctlDev))?
        .add_rule(PathBeneath::new(proc, write_in_place))?
        .restrict_self()?;
    Ok(())
}
