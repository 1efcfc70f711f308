//! `StartStreamEncryption` and `StopStreamEncryption`.

use api::kinesis::enums::encryption_type;
use api::kinesis::{StartStreamEncryptionInput, StopStreamEncryptionInput};
use platform::Ctx;
use wire::Error;

use crate::encryption;
use crate::errors::invalid;
use crate::names::StreamName;
use crate::service::Kinesis;
use crate::stream::Status;

/// Encrypts what is written from now on under a key of KMS.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`, `InvalidArgumentException`, those of KMS.
pub async fn start_stream_encryption(
    service: &Kinesis,
    cx: &Ctx,
    input: StartStreamEncryptionInput,
) -> Result<api::Empty, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    if input.encryption_type != encryption_type::KMS {
        return Err(invalid("EncryptionType must be KMS."));
    }
    service.stream(&name).await?.check_active(&name)?;
    encryption::check(cx, &input.key_id).await?;
    let named = name.clone();
    service
        .change(&name, move |_, stream| {
            stream.check_active(&named)?;
            stream.key_id = Some(input.key_id.clone());
            stream.status = Status::Updating;
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}

/// Writes records as they are from now on. Those that are encrypted stay so.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`, `InvalidArgumentException`.
pub async fn stop_stream_encryption(
    service: &Kinesis,
    cx: &Ctx,
    input: StopStreamEncryptionInput,
) -> Result<api::Empty, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    if input.encryption_type != encryption_type::KMS {
        return Err(invalid("EncryptionType must be KMS."));
    }
    let named = name.clone();
    service
        .change(&name, move |_, stream| {
            stream.check_active(&named)?;
            if stream.key_id.take().is_some() {
                stream.status = Status::Updating;
            }
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}
