//! Who is charged for a request, as answers tell it (S3 User Guide, "Using Requester Pays buckets").

use platform::Ctx;
use wire::Error;

use crate::service::S3;

/// What `x-amz-request-charged` says of a caller who is charged.
const REQUESTER: &str = "requester";

/// Whether a caller who consents to pay is charged: for other accounts' buckets that ask for it.
///
/// # Errors
/// A failure of the store.
pub async fn of(service: &S3, cx: &Ctx, bucket: &str, consent: Option<&str>) -> Result<Option<String>, Error> {
    if consent != Some(REQUESTER) {
        return Ok(None);
    }
    let Some(bucket) = service.find_bucket(bucket).await? else { return Ok(None) };
    let is_foreign = cx.principal.account().is_some_and(|account| account != bucket.owner);
    Ok((bucket.requester_pays && is_foreign).then(|| REQUESTER.to_owned()))
}

/// Offers operations as `platform::operations!` does, whose answers tell whether the caller is charged.
macro_rules! charged_operations {
    ($registration:ident, $service:expr, { $($operation:ident => $function:path),* $(,)? }) => {
        $(
            let service = ::std::sync::Arc::clone(&$service);
            $registration.add::<api::s3::$operation, _, _>(move |cx, input| {
                let service = ::std::sync::Arc::clone(&service);
                async move {
                    let charged =
                        $crate::charge::of(&service, &cx, &input.bucket, input.request_payer.as_deref()).await?;
                    let mut output = $function(&service, &cx, input).await?;
                    output.request_charged = charged;
                    Ok(output)
                }
            });
        )*
    };
}

pub(crate) use charged_operations;
