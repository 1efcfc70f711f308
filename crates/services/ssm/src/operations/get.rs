//! `GetParameter` and `GetParameters`.

use api::ssm::{GetParameterRequest, GetParameterResult, GetParametersRequest, GetParametersResult, Parameter};
use platform::{Ctx, OrFailure};
use wire::{Error, Timestamp};

use super::secrets;
use crate::names::{self, Reference, Selector};
use crate::records::{ParameterRecord, VersionRecord};
use crate::service::ParameterStore;
use crate::{encryption, errors, keys, rows};

/// One parameter.
pub async fn get_parameter(
    service: &ParameterStore,
    cx: &Ctx,
    input: GetParameterRequest,
) -> Result<GetParameterResult, Error> {
    let decrypt = input.with_decryption == Some(true);
    let parameter = read(service, cx, &input.name, decrypt).await?;
    Ok(GetParameterResult { parameter: Some(parameter) })
}

/// Several parameters; the names of those that there are not are told apart.
pub async fn get_parameters(
    service: &ParameterStore,
    cx: &Ctx,
    input: GetParametersRequest,
) -> Result<GetParametersResult, Error> {
    let decrypt = input.with_decryption == Some(true);
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    for (index, name) in input.names.iter().enumerate() {
        if input.names[..index].contains(name) {
            continue;
        }
        match read(service, cx, name, decrypt).await {
            Ok(parameter) => found.push(parameter),
            Err(error) if error.is("ParameterNotFound") || error.is("ParameterVersionNotFound") => {
                invalid.push(name.clone());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(GetParametersResult { parameters: Some(found), invalid_parameters: Some(invalid) })
}

async fn read(service: &ParameterStore, cx: &Ctx, name: &str, decrypt: bool) -> Result<Parameter, Error> {
    if let Some(secret) = name.strip_prefix(secrets::PREFIX) {
        return secrets::read(cx, name, secret, decrypt).await;
    }
    let reference = Reference::parse(cx, name)?;
    let record = service.parameter(&reference).await?;
    let version = selected(service, &reference, &record).await?;
    let mut parameter = reveal(cx, &reference.account, &record.name, &version, decrypt).await?;
    parameter.selector = reference.selector_text();
    Ok(parameter)
}

/// The version that is meant.
async fn selected(
    service: &ParameterStore,
    reference: &Reference,
    record: &ParameterRecord,
) -> Result<VersionRecord, Error> {
    let number = match &reference.selector {
        None => return Ok(record.latest.clone()),
        Some(Selector::Version(number)) => *number,
        Some(Selector::Label(label)) => {
            *record.labels.get(label).ok_or_else(|| errors::version_not_found(&record.name, label))?
        }
    };
    version(service, reference, record, number).await
}

/// A version by its number.
pub async fn version(
    service: &ParameterStore,
    reference: &Reference,
    record: &ParameterRecord,
    number: u64,
) -> Result<VersionRecord, Error> {
    if number == record.latest.number {
        return Ok(record.latest.clone());
    }
    let snapshot = service.snapshot(&reference.account).await?;
    let row = snapshot.get(&keys::version(&reference.region, &record.name, number)).await.or_failure()?;
    rows::decode(&row.ok_or_else(|| errors::version_not_found(&record.name, number))?)
}

/// A version as answers tell it.
pub async fn reveal(
    cx: &Ctx,
    account: &str,
    name: &str,
    version: &VersionRecord,
    decrypt: bool,
) -> Result<Parameter, Error> {
    let arn = names::arn(&cx.region, account, name);
    let value = encryption::reveal(cx, &arn, &version.value, decrypt).await?;
    Ok(Parameter {
        name: Some(name.to_owned()),
        r#type: Some(version.kind.clone()),
        value: Some(value),
        version: i64::try_from(version.number).ok(),
        last_modified_date: Some(Timestamp::from_milliseconds(version.modified_at)),
        arn: Some(arn),
        data_type: Some(version.data_type.clone()),
        ..Default::default()
    })
}
