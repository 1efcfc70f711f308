//! Filters of secrets.

use api::secretsmanager::Filter;
use api::secretsmanager::enums::filter_name_string_type as key;
use wire::Error;

use crate::errors;
use crate::records::SecretRecord;

/// Checks filters before anything is looked at.
///
/// # Errors
/// `InvalidParameterException` for a filter without key or values.
pub fn check(filters: &[Filter]) -> Result<(), Error> {
    for filter in filters {
        let key = filter.key.as_deref().ok_or_else(|| errors::parameter("Invalid filter key"))?;
        if filter.values.as_ref().is_none_or(Vec::is_empty) {
            return Err(errors::parameter(format!("Invalid filter values for key: {key}")));
        }
    }
    Ok(())
}

/// Whether a secret matches all filters, each by any of its values.
pub fn matches(filters: &[Filter], record: &SecretRecord) -> bool {
    filters.iter().all(|filter| {
        let key = filter.key.as_deref().unwrap_or_default();
        filter.values.iter().flatten().any(|value| value_matches(key, value, record))
    })
}

/// A value with an exclamation mark in front is one that must not match.
fn value_matches(key: &str, value: &str, record: &SecretRecord) -> bool {
    match value.strip_prefix('!') {
        Some(value) => !plain_value_matches(key, value, record),
        None => plain_value_matches(key, value, record),
    }
}

fn plain_value_matches(key: &str, value: &str, record: &SecretRecord) -> bool {
    let mut tags = record.tags.iter().flatten();
    match key {
        key::NAME => record.name.starts_with(value),
        key::TAG_KEY => tags.any(|(key, _)| key.starts_with(value)),
        key::TAG_VALUE => tags.any(|(_, tag)| tag.starts_with(value)),
        key::PRIMARY_REGION => record.primary_region.as_deref().is_some_and(|region| region.starts_with(value)),
        key::DESCRIPTION => has_words(value, record.description.as_deref().into_iter()),
        key::ALL => {
            let tags = tags.flat_map(|(key, value)| [key.as_str(), value.as_str()]);
            let texts = [Some(record.name.as_str()), record.description.as_deref(), record.primary_region.as_deref()];
            has_words(value, texts.into_iter().flatten().chain(tags))
        }
        // No secret here belongs to another service.
        _ => false,
    }
}

/// Whether each word of the value begins some word of the texts, in any case.
fn has_words<'a>(value: &str, texts: impl Iterator<Item = &'a str>) -> bool {
    let texts: Vec<String> = texts.flat_map(words).collect();
    words(value).all(|word| texts.iter().any(|text| text.starts_with(&word)))
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let parts = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    parts.map(str::to_lowercase)
}
