//! Memory, CPU and process limits, and freezing, by cgroups: v2, v1, or a mixture of both.
//!
//! Every environment gets one directory per hierarchy, below one that is the launcher's own. Writing a process into
//! `cgroup.procs` waits up to ten milliseconds for a grace period of the kernel, so it is done ahead of need, by the
//! spare environment itself (v1), or avoided by creating the process inside the cgroup (v2).

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::cgroup_mounts::{self, CgroupMount};
use super::failure::{NameStep, Step};
use super::message::{CpuFiles, MemoryFiles};
use super::ownership::OwnDirectory;
use crate::capabilities::FreezeMethod;
use crate::control::CpuShare;
use crate::limits;

/// One hierarchy in use.
#[derive(Debug)]
struct Hierarchy {
    /// Our own directory in it.
    root: OwnDirectory,
    unified: bool,
    memory: bool,
    cpu: bool,
    pids: bool,
    freeze: bool,
}

/// All hierarchies in use; none when this machine or user has none to give.
#[derive(Debug)]
pub(crate) struct Cgroups {
    hierarchies: Vec<Hierarchy>,
    /// Whether a CPU share is an upper bound.
    cpu_quota: bool,
}

/// The cgroups of one environment. They stay until [`Cgroup::remove`].
#[derive(Debug)]
pub(crate) struct Cgroup {
    directories: Vec<(PathBuf, usize)>,
}

impl Cgroups {
    /// Finds what can be used and removes what platforms that have ended have left.
    pub(crate) fn find(name: &str, platform_pid: i32, cpu_quota: bool) -> Cgroups {
        let mut hierarchies: Vec<Hierarchy> = Vec::new();
        for mount in cgroup_mounts::usable(platform_pid) {
            cgroup_mounts::remove_leftovers(&mount.base);
            hierarchies.extend(Hierarchy::in_mount(&mount, name, &hierarchies));
        }
        for hierarchy in &hierarchies {
            hierarchy.delegate();
        }
        Cgroups { hierarchies, cpu_quota }
    }

    pub(crate) fn limits_memory(&self) -> bool {
        self.hierarchies.iter().any(|hierarchy| hierarchy.memory)
    }

    pub(crate) fn limits_cpu(&self) -> bool {
        self.hierarchies.iter().any(|hierarchy| hierarchy.cpu)
    }

    pub(crate) fn limits_processes(&self) -> bool {
        self.hierarchies.iter().any(|hierarchy| hierarchy.pids)
    }

    pub(crate) fn freeze_method(&self) -> FreezeMethod {
        match self.hierarchies.iter().find(|hierarchy| hierarchy.freeze) {
            Some(hierarchy) if hierarchy.unified => FreezeMethod::CgroupV2,
            Some(_) => FreezeMethod::CgroupV1,
            None => FreezeMethod::Signal,
        }
    }

    /// Makes the cgroups of one environment.
    pub(crate) fn create(&self, name: &str) -> Step<Cgroup> {
        let mut cgroup = Cgroup { directories: Vec::new() };
        for (index, hierarchy) in self.hierarchies.iter().enumerate() {
            let directory = hierarchy.root.path().join(name);
            if let Err(error) = fs::create_dir(&directory) {
                cgroup.remove();
                return Err(error).step(format!("make the cgroup {}", directory.display()));
            }
            cgroup.directories.push((directory, index));
        }
        Ok(cgroup)
    }

    /// The directory to create a process in, when there is a v2 hierarchy.
    pub(crate) fn entry(&self, cgroup: &Cgroup) -> Step<Option<OwnedFd>> {
        match self.find_directory(cgroup, |hierarchy| hierarchy.unified) {
            Some(directory) => {
                let file = File::open(directory).step(format!("open the cgroup {}", directory.display()))?;
                Ok(Some(file.into()))
            }
            None => Ok(None),
        }
    }

    /// Moves the calling process into the v1 cgroups.
    pub(crate) fn join(&self, cgroup: &Cgroup) -> Step<()> {
        for (directory, index) in &cgroup.directories {
            if !self.hierarchies[*index].unified {
                write_to(&directory.join("cgroup.procs"), "0")?;
            }
        }
        Ok(())
    }

    /// Sets the limits for a memory size. CPU is left at the more generous share for initialisation.
    pub(crate) fn limit(&self, cgroup: &Cgroup, memory_mb: u32) -> Step<()> {
        let memory = (u64::from(memory_mb) * 1024 * 1024).to_string();
        // The first process of an environment is ours and not counted by AWS.
        let processes = (limits::PROCESSES_MAX + 1).to_string();
        let share = CpuShare::for_memory(memory_mb);
        let share = if self.cpu_quota { share.during_init() } else { share.without_quota() };
        for (directory, index) in &cgroup.directories {
            let hierarchy = &self.hierarchies[*index];
            if hierarchy.memory && hierarchy.unified {
                write_to(&directory.join("memory.max"), &memory)?;
                // Nothing may hide in swap. Not there when the kernel does not account swap.
                let _ = write_to(&directory.join("memory.swap.max"), "0");
            } else if hierarchy.memory {
                write_to(&directory.join("memory.limit_in_bytes"), &memory)?;
                // Nothing may hide in swap. A limit with swap of the same size would hide how often this one is hit.
                write_to(&directory.join("memory.swappiness"), "0")?;
            }
            if hierarchy.cpu {
                let files = CpuFiles { directory: directory.clone(), unified: hierarchy.unified };
                share.apply(&files).step("set the CPU share")?;
            }
            if hierarchy.pids {
                write_to(&directory.join("pids.max"), &processes)?;
            }
        }
        Ok(())
    }

    pub(crate) fn freeze_file(&self, cgroup: &Cgroup) -> Option<PathBuf> {
        let directory = self.find_directory(cgroup, |hierarchy| hierarchy.freeze)?;
        Some(match self.freeze_method() {
            FreezeMethod::CgroupV1 => directory.join("freezer.state"),
            FreezeMethod::CgroupV2 | FreezeMethod::Signal => directory.join("cgroup.freeze"),
        })
    }

    pub(crate) fn memory_files(&self, cgroup: &Cgroup) -> Option<MemoryFiles> {
        let (directory, index) = cgroup.directories.iter().find(|(_, index)| self.hierarchies[*index].memory)?;
        Some(MemoryFiles { directory: directory.clone(), unified: self.hierarchies[*index].unified })
    }

    /// The CPU cgroup, if the share is to be lowered after initialisation.
    pub(crate) fn cpu_files(&self, cgroup: &Cgroup) -> Option<CpuFiles> {
        if !self.cpu_quota {
            return None;
        }
        let (directory, index) = cgroup.directories.iter().find(|(_, index)| self.hierarchies[*index].cpu)?;
        Some(CpuFiles { directory: directory.clone(), unified: self.hierarchies[*index].unified })
    }

    /// Removes our own directories, once every environment's are gone.
    pub(crate) fn remove(&self) {
        for hierarchy in &self.hierarchies {
            cgroup_mounts::remove_group(hierarchy.root.path());
        }
    }

    fn find_directory<'a>(&self, cgroup: &'a Cgroup, wanted: impl Fn(&Hierarchy) -> bool) -> Option<&'a Path> {
        let found = cgroup.directories.iter().find(|(_, index)| wanted(&self.hierarchies[*index]));
        found.map(|(directory, _)| directory.as_path())
    }
}

impl Hierarchy {
    /// How a mount is used, or `None` when it gives nothing that is not had already, or
    /// no directory.
    fn in_mount(mount: &CgroupMount, name: &str, known: &[Hierarchy]) -> Option<Hierarchy> {
        let has = |controller: &str| mount.controllers.iter().any(|known| known == controller);
        let (memory, cpu, pids) = (has("memory"), has("cpu"), has("pids"));
        let freeze = (mount.unified || has("freezer")) && !known.iter().any(|hierarchy| hierarchy.freeze);
        if !(memory || cpu || pids || freeze) {
            return None;
        }
        let root = OwnDirectory::create(mount.base.join(name)).ok()?;
        Some(Hierarchy { root, unified: mount.unified, memory, cpu, pids, freeze })
    }

    /// Lets the directories of environments use the controllers (v2 only; v1 needs no permission for it).
    fn delegate(&self) {
        if self.unified {
            for (enabled, controller) in [(self.memory, "+memory"), (self.cpu, "+cpu"), (self.pids, "+pids")] {
                if enabled {
                    // What cannot be enabled here could not be enabled above either, and then it was not listed.
                    let _ = write_to(&self.root.path().join("cgroup.subtree_control"), controller);
                }
            }
        }
    }
}

impl Cgroup {
    /// Lets frozen processes run. One frozen by v1 could not even be killed.
    pub(crate) fn thaw(&self) {
        for (directory, _) in &self.directories {
            // Only one of the hierarchies, if any, has this file.
            let _ = write_to(&directory.join("freezer.state"), "THAWED");
        }
    }

    /// Removes the directories; every process in them must have ended.
    pub(crate) fn remove(&self) {
        for (directory, _) in &self.directories {
            cgroup_mounts::remove_group(directory);
        }
    }
}

fn write_to(path: &Path, text: &str) -> Step<()> {
    let write = || -> io::Result<()> { File::options().write(true).open(path)?.write_all(text.as_bytes()) };
    write().step(format!("write {text} to {}", path.display()))
}
