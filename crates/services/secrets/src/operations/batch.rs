//! `BatchGetSecretValue`.

use api::secretsmanager::{
    APIErrorType, BatchGetSecretValueRequest, BatchGetSecretValueResponse, GetSecretValue, GetSecretValueRequest,
    SecretValueEntry,
};
use platform::Ctx;
use wire::Error;

use super::list::{Listing, Order};
use crate::errors;
use crate::limits::BATCH_MAX;
use crate::service::Secrets;

/// Several secrets' current values, each read with the caller's own rights to it. One that cannot be read is told among
/// the errors.
pub async fn batch_get_secret_value(
    secrets: &Secrets,
    cx: &Ctx,
    input: BatchGetSecretValueRequest,
) -> Result<BatchGetSecretValueResponse, Error> {
    let (ids, next_token) = wanted(secrets, cx, &input).await?;
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for id in ids {
        let request = GetSecretValueRequest { secret_id: id.clone(), ..Default::default() };
        match cx.call::<GetSecretValue>(request).await {
            Ok(value) => found.push(SecretValueEntry {
                arn: value.arn,
                name: value.name,
                version_id: value.version_id,
                secret_binary: value.secret_binary,
                secret_string: value.secret_string,
                version_stages: value.version_stages,
                created_date: value.created_date,
            }),
            Err(error) if error.definition.status >= 500 => return Err(error),
            Err(error) => failed.push(APIErrorType {
                secret_id: Some(id),
                error_code: Some(error.definition.name.to_owned()),
                message: error.message.map(std::borrow::Cow::into_owned),
            }),
        }
    }
    Ok(BatchGetSecretValueResponse { secret_values: Some(found), next_token, errors: Some(failed) })
}

/// The secrets named, or a page of those that match the filters.
async fn wanted(
    secrets: &Secrets,
    cx: &Ctx,
    input: &BatchGetSecretValueRequest,
) -> Result<(Vec<String>, Option<String>), Error> {
    match (&input.secret_id_list, &input.filters) {
        (Some(_), Some(_)) | (None, None) => {
            Err(errors::parameter("Either 'SecretIdList' or 'Filters' must be provided, but not both."))
        }
        (Some(_), None) if input.max_results.is_some() => Err(errors::parameter(
            "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
        )),
        (Some(ids), None) => Ok((ids.clone(), None)),
        (None, Some(filters)) => {
            let listing = Listing {
                filters,
                order: Order::default(),
                is_descending: false,
                with_deleted: false,
                limit: input.max_results.map_or(BATCH_MAX, |limit| limit.max(1) as usize),
            };
            let (records, next) = listing.page(secrets, cx, input.next_token.as_deref()).await?;
            Ok((records.into_iter().map(|record| record.arn).collect(), next))
        }
    }
}
