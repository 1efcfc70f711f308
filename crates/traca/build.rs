//! How the program is linked: its file is smaller by a tenth for it.

use std::process::Command;

/// The first version of the GNU C library that reads packed relative relocations.
const PACKED_RELOCATIONS_SINCE: (u32, u32) = (2, 36);

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    let released = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    // Elsewhere another linker may be at work, which need not know these options.
    if !released || target != "x86_64-unknown-linux-gnu" {
        return;
    }
    println!("cargo:rustc-link-arg-bins=-Wl,--icf=all");
    // The profile says so, too, but cargo forgets it for a package whose own options are overridden, as this one's are.
    println!("cargo:rustc-link-arg-bins=-Wl,--strip-all");
    if std::env::var("HOST").is_ok_and(|host| host == target)
        && c_library().is_some_and(|v| v >= PACKED_RELOCATIONS_SINCE)
    {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Major and minor version of this machine's C library: a program that is built here may be copied to a machine with a
/// later one only, as ever.
fn c_library() -> Option<(u32, u32)> {
    let answer = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(answer.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
