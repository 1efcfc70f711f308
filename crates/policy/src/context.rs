//! The condition keys of a request.

use std::borrow::Cow;

/// The request's condition keys with their values. Names are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context<'a> {
    entries: Vec<(Cow<'a, str>, Values<'a>)>,
}

/// The values of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values<'a> {
    /// A single-valued key.
    One(Cow<'a, str>),
    /// A multi-valued key (`aws:TagKeys`, `dynamodb:LeadingKeys`); no value at all counts as the key's absence.
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
