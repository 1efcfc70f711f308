//! Filters of parameters.

use api::ssm::enums::{parameter_tier, parameter_type};
use api::ssm::{ParameterStringFilter, errors as modelled};
use wire::Error;

use crate::errors;
use crate::names;
use crate::records::ParameterRecord;

/// Which operation filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `GetParametersByPath`.
    Path,
    /// `DescribeParameters`.
    Description,
}

/// Filters that hold.
pub struct Filters(Vec<Filter>);

struct Filter {
    key: Key,
    option: FilterOption,
    values: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Name,
    Type,
    Encryption,
    Path,
    Label,
    Tier,
    DataType,
    Tag(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FilterOption {
    Equals,
    BeginsWith,
    Contains,
    Recursive,
    OneLevel,
}

impl Filters {
    /// Checks what a caller gave.
    ///
    /// # Errors
    /// `InvalidFilterKey`, `InvalidFilterOption`, `InvalidFilterValue`, `ValidationException`.
    pub fn parse(filters: &[ParameterStringFilter], scope: Scope) -> Result<Filters, Error> {
        let mut parsed: Vec<Filter> = Vec::new();
        for given in filters {
            let key = key(&given.key, scope)?;
            if parsed.iter().any(|filter| filter.key == key) {
                return Err(modelled::invalid_filter_key(format!(
                    "The following filter is duplicated in the request: {}. A request can contain only one occurrence of \
                     a specific filter.",
                    given.key
                )));
            }
            let values = given.values.clone().unwrap_or_default();
            if values.is_empty() && !matches!(key, Key::Tag(_)) {
                return Err(modelled::invalid_filter_value(format!(
                    "The following filter values are missing : null for filter key {}.",
                    given.key
                )));
            }
            check_values(&key, &values)?;
            parsed.push(Filter { option: option(&key, given.option.as_deref())?, key, values });
        }
        Ok(Filters(parsed))
    }

    /// Whether a parameter matches all of them.
    pub fn match_record(&self, record: &ParameterRecord) -> bool {
        self.0.iter().all(|filter| filter.matches(record))
    }

    /// The label that is looked for.
    pub fn label(&self) -> Option<&str> {
        let filter = self.0.iter().find(|filter| filter.key == Key::Label)?;
        filter.values.first().map(String::as_str)
    }
}

fn key(name: &str, scope: Scope) -> Result<Key, Error> {
    let key = match name {
        "Name" => Key::Name,
        "Type" => Key::Type,
        "KeyId" => Key::Encryption,
        "Path" => Key::Path,
        "Label" => Key::Label,
        "Tier" => Key::Tier,
        "DataType" => Key::DataType,
        _ => Key::Tag(name.strip_prefix("tag:").unwrap_or_default().to_owned()),
    };
    let (is_valid, valid) = match scope {
        Scope::Path => (matches!(key, Key::Type | Key::Encryption | Key::Label), "[Type, KeyId]"),
        Scope::Description => (key != Key::Label, "[Path, Name, Type, KeyId, Tier]"),
    };
    if is_valid {
        return Ok(key);
    }
    Err(modelled::invalid_filter_key(format!(
        "The following filter key is not valid: {name}. Valid filter keys include: {valid}."
    )))
}

fn option(key: &Key, name: Option<&str>) -> Result<FilterOption, Error> {
    let (allowed, valid): (&[FilterOption], &str) = match key {
        Key::Path => (&[FilterOption::OneLevel, FilterOption::Recursive], "[Recursive, OneLevel]"),
        Key::Name => {
            (&[FilterOption::Equals, FilterOption::BeginsWith, FilterOption::Contains], "[BeginsWith, Equals]")
        }
        _ => (&[FilterOption::Equals, FilterOption::BeginsWith], "[BeginsWith, Equals]"),
    };
    let Some(name) = name else { return Ok(allowed[0]) };
    let option = match name {
        "Equals" => Some(FilterOption::Equals),
        "BeginsWith" => Some(FilterOption::BeginsWith),
        "Contains" => Some(FilterOption::Contains),
        "Recursive" => Some(FilterOption::Recursive),
        "OneLevel" => Some(FilterOption::OneLevel),
        _ => None,
    };
    option.filter(|option| allowed.contains(option)).ok_or_else(|| {
        modelled::invalid_filter_option(format!(
            "The following filter option is not valid: {name}. Valid options include: {valid}."
        ))
    })
}

fn check_values(key: &Key, values: &[String]) -> Result<(), Error> {
    let known: &[&str] = match key {
        Key::Path => {
            return values.iter().try_for_each(|path| check_path(path));
        }
        Key::Type => &[parameter_type::STRING, parameter_type::STRING_LIST, parameter_type::SECURE_STRING],
        Key::Tier => &[parameter_tier::STANDARD, parameter_tier::ADVANCED, parameter_tier::INTELLIGENT_TIERING],
        _ => return Ok(()),
    };
    match values.iter().find(|value| !known.contains(&value.as_str())) {
        Some(value) => Err(modelled::invalid_filter_option(format!(
            "The following filter value is not valid: {value}. Valid values include: [{}].",
            known.join(", ")
        ))),
        None => Ok(()),
    }
}

fn check_path(path: &str) -> Result<(), Error> {
    let lower = path.to_ascii_lowercase();
    if lower.starts_with("/aws") || lower.starts_with("/ssm") {
        return Err(errors::validation(
            "Filters for common parameters can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). When using global \
             parameters, please specify within a global namespace.",
        ));
    }
    names::check_path(path)
}

impl Filter {
    fn matches(&self, record: &ParameterRecord) -> bool {
        let latest = &record.latest;
        match &self.key {
            Key::Name => self.match_name(&record.name),
            Key::Type => self.match_text(&latest.kind),
            Key::Encryption => latest.key_id.as_ref().is_some_and(|key| self.match_text(key)),
            Key::Tier => self.match_text(&latest.tier),
            Key::DataType => self.match_text(&latest.data_type),
            Key::Label => self.values.iter().any(|label| record.labels.contains_key(label)),
            Key::Path => self.values.iter().any(|path| is_under(&record.name, path, self.option)),
            Key::Tag(key) => record.tags.get(key).is_some_and(|value| self.values.is_empty() || self.match_text(value)),
        }
    }

    /// A slash in front of a name counts for nothing.
    fn match_name(&self, name: &str) -> bool {
        let bare = name.trim_start_matches('/');
        self.values.iter().any(|value| match self.option {
            FilterOption::Contains => name.contains(value.as_str()),
            FilterOption::BeginsWith => bare.starts_with(value.trim_start_matches('/')),
            _ => bare == value.trim_start_matches('/'),
        })
    }

    fn match_text(&self, text: &str) -> bool {
        self.values.iter().any(|value| match self.option {
            FilterOption::BeginsWith => text.starts_with(value.as_str()),
            _ => text == value,
        })
    }
}

fn is_under(name: &str, path: &str, option: FilterOption) -> bool {
    let name = name.trim_start_matches('/');
    let path = path.trim_matches('/');
    let rest =
        if path.is_empty() { Some(name) } else { name.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')) };
    rest.is_some_and(|rest| option == FilterOption::Recursive || !rest.contains('/'))
}
