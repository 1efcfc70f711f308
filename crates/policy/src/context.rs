//! The condition keys of a request.

use std::borrow::Cow;

/// The request's condition keys with their values. Names are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context<'a> {
    entries: Vec<(Cow<'a, str>, Values<'a>)>,
}

/// Keys that are multi-valued whatever they hold, as "AWS global condition context keys" of the IAM User Guide and the
/// condition keys of the services say. `dynamodb:LeadingKeys` and `dynamodb:Attributes` are not listed: a condition on
/// them that forgot its set operator still holds for a single value, as its author meant it.
const MULTIVALUED: [&str; 10] = [
    "aws:CalledVia",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceNamesList",
    "aws:SourceOrgPaths",
    "aws:TagKeys",
    "kms:EncryptionContextKeys",
    "kms:GrantOperations",
    "kms:ResourceAliases",
    "s3:RequestObjectTagKeys",
    "sts:TransitiveTagKeys",
];

/// The values of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values<'a> {
    /// A single-valued key.
    One(Cow<'a, str>),
    /// A multi-valued key (`aws:TagKeys`), which takes a set operator to be compared, even where it has but one value. No
    /// value at all counts as the key's absence.
    Many(Vec<String>),
}

impl<'a> Context<'a> {
    /// No key.
    pub fn new() -> Context<'a> {
        Context::default()
    }

    /// Sets a single-valued key. The first value a key was given stays.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        self.insert(key.into(), Values::One(value.into()));
    }

    /// Sets a multi-valued key. The first values a key was given stay.
    pub fn set_many(&mut self, key: impl Into<Cow<'a, str>>, values: Vec<String>) {
        self.insert(key.into(), Values::Many(values));
    }

    /// Sets a key to values of which it is not known here whether there may be several: a key that is known to be
    /// multi-valued, or that has more or less than one value, is set as [`Values::Many`].
    pub fn set_values(&mut self, key: impl Into<Cow<'a, str>>, values: &'a [String]) {
        let key = key.into();
        let known = MULTIVALUED.iter().any(|multivalued| multivalued.eq_ignore_ascii_case(&key));
        let values = match values {
            [only] if !known => Values::One(only.into()),
            values => Values::Many(values.to_vec()),
        };
        self.insert(key, values);
    }

    /// Sets a key. The first values a key was given stay.
    pub fn insert(&mut self, key: Cow<'a, str>, values: Values<'a>) {
        if self.get(&key).is_none() {
            self.entries.push((key, values));
        }
    }

    /// The values of a key; `None` if it is absent.
    pub fn get(&self, key: &str) -> Option<&Values<'a>> {
        self.entries.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, values)| values)
    }

    /// All keys with their values, in the order in which they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Values<'a>)> {
        self.entries.iter().map(|(name, values)| (name.as_ref(), values))
    }
}

impl Values<'_> {
    /// The values one by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            Values::One(value) => (Some(value.as_ref()), &[][..]),
            Values::Many(values) => (None, values.as_slice()),
        };
        one.into_iter().chain(many.iter().map(String::as_str))
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        matches!(self, Values::Many(values) if values.is_empty())
    }
}
