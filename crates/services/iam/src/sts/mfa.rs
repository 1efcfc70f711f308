//! Devices of multi-factor authentication in requests.

use platform::Ctx;
use wire::Error;

use super::Sts;
use super::refusals::denied;

/// Takes the code of the caller's device. Answers when it was shown, in seconds since 1970; `None` if none was.
///
/// # Errors
/// `AccessDenied` for half a device, a device that is not the caller's, or a code that is wrong or was taken before.
pub async fn take(sts: &Sts, cx: &Ctx, serial_number: Option<&str>, code: Option<&str>) -> Result<Option<i64>, Error> {
    let holds = match (serial_number, code) {
        (None, None) => return Ok(None),
        (Some(serial_number), Some(code)) => sts.iam.take_mfa_code(&cx.principal, serial_number, code).await?,
        _ => false,
    };
    if !holds {
        return Err(denied("MultiFactorAuthentication failed with invalid MFA one time pass code. "));
    }
    Ok(Some(cx.platform.clock.now().seconds))
}
