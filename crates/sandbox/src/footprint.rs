//! What a process leaves behind in memory after its start.

use std::ffi::c_void;
use std::{fs, io};

/// Lets go of the program's own pages that were mapped while it started: its code and constants, of which what runs once
/// is the greater part. The kernel keeps them in its cache and maps again, without reading the disk, what is used later.
///
/// # Errors
/// When `/proc` is not mounted.
pub fn release_program_pages() -> io::Result<()> {
    let program = fs::read_link("/proc/self/exe")?;
    let maps = fs::read_to_string("/proc/self/maps")?;
    for (start, length) in maps.lines().filter_map(|line| read_only_part(line, &program.to_string_lossy())) {
        // SAFETY: the range is a mapping of the program's file that was never writable, so every page of it is the file's
        // and comes back as it was; nothing unmaps the program while it runs. A failure leaves the pages where they are.
        unsafe { libc::madvise(start as *mut c_void, length, libc::MADV_DONTNEED) };
    }
    Ok(())
}

/// Start and length of a mapping that holds the program's file and was never written to: its code, and the segment with
/// its head and constants. Constants with addresses lie in a segment of their own, which the start has written to.
fn read_only_part(line: &str, program: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (range, permissions, offset) = (fields.next()?, fields.next()?, fields.next()?);
    let path = fields.nth(2)?;
    let never_written = permissions == "r-xp" || (permissions == "r--p" && usize::from_str_radix(offset, 16) == Ok(0));
    if path != program || !never_written {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    Some((start, end.checked_sub(start)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "/usr/bin/traca";

    #[test]
    fn only_what_was_never_written_to_is_let_go() {
        let of = |line: &str| read_only_part(line, PROGRAM);
        assert_eq!(of("1000-3000 r--p 00000000 fe:00 7 /usr/bin/traca"), Some((0x1000, 0x2000)));
        assert_eq!(of("3000-9000 r-xp 00002000 fe:00 7 /usr/bin/traca"), Some((0x3000, 0x6000)));
        assert_eq!(of("9000-a000 r--p 00008000 fe:00 7 /usr/bin/traca"), None);
        assert_eq!(of("a000-b000 rw-p 00009000 fe:00 7 /usr/bin/traca"), None);
        assert_eq!(of("3000-9000 r-xp 00002000 fe:00 8 /usr/lib/libc.so.6"), None);
        assert_eq!(of("b000-c000 rw-p 00000000 00:00 0"), None);
    }

    #[test]
    fn a_program_whose_pages_were_let_go_runs_on() {
        let resident = || fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(2).unwrap().parse::<usize>();
        let before = resident().unwrap();
        release_program_pages().unwrap();
        assert!(resident().unwrap() < before);
    }
}
