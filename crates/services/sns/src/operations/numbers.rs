//! What AWS tells of telephone numbers. Nobody answers a short message in the outbox, so nobody opts out of them; numbers
//! need not be verified, and no number is rented.

use std::sync::Arc;

use api::sns::{
    CheckIfPhoneNumberIsOptedOutInput, CheckIfPhoneNumberIsOptedOutResponse, GetSMSSandboxAccountStatusInput,
    GetSMSSandboxAccountStatusResult, ListOriginationNumbersRequest, ListOriginationNumbersResult,
    ListPhoneNumbersOptedOutInput, ListPhoneNumbersOptedOutResponse, OptInPhoneNumberInput, OptInPhoneNumberResponse,
};
use platform::Ctx;
use wire::Error;

use super::subscriptions::is_number;
use crate::errors::invalid;
use crate::service::Sns;

/// Whether a number has opted out of short messages.
///
/// # Errors
/// `InvalidParameter`.
pub async fn check_if_phone_number_is_opted_out(
    _service: &Arc<Sns>,
    _cx: &Ctx,
    input: CheckIfPhoneNumberIsOptedOutInput,
) -> Result<CheckIfPhoneNumberIsOptedOutResponse, Error> {
    check(&input.phone_number)?;
    Ok(CheckIfPhoneNumberIsOptedOutResponse { is_opted_out: Some(false) })
}

/// The numbers that have opted out.
///
/// # Errors
/// `InvalidParameter`.
pub async fn list_phone_numbers_opted_out(
    _service: &Arc<Sns>,
    _cx: &Ctx,
    input: ListPhoneNumbersOptedOutInput,
) -> Result<ListPhoneNumbersOptedOutResponse, Error> {
    no_page(input.next_token.as_deref())?;
    Ok(ListPhoneNumbersOptedOutResponse { phone_numbers: Some(Vec::new()), next_token: None })
}

/// Lets a number have short messages again.
///
/// # Errors
/// `InvalidParameter`.
pub async fn opt_in_phone_number(
    _service: &Arc<Sns>,
    _cx: &Ctx,
    input: OptInPhoneNumberInput,
) -> Result<OptInPhoneNumberResponse, Error> {
    check(&input.phone_number)?;
    Ok(OptInPhoneNumberResponse {})
}

/// Whether short messages go to verified numbers only.
///
/// # Errors
/// None.
pub async fn get_sms_sandbox_account_status(
    _service: &Arc<Sns>,
    _cx: &Ctx,
    _input: GetSMSSandboxAccountStatusInput,
) -> Result<GetSMSSandboxAccountStatusResult, Error> {
    Ok(GetSMSSandboxAccountStatusResult { is_in_sandbox: false })
}

/// The numbers that the account rents.
///
/// # Errors
/// `InvalidParameter`.
pub async fn list_origination_numbers(
    _service: &Arc<Sns>,
    _cx: &Ctx,
    input: ListOriginationNumbersRequest,
) -> Result<ListOriginationNumbersResult, Error> {
    no_page(input.next_token.as_deref())?;
    Ok(ListOriginationNumbersResult { phone_numbers: Some(Vec::new()), next_token: None })
}

fn check(number: &str) -> Result<(), Error> {
    if is_number(number) { Ok(()) } else { Err(invalid("PhoneNumber Reason: input incorrectly formatted")) }
}

/// No answer carried a token: all lists here have one page.
fn no_page(token: Option<&str>) -> Result<(), Error> {
    if token.is_none_or(str::is_empty) { Ok(()) } else { Err(invalid("NextToken")) }
}
