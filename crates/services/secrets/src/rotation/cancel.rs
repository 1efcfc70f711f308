//! `CancelRotateSecret`.

use api::secretsmanager::{CancelRotateSecretRequest, CancelRotateSecretResponse};
use platform::Ctx;
use wire::Error;

use super::{stop, unfinished};
use crate::names::SecretId;
use crate::service::Secrets;
use crate::{errors, rows};

/// Ends the schedule, and the rotation that is under way. Its version keeps the label AWSPENDING, as AWS leaves it.
pub async fn cancel_rotate_secret(
    secrets: &Secrets,
    cx: &Ctx,
    input: CancelRotateSecretRequest,
) -> Result<CancelRotateSecretResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    let (timers, now) = (secrets.timers(&id.account).await?, secrets.now());
    let account = id.account.clone();
    let record = secrets.transact(&account, move |transaction| {
        let mut record = rows::primary(transaction, &id)?;
        let Some(rotation) = &mut record.rotation else {
            return Err(errors::request("No Lambda rotation function ARN is associated with this secret.").into());
        };
        rotation.is_enabled = false;
        rotation.running = None;
        record.changed_at = now;
        rows::put_secret(transaction, &id.region, &record)?;
        stop(transaction, &timers, &id)?;
        Ok(record)
    });
    let record = record.await?;
    Ok(CancelRotateSecretResponse {
        version_id: unfinished(&record).map(str::to_owned),
        arn: Some(record.arn),
        name: Some(record.name),
    })
}
