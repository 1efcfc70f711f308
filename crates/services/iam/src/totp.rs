//! One-time codes by time (RFC 6238): HMAC-SHA1, steps of 30 seconds, six digits.

use aws_lc_rs::hmac;

/// Seconds of a step. RFC 6238, section 5.2.
const STEP_SECONDS: u64 = 30;

/// Steps that a device's clock may be off, either way. RFC 6238, section 5.2 recommends one; the user guide's "Troubleshoot
/// MFA" speaks of some minutes when a device is enabled.
pub const DRIFT_STEPS: u64 = 2;

/// Steps that are searched when a device is enabled or resynchronised, either way: ten minutes.
pub const RESYNC_STEPS: u64 = 20;

/// Codes below this have six digits.
const MODULUS: u32 = 1_000_000;

/// The step that a time (seconds since 1970) is in.
pub fn step_of(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or_default() / STEP_SECONDS
}

/// The code of a step.
pub fn code(seed: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes[bytes.len() - 1] & 0x0f);
    let word = bytes[offset..offset + 4].iter().fold(0, |word: u32, byte| word << 8 | u32::from(*byte));
    format!("{:06}", (word & 0x7fff_ffff) % MODULUS)
}

/// The step around `now` whose code this is, later than `after`: no code is taken twice.
pub fn matching_step(seed: &[u8], given: &str, now: i64, after: u64, drift_steps: u64) -> Option<u64> {
    let current = step_of(now);
    let steps = current.saturating_sub(drift_steps).max(after.saturating_add(1))..=current.saturating_add(drift_steps);
    let mut found = None;
    for step in steps {
        // All are compared, so that the time taken tells nothing.
        let matches = aws_lc_rs::constant_time::verify_slices_are_equal(code(seed, step).as_bytes(), given.as_bytes());
        if matches.is_ok() {
            found = Some(step);
        }
    }
    found
}

/// The later step of two codes that follow each other.
pub fn matching_steps(seed: &[u8], first: &str, second: &str, now: i64, after: u64) -> Option<u64> {
    let step = matching_step(seed, first, now, after, RESYNC_STEPS)?;
    (code(seed, step + 1) == second).then_some(step + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B; the last six of eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let seed = b"12345678901234567890";
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(seed, step_of(seconds)), expected, "{seconds}");
        }
    }

    #[test]
    fn a_code_is_taken_once_and_only_around_its_time() {
        let (seed, now) = (b"seed", 1_700_000_000);
        let step = step_of(now);
        assert_eq!(matching_step(seed, &code(seed, step), now, 0, 1), Some(step));
        assert_eq!(matching_step(seed, &code(seed, step), now, step, 1), None, "taken before");
        assert_eq!(matching_step(seed, &code(seed, step + 5), now, 0, 1), None, "too early");
        assert_eq!(matching_steps(seed, &code(seed, step), &code(seed, step + 1), now, 0), Some(step + 1));
        assert_eq!(matching_steps(seed, &code(seed, step), &code(seed, step), now, 0), None, "the same twice");
    }
}
