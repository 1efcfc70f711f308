//! JSON as policies need it: members in order, none of them twice, and statements that know where they stand.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value. Nesting is bounded by `serde_json`'s own limit of 128 levels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// As it would be written again; a policy's numbers are compared as decimals.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Members<Json>),
}

/// The members of an object, in the order of the document.
pub(crate) type Members<T> = Vec<(String, T)>;

/// A document's top level, and its statements unread.
pub(crate) struct Document<'t> {
    text: &'t str,
    members: Members<&'t RawValue>,
}

/// A value together with its place in the document.
pub(crate) struct Placed {
    pub json: Json,
    /// Bytes of the document.
    pub span: Range<usize>,
}

impl<'t> Document<'t> {
    /// Reads the top level; `None` if the text is no JSON object.
    pub(crate) fn read(text: &'t str) -> Option<Document<'t>> {
        let members = serde_json::from_str::<Unique<&'t RawValue>>(text).ok()?.0;
        // What is inside is read here once, so that a document is JSON through and through or no document.
        members.iter().all(|(_, raw)| value(raw).is_some()).then_some(Document { text, members })
    }

    /// Names of the members.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    /// A member's value; `None` if there is no such member.
    pub(crate) fn get(&self, name: &str) -> Option<Json> {
        value(self.raw(name)?)
    }

    /// A member that is one value or a list of values, each with its place; `None` if there is no such member.
    pub(crate) fn placed(&self, name: &str) -> Option<Vec<Placed>> {
        let raw = self.raw(name)?;
        if !raw.get().starts_with('[') {
            return Some(vec![self.place(raw)?]);
        }
        let items = serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok()?;
        items.into_iter().map(|item| self.place(item)).collect()
    }

    fn raw(&self, name: &str) -> Option<&'t RawValue> {
        self.members.iter().find(|(member, _)| member == name).map(|(_, raw)| *raw)
    }

    fn place(&self, raw: &RawValue) -> Option<Placed> {
        // A raw value borrows from the document, so its address tells its place.
        let start = (raw.get().as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        Some(Placed { json: value(raw)?, span: start..start + raw.get().len() })
    }
}

fn value(raw: &RawValue) -> Option<Json> {
    serde_json::from_str(raw.get()).ok()
}

/// An object none of whose members comes twice.
struct Unique<T>(Members<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Unique<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Unique<T>, D::Error> {
        struct ObjectVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Unique<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Unique<T>, A::Error> {
                members(map).map(Unique)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(std::marker::PhantomData))
    }
}

fn members<'de, T: Deserialize<'de>, A: MapAccess<'de>>(mut map: A) -> Result<Members<T>, A::Error> {
    let mut members = Members::new();
    let mut names = std::collections::HashSet::new();
    while let Some((name, value)) = map.next_entry::<String, T>()? {
        if !names.insert(name.clone()) {
            return Err(A::Error::custom("a member comes twice"));
        }
        members.push((name, value));
    }
    Ok(members)
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Json, A::Error> {
        members(map).map(Json::Object)
    }
}

impl Json {
    /// One text or a list of texts; `None` for anything else.
    pub(crate) fn texts(&self) -> Option<Vec<&str>> {
        match self {
            Json::Text(text) => Some(vec![text]),
            Json::List(items) => {
                items.iter().map(|item| if let Json::Text(text) = item { Some(text.as_str()) } else { None }).collect()
            }
            _ => None,
        }
    }

    /// One text, number or truth value, or a list of them, as texts; `None` for anything else.
    pub(crate) fn scalars(&self) -> Option<Vec<String>> {
        match self {
            Json::Text(text) | Json::Number(text) => Some(vec![text.clone()]),
            Json::Bool(value) => Some(vec![value.to_string()]),
            Json::List(items) if !items.iter().any(|item| matches!(item, Json::List(_))) => {
                let each: Option<Vec<Vec<String>>> = items.iter().map(Json::scalars).collect();
                Some(each?.into_iter().flatten().collect())
            }
            _ => None,
        }
    }
}
