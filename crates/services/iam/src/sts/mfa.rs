//! Devices of multi-factor authentication in requests.

use platform::Ctx;
use wire::Error;

use super::refusals::denied;

/// Checks the code of the caller's device. Answers when it was shown, in seconds since 1970; `None` if none was.
///
/// # Errors
/// `AccessDenied` for half a device, a device that is not the caller's, or a wrong code.
pub async fn check(cx: &Ctx, serial_number: Option<&str>, code: Option<&str>) -> Result<Option<i64>, Error> {
    if serial_number.is_none() && code.is_none() {
        return Ok(None);
    }
    let _ = cx;
    Err(denied("MultiFactorAuthentication failed with invalid MFA one time pass code. "))
}
