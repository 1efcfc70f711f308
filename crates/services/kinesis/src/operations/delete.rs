//! `DeleteStream`.

use api::kinesis::DeleteStreamInput;
use platform::Ctx;
use store::Direction;
use wire::Error;

use crate::keys;
use crate::names::StreamName;
use crate::service::Kinesis;
use crate::stream::Status;

/// Deletes a stream with everything in it.
///
/// # Errors
/// `ResourceNotFoundException`; `ResourceInUseException` while it has consumers, unless the caller does not mind.
pub async fn delete_stream(service: &Kinesis, cx: &Ctx, input: DeleteStreamInput) -> Result<api::Empty, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    let consumers_go_too = input.enforce_consumer_deletion == Some(true);
    let named = name.clone();
    service
        .change(&name, move |transaction, stream| {
            let consumers = transaction.scan(keys::consumers(stream.number), Direction::Forward, 1)?;
            if !consumers.is_empty() && !consumers_go_too {
                let text = format!(
                    "Stream {} under account {} has consumers registered with it. Deregister them, or set \
                     EnforceConsumerDeletion.",
                    named.name, named.account
                );
                return Err(api::kinesis::errors::resource_in_use_exception(text).into());
            }
            stream.status = Status::Deleting;
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}
