//! `PutParameter`.

use std::collections::BTreeMap;

use api::ssm::enums::{parameter_tier, parameter_type};
use api::ssm::{PutParameterRequest, PutParameterResult, errors as modelled};
use fancy_regex::RegexBuilder;
use platform::{Ctx, TimerPartition};
use store::{Abort, Transaction};
use wire::Error;

use super::tags;
use crate::encryption::{self, DEFAULT_KEY};
use crate::limits::{
    ADVANCED_BYTES_MAX, ADVANCED_MAX, PATTERN_STEPS_MAX, STANDARD_BYTES_MAX, STANDARD_MAX, VERSIONS_MAX,
};
use crate::names::{self, Reference};
use crate::parameter_policies::{self, PolicyRecord};
use crate::records::{ParameterRecord, StoredValue, VersionRecord};
use crate::service::ParameterStore;
use crate::{errors, keys, rows};

const TEXT: &str = "text";
const IMAGE: &str = "aws:ec2:image";
const INTEGRATION: &str = "aws:ssm:integration";

/// Writes a parameter, or a further version of it.
pub async fn put_parameter(
    service: &ParameterStore,
    cx: &Ctx,
    input: PutParameterRequest,
) -> Result<PutParameterResult, Error> {
    check(cx, &input)?;
    let reference = Reference {
        account: cx.account.clone(),
        region: cx.region.clone(),
        name: input.name.clone(),
        by_arn: false,
        selector: None,
    };
    let before = service.find(&reference).await?;
    check_overwrite(before.is_some(), input.overwrite)?;
    let standard_is_full = count_is_full(service, cx).await?;
    let draft = Draft::new(service, cx, &input, before.as_ref(), standard_is_full)?;
    let version = draft.seal(cx, &input).await?;
    let tags = tags::added(&BTreeMap::new(), input.tags.as_deref().unwrap_or_default())?;
    let (timers, overwrite) = (service.timers(&cx.account).await?, input.overwrite);
    let tier = version.tier.clone();
    let number = service
        .transact(&cx.account, move |transaction| store(transaction, &timers, &reference, &version, &tags, overwrite));
    Ok(PutParameterResult { version: i64::try_from(number.await?).ok(), tier: Some(tier) })
}

fn check(cx: &Ctx, input: &PutParameterRequest) -> Result<(), Error> {
    names::check(cx, &input.name)?;
    if input.value.is_empty() {
        return Err(errors::validation(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length \
             greater than or equal to 1.",
        ));
    }
    if input.overwrite == Some(true) && input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
        return Err(errors::validation(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove \
             overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
             RemoveTagsFromResource.",
        ));
    }
    Ok(())
}

fn check_overwrite(exists: bool, overwrite: Option<bool>) -> Result<(), Error> {
    if exists && overwrite != Some(true) {
        return Err(modelled::parameter_already_exists(
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        ));
    }
    Ok(())
}

async fn count_is_full(service: &ParameterStore, cx: &Ctx) -> Result<bool, Error> {
    let region = cx.region.clone();
    let standard = service
        .transact(&cx.account, move |transaction| rows::count(transaction, &region, parameter_tier::STANDARD, 0));
    Ok(standard.await? >= STANDARD_MAX)
}

/// A version to be written, its value not encrypted yet.
struct Draft {
    version: VersionRecord,
    arn: String,
}

impl Draft {
    fn new(
        service: &ParameterStore,
        cx: &Ctx,
        input: &PutParameterRequest,
        before: Option<&ParameterRecord>,
        standard_is_full: bool,
    ) -> Result<Draft, Error> {
        let last = before.map(|before| &before.latest);
        let kind = kind(input, last)?;
        let policies = match &input.policies {
            Some(text) if !text.is_empty() => parameter_policies::parse(text)?,
            _ => last.map(|last| last.policies.clone()).unwrap_or_default(),
        };
        let tier = tier(input, last, &policies, standard_is_full)?;
        let data_type = data_type(input, last, &kind)?;
        let allowed_pattern = input.allowed_pattern.clone().or_else(|| last?.allowed_pattern.clone());
        if let Some(pattern) = &allowed_pattern {
            check_pattern(pattern, &kind, &input.value)?;
        }
        let version = VersionRecord {
            number: last.map_or(1, |last| last.number + 1),
            key_id: key_id(input, last, &kind)?,
            kind,
            value: StoredValue::Plain(String::new()),
            data_type,
            tier,
            description: input.description.clone().or_else(|| last?.description.clone()),
            allowed_pattern,
            policies,
            modified_at: service.now(),
            modified_by: cx.principal.arn(),
        };
        Ok(Draft { version, arn: names::arn(&cx.region, &cx.account, &input.name) })
    }

    async fn seal(self, cx: &Ctx, input: &PutParameterRequest) -> Result<VersionRecord, Error> {
        let value = match &self.version.key_id {
            Some(key) => {
                let is_advanced = self.version.tier == parameter_tier::ADVANCED;
                encryption::seal(cx, &self.arn, key, is_advanced, &input.value).await?
            }
            None => StoredValue::Plain(input.value.clone()),
        };
        Ok(VersionRecord { value, ..self.version })
    }
}

fn kind(input: &PutParameterRequest, last: Option<&VersionRecord>) -> Result<String, Error> {
    match (&input.r#type, last) {
        (None, None) => Err(errors::validation("A parameter type is required when you create a parameter.")),
        (None, Some(last)) => Ok(last.kind.clone()),
        (Some(kind), Some(last)) if *kind != last.kind => Err(modelled::hierarchy_type_mismatch_exception(
            "Parameter Store doesn't support changing a parameter type in a hierarchy. For example, you can't change a \
             parameter from a String type to a SecureString type. You must create a new, unique parameter.",
        )),
        (Some(kind), _) => Ok(kind.clone()),
    }
}

fn key_id(input: &PutParameterRequest, last: Option<&VersionRecord>, kind: &str) -> Result<Option<String>, Error> {
    if kind == parameter_type::SECURE_STRING {
        let before = || last.and_then(|last| last.key_id.clone());
        return Ok(input.key_id.clone().or_else(before).or_else(|| Some(DEFAULT_KEY.to_owned())));
    }
    match input.key_id {
        Some(_) => Err(errors::validation("KeyId is required for SecureString type parameter only.")),
        None => Ok(None),
    }
}

fn tier(
    input: &PutParameterRequest,
    last: Option<&VersionRecord>,
    policies: &[PolicyRecord],
    standard_is_full: bool,
) -> Result<String, Error> {
    let was_advanced = last.is_some_and(|last| last.tier == parameter_tier::ADVANCED);
    let length = input.value.len();
    let needs_advanced = length > STANDARD_BYTES_MAX || !policies.is_empty() || (last.is_none() && standard_is_full);
    let is_advanced = match input.tier.as_deref() {
        Some(parameter_tier::STANDARD) if was_advanced => {
            return Err(errors::validation(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the \
                 advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced \
                 parameter and recreate it as a standard parameter.",
            ));
        }
        Some(parameter_tier::ADVANCED) => true,
        Some(parameter_tier::INTELLIGENT_TIERING) => was_advanced || needs_advanced,
        _ => was_advanced,
    };
    if is_advanced && length > ADVANCED_BYTES_MAX {
        return Err(errors::validation(format!(
            "Advanced tier parameters support a maximum parameter value of {ADVANCED_BYTES_MAX} characters."
        )));
    }
    if !is_advanced && length > STANDARD_BYTES_MAX {
        return Err(errors::validation(format!(
            "Standard tier parameters support a maximum parameter value of {STANDARD_BYTES_MAX} characters. To create a \
             larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see \
             https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
        )));
    }
    if !is_advanced && !policies.is_empty() {
        return Err(errors::validation(
            "Parameter policies are supported for parameters that use the advanced-parameter tier only.",
        ));
    }
    Ok(if is_advanced { parameter_tier::ADVANCED } else { parameter_tier::STANDARD }.to_owned())
}

fn data_type(input: &PutParameterRequest, last: Option<&VersionRecord>, kind: &str) -> Result<String, Error> {
    let wanted = input.data_type.clone().or_else(|| last.map(|last| last.data_type.clone()));
    let data_type = wanted.unwrap_or_else(|| TEXT.to_owned());
    match data_type.as_str() {
        TEXT => {}
        IMAGE if kind == parameter_type::STRING && is_image_id(&input.value) => {}
        IMAGE => {
            return Err(errors::validation(format!(
                "The value of a parameter of data type {IMAGE} must be a String in the format ami-12345abcdeEXAMPLE."
            )));
        }
        INTEGRATION if kind == parameter_type::SECURE_STRING => {}
        INTEGRATION => {
            return Err(errors::validation(format!("A parameter of data type {INTEGRATION} must be a SecureString.")));
        }
        other => {
            return Err(errors::validation(format!(
                "The following data type is not supported: {other} (Data type names are all lowercase.)"
            )));
        }
    }
    Ok(data_type)
}

fn is_image_id(value: &str) -> bool {
    let digits = value.strip_prefix("ami-").unwrap_or_default();
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Whether the whole value matches, or each item of a list.
fn check_pattern(pattern: &str, kind: &str, value: &str) -> Result<(), Error> {
    let whole = format!("^(?:{pattern})$");
    let compiled = RegexBuilder::new(&whole).backtrack_limit(PATTERN_STEPS_MAX).build();
    let compiled = compiled.map_err(|_| {
        modelled::invalid_allowed_pattern_exception("The request doesn't meet the regular expression requirement.")
    })?;
    let items: Vec<&str> = if kind == parameter_type::STRING_LIST { value.split(',').collect() } else { vec![value] };
    // A pattern that takes too many steps does not match.
    if items.iter().all(|item| compiled.is_match(item).unwrap_or(false)) {
        return Ok(());
    }
    Err(modelled::parameter_pattern_mismatch_exception(format!(
        "Parameter value, cannot be validated against allowedPattern: {pattern}"
    )))
}

/// Writes the version behind those that there are by now, and answers its number.
fn store(
    transaction: &mut dyn Transaction,
    timers: &TimerPartition,
    reference: &Reference,
    version: &VersionRecord,
    tags: &BTreeMap<String, String>,
    overwrite: Option<bool>,
) -> Result<u64, Abort<Error>> {
    let region = &reference.region;
    let before: Option<ParameterRecord> = rows::read(transaction, &keys::parameter(region, &reference.name))?;
    check_overwrite(before.is_some(), overwrite)?;
    let tier_before = before.as_ref().map(|before| before.latest.tier.clone());
    let mut record = match before {
        Some(before) => before,
        None => ParameterRecord {
            name: reference.name.clone(),
            oldest: 1,
            latest: VersionRecord { number: 0, ..version.clone() },
            labels: BTreeMap::new(),
            tags: tags.clone(),
            resource_policies: Vec::new(),
        },
    };
    record.latest = VersionRecord { number: record.latest.number + 1, ..version.clone() };
    change_tier(transaction, region, tier_before.as_deref(), &version.tier)?;
    drop_oldest(transaction, region, &mut record)?;
    rows::put(transaction, &keys::version(region, &record.name, record.latest.number), &record.latest)?;
    rows::put_parameter(transaction, region, &record)?;
    parameter_policies::set_timers(transaction, timers, (&reference.account, region), &record)?;
    Ok(record.latest.number)
}

fn change_tier(
    transaction: &mut dyn Transaction,
    region: &str,
    before: Option<&str>,
    after: &str,
) -> Result<(), Abort<Error>> {
    if before == Some(after) {
        return Ok(());
    }
    if let Some(before) = before {
        rows::count(transaction, region, before, -1)?;
    }
    let most = if after == parameter_tier::ADVANCED { ADVANCED_MAX } else { STANDARD_MAX };
    if rows::count(transaction, region, after, 1)? > most {
        return Err(modelled::parameter_limit_exceeded(
            "You have exceeded the number of parameters for this Amazon Web Services account. Delete one or more \
             parameters and try again.",
        )
        .into());
    }
    Ok(())
}

/// Makes room for one more version, unless the one that would go has a label.
fn drop_oldest(
    transaction: &mut dyn Transaction,
    region: &str,
    record: &mut ParameterRecord,
) -> Result<(), Abort<Error>> {
    while record.latest.number - record.oldest >= VERSIONS_MAX {
        let oldest = record.oldest;
        if !record.labels_of(oldest).is_empty() {
            let name = &record.name;
            return Err(modelled::parameter_max_version_limit_exceeded(format!(
                "You attempted to create a new version of {name} by calling the PutParameter API with the overwrite \
                 flag. Version {oldest}, the oldest version, can't be deleted because it has a label associated with it. \
                 Move the label to another version of the parameter, and try again."
            ))
            .into());
        }
        transaction.delete(&keys::version(region, &record.name, oldest));
        record.oldest += 1;
    }
    Ok(())
}
