//! `LabelParameterVersion` and `UnlabelParameterVersion`.

use api::ssm::{
    LabelParameterVersionRequest, LabelParameterVersionResult, UnlabelParameterVersionRequest,
    UnlabelParameterVersionResult, errors as modelled,
};
use platform::Ctx;
use wire::Error;

use crate::limits::{LABEL_CHARACTERS_MAX, LABELS_MAX};
use crate::names::Reference;
use crate::records::ParameterRecord;
use crate::service::ParameterStore;
use crate::{errors, rows};

/// Puts labels onto a version, from wherever they were. Those that cannot be labels are told apart.
pub async fn label_parameter_version(
    service: &ParameterStore,
    cx: &Ctx,
    input: LabelParameterVersionRequest,
) -> Result<LabelParameterVersionResult, Error> {
    let reference = Reference::parse(cx, &input.name)?;
    let (valid, invalid): (Vec<String>, Vec<String>) = input.labels.into_iter().partition(|label| is_label(label));
    if let Some(long) = valid.iter().chain(&invalid).find(|label| label.chars().count() > LABEL_CHARACTERS_MAX) {
        return Err(errors::validation(format!(
            "1 validation error detected: Value '[{long}]' at 'labels' failed to satisfy constraint: Member must satisfy \
             constraint: [Member must have length less than or equal to {LABEL_CHARACTERS_MAX}, Member must have length \
             greater than or equal to 1]"
        )));
    }
    let account = reference.account.clone();
    let version = service.transact(&account, move |transaction| {
        let mut record = rows::parameter(transaction, &reference)?;
        let version = wanted(&record, input.parameter_version)?;
        for label in &valid {
            record.labels.insert(label.clone(), version);
        }
        if record.labels_of(version).len() > LABELS_MAX {
            return Err(modelled::parameter_version_label_limit_exceeded(format!(
                "A parameter version can have maximum {LABELS_MAX} labels. Move one or more labels to another version and \
                 try again."
            ))
            .into());
        }
        rows::put_parameter(transaction, &reference.region, &record)?;
        Ok(version)
    });
    let version = i64::try_from(version.await?).ok();
    Ok(LabelParameterVersionResult { invalid_labels: Some(invalid), parameter_version: version })
}

/// Takes labels off a version. Those that it does not have are told apart.
pub async fn unlabel_parameter_version(
    service: &ParameterStore,
    cx: &Ctx,
    input: UnlabelParameterVersionRequest,
) -> Result<UnlabelParameterVersionResult, Error> {
    let reference = Reference::parse(cx, &input.name)?;
    let account = reference.account.clone();
    let labels = service.transact(&account, move |transaction| {
        let mut record = rows::parameter(transaction, &reference)?;
        let version = wanted(&record, Some(input.parameter_version))?;
        let is_there = |label: &String| record.labels.get(label) == Some(&version);
        let (removed, invalid): (Vec<String>, Vec<String>) = input.labels.iter().cloned().partition(is_there);
        record.labels.retain(|label, _| !removed.contains(label));
        rows::put_parameter(transaction, &reference.region, &record)?;
        Ok((removed, invalid))
    });
    let (removed, invalid) = labels.await?;
    Ok(UnlabelParameterVersionResult { removed_labels: Some(removed), invalid_labels: Some(invalid) })
}

fn wanted(record: &ParameterRecord, version: Option<i64>) -> Result<u64, Error> {
    let Some(version) = version else { return Ok(record.latest.number) };
    let number = u64::try_from(version).ok().filter(|number| (record.oldest..=record.latest.number).contains(number));
    number.ok_or_else(|| errors::version_not_found(&record.name, version))
}

/// API reference of LabelParameterVersion.
fn is_label(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    let allowed = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
    !lower.starts_with("aws")
        && !lower.starts_with("ssm")
        && !label.starts_with(|first: char| first.is_ascii_digit())
        && !label.is_empty()
        && label.bytes().all(allowed)
}
