//! Template roots: the part of the file system that all environments of one runtime share, assembled once.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::failure::{NameStep, Step};
use super::mounts;
use super::trust::Trust;
use crate::limits;
use crate::spec::{IMAGE_DIRECTORIES, IMAGE_FILES, RootSpec};

/// User and group id of a function inside its environment; the names are AWS's.
pub(crate) const INSIDE_UID: u32 = 993;
/// See [`INSIDE_UID`].
pub(crate) const INSIDE_GID: u32 = 990;

/// Name of the machine, as a function sees it.
pub(crate) const HOST_NAME: &str = "lambda";

/// Directories of programs and libraries, where they exist. `/usr` first: most of the others point into it.
const PROGRAMS: [&str; 9] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "nix/store", "gnu/store"];
/// What programs expect to read below `/etc`, where it exists: certificates, the loader's cache, names of protocols.
const SETTINGS: [&str; 10] = [
    "alternatives",
    "ca-certificates",
    "crypto-policies",
    "ld.so.cache",
    "ld.so.conf",
    "mime.types",
    "pki",
    "protocols",
    "services",
    "ssl",
];
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
const DEVICE_LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];
/// Where environments mount what is their own, and directories programs look for.
const DIRECTORIES: [&str; 11] =
    ["dev", "etc", "proc", "tmp", "opt", "run", "home", "var/task", "var/runtime", "var/lang", "var/tmp"];
const NAME_SERVICE: &str = "passwd: files\ngroup: files\nhosts: files dns\n";

/// The templates assembled so far, most recently used last.
pub(crate) struct Templates {
    directory: PathBuf,
    trust: Option<Trust>,
    known: Vec<(RootSpec, PathBuf)>,
    made: u64,
}

impl Templates {
    /// `authority` is trusted inside besides what this machine trusts.
    pub(crate) fn new(directory: PathBuf, authority: Option<String>) -> Templates {
        Templates { directory, trust: authority.map(Trust::new), known: Vec::new(), made: 0 }
    }

    /// The template for a root, assembled now if it is new.
    pub(crate) fn get(&mut self, root: &RootSpec) -> Step<PathBuf> {
        if let Some(at) = self.known.iter().position(|(known, _)| known == root) {
            let entry = self.known.remove(at);
            let path = entry.1.clone();
            self.known.push(entry);
            return Ok(path);
        }
        if self.known.len() >= limits::TEMPLATES_MAX {
            // Environments that use it hold their own copies of its mounts.
            mounts::detach(&self.known.remove(0).1)?;
        }
        self.made += 1;
        let path = self.directory.join(format!("root-{}", self.made));
        fs::create_dir_all(&path).step("make a directory for a template")?;
        let assembled = match &root.image {
            Some(image) => assemble_image(&path, image, &self.directory, self.trust.as_ref()),
            None => assemble(&path, root, self.trust.as_ref()),
        };
        if let Err(failure) = assembled {
            // Unmounting fails only when assembling failed before it was mounted.
            let _ = mounts::detach(&path);
            return Err(failure);
        }
        self.known.push((root.clone(), path.clone()));
        Ok(path)
    }
}

impl Templates {
    /// Takes all templates away.
    pub(crate) fn detach_all(&mut self) {
        for (_, path) in self.known.drain(..) {
            // What stays ends with the mount namespace.
            let _ = mounts::detach(&path);
        }
    }
}

fn assemble(path: &Path, root: &RootSpec, trust: Option<&Trust>) -> Step<()> {
    mounts::mount_tmpfs(path, "size=4m,mode=755")?;
    for directory in DIRECTORIES {
        fs::create_dir_all(path.join(directory)).step(format!("make /{directory}"))?;
    }
    for program in PROGRAMS {
        show(&Path::new("/").join(program), &path.join(program))?;
    }
    for setting in SETTINGS {
        show(&Path::new("/etc").join(setting), &path.join("etc").join(setting))?;
    }
    write_settings(&path.join("etc"))?;
    if let Some(trust) = trust {
        trust.establish(path)?;
    }
    make_devices(&path.join("dev"))?;
    for bind in &root.binds {
        let inside = bind.inside.strip_prefix("/").unwrap_or(&bind.inside);
        let target = path.join(inside);
        fs::create_dir_all(&target).step(format!("make {}", bind.inside.display()))?;
        mounts::bind_read_only(&bind.host, &target)?;
    }
    mounts::seal(path)
}

/// The root of an image, with devices and names that work in an environment.
fn assemble_image(path: &Path, image: &Path, directory: &Path, trust: Option<&Trust>) -> Step<()> {
    // Mounting follows links, which would lead out of the image.
    for (place, is_directory) in
        IMAGE_DIRECTORIES.iter().map(|place| (place, true)).chain(IMAGE_FILES.iter().map(|place| (place, false)))
    {
        let mut at = image.to_path_buf();
        for part in place.split('/') {
            at.push(part);
            let found = fs::symlink_metadata(&at).step(format!("find /{place} in an image"))?;
            if found.is_symlink() || found.is_dir() != (is_directory || !at.ends_with(place)) {
                return Err(nix::errno::Errno::ELOOP).step(format!("look at /{place} in an image"));
            }
        }
    }
    mounts::bind_read_only(image, path)?;
    let dev = path.join("dev");
    mounts::mount_tmpfs(&dev, "size=64k,mode=755")?;
    make_devices(&dev)?;
    mounts::seal(&dev)?;
    if let Some(trust) = trust {
        let own = path.join("etc/traca");
        mounts::mount_tmpfs(&own, "size=2m,mode=755")?;
        trust.write(path)?;
        mounts::seal(&own)?;
    }
    for (place, (name, text)) in IMAGE_FILES.iter().zip(network_names()) {
        let host = directory.join(format!("image-{name}"));
        fs::write(&host, text).step(format!("write /{place}"))?;
        fs::set_permissions(&host, fs::Permissions::from_mode(0o644)).step(format!("write /{place}"))?;
        mounts::bind_read_only(&host, &path.join(place))?;
    }
    Ok(())
}

fn make_devices(dev: &Path) -> Step<()> {
    for device in DEVICES {
        let target = dev.join(device);
        fs::write(&target, "").step(format!("make /dev/{device}"))?;
        mounts::bind_device(&Path::new("/dev").join(device), &target)?;
    }
    for (name, target) in DEVICE_LINKS {
        symlink(target, dev.join(name)).step(format!("make /dev/{name}"))?;
    }
    Ok(())
}

/// Shows a file or directory of this machine at the same place inside; a link stays a link. What does not exist here
/// does not exist there.
fn show(host: &Path, target: &Path) -> Step<()> {
    let Ok(metadata) = fs::symlink_metadata(host) else { return Ok(()) };
    let name = || format!("show {}", host.display());
    if metadata.is_symlink() {
        let link = fs::read_link(host).step(name())?;
        return symlink(link, target).step(name());
    }
    if metadata.is_dir() {
        fs::create_dir_all(target).step(name())?;
    } else {
        fs::write(target, "").step(name())?;
    }
    mounts::bind_read_only(host, target)
}

/// What names of hosts mean, by the files' names.
fn network_names() -> [(&'static str, String); 2] {
    [
        ("hosts", format!("127.0.0.1 localhost {HOST_NAME}\n")),
        // The platform answers there.
        ("resolv.conf", "nameserver 127.0.0.1\n".to_owned()),
    ]
}

fn write_settings(etc: &Path) -> Step<()> {
    let passwd = format!(
        "root:x:0:0:root:/root:/bin/sh\nsbx_user1051:x:{INSIDE_UID}:{INSIDE_GID}::/home/sbx_user1051:/sbin/nologin\n\
         nobody:x:65534:65534:nobody:/:/sbin/nologin\n"
    );
    let group = format!("root:x:0:\nsbx_user1051:x:{INSIDE_GID}:\nnogroup:x:65534:\n");
    let files = [("passwd", passwd), ("group", group), ("nsswitch.conf", NAME_SERVICE.to_owned())];
    for (name, text) in files.into_iter().chain(network_names()) {
        fs::write(etc.join(name), text).step(format!("write /etc/{name}"))?;
    }
    // As on AWS. Programs that find no such link compare every zone there is.
    symlink("../usr/share/zoneinfo/UTC", etc.join("localtime")).step("write /etc/localtime")
}
