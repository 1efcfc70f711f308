//! Members of an input by their names in the model, for guards whose operations are many and alike. Only the member asked
//! for is copied, so a large payload beside it costs nothing.

use bytes::Bytes;
use wire::Timestamp;
use wire::codec::{Structure, Writer};
use wire::schema::{Member, Shape};

/// The members of an input. One that its shape does not have is as one that is not set, so that operations that are alike
/// but for some members can be asked alike.
#[derive(Clone, Copy)]
pub struct Members<'a>(pub &'a dyn Structure);

impl Members<'_> {
    /// A text: an enum's value, a number or a truth value counts as one. `None` if it is not set.
    pub fn text(self, name: &str) -> Option<String> {
        match self.find(name)? {
            Found::Text(text) => Some(text),
            Found::Items(_) | Found::Entries(_) => None,
        }
    }

    /// A list's texts, or the one text; empty if it is not set.
    pub fn texts(self, name: &str) -> Vec<String> {
        match self.find(name) {
            Some(Found::Text(text)) => vec![text],
            Some(Found::Items(items)) => items.into_iter().filter_map(Found::into_text).collect(),
            Some(Found::Entries(_)) | None => Vec::new(),
        }
    }

    /// The keys of a map, or the names of the members of a structure; empty if it is not set.
    pub fn keys(self, name: &str) -> Vec<String> {
        match self.find(name) {
            Some(Found::Entries(entries)) => entries.into_iter().map(|(key, _)| key).collect(),
            _ => Vec::new(),
        }
    }

    /// Tags in any of the forms services have: a map, or a list of structures with a key and a value. A tag without a
    /// value has an empty one.
    pub fn tags(self, name: &str) -> Vec<(String, String)> {
        match self.find(name) {
            Some(Found::Entries(entries)) => {
                entries.into_iter().filter_map(|(key, value)| Some((key, value.into_text()?))).collect()
            }
            Some(Found::Items(items)) => items.into_iter().filter_map(Found::into_tag).collect(),
            Some(Found::Text(_)) | None => Vec::new(),
        }
    }

    /// Whether the member is set.
    pub fn has(self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// A text below other structures: `text_at(&["VpcConfig", "VpcId"])`.
    pub fn text_at(self, path: &[&str]) -> Option<String> {
        let (first, rest) = path.split_first()?;
        let mut found = self.find(first)?;
        for name in rest {
            let Found::Entries(entries) = found else { return None };
            found = entries.into_iter().find(|(key, _)| key == name)?.1;
        }
        found.into_text()
    }

    /// The texts of a list below other structures: `texts_at(&["VpcConfig", "SubnetIds"])`.
    pub fn texts_at(self, path: &[&str]) -> Vec<String> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let Some(mut found) = self.find(first) else { return Vec::new() };
        for name in rest {
            let Found::Entries(entries) = found else { return Vec::new() };
            let Some((_, next)) = entries.into_iter().find(|(key, _)| key == name) else { return Vec::new() };
            found = next;
        }
        match found {
            Found::Items(items) => items.into_iter().filter_map(Found::into_text).collect(),
            other => other.into_text().into_iter().collect(),
        }
    }

    fn find(self, name: &str) -> Option<Found> {
        let mut probe = Probe { name, depth: 0, is_wanted: false, open: Vec::new(), found: None };
        self.0.write_members(&mut probe);
        probe.found
    }
}

/// A member's value.
enum Found {
    Text(String),
    Items(Vec<Found>),
    /// A map's entries or a structure's members.
    Entries(Vec<(String, Found)>),
}

impl Found {
    fn into_text(self) -> Option<String> {
        match self {
            Found::Text(text) => Some(text),
            Found::Items(_) | Found::Entries(_) => None,
        }
    }

    /// `{Key, Value}`, `{TagKey, TagValue}`, `{key, value}`.
    fn into_tag(self) -> Option<(String, String)> {
        let Found::Entries(entries) = self else { return None };
        let (mut key, mut value) = (None, String::new());
        for (name, found) in entries {
            match name.as_str() {
                "Key" | "TagKey" | "key" => key = found.into_text(),
                "Value" | "TagValue" | "value" => value = found.into_text().unwrap_or_default(),
                _ => {}
            }
        }
        Some((key?, value))
    }
}

/// A composite value being put together, and the name under which it belongs into the one around it.
struct Level {
    found: Found,
    name: String,
}

/// Takes one member out of what a structure writes.
struct Probe<'n> {
    name: &'n str,
    /// Composite values open around the current place, wanted or not.
    depth: usize,
    /// The next value at the top is the member.
    is_wanted: bool,
    open: Vec<Level>,
    found: Option<Found>,
}

impl Probe<'_> {
    fn takes(&self) -> bool {
        !self.open.is_empty() || (self.depth == 0 && self.is_wanted)
    }

    fn put(&mut self, found: Found) {
        match self.open.last_mut() {
            Some(Level { found: Found::Items(items), .. }) => items.push(found),
            Some(Level { found: Found::Entries(entries), name }) => entries.push((std::mem::take(name), found)),
            Some(Level { found: Found::Text(_), .. }) => {}
            None => self.found = Some(found),
        }
    }

    fn text(&mut self, text: impl FnOnce() -> String) {
        if self.takes() {
            self.put(Found::Text(text()));
        }
    }

    fn begin(&mut self, found: Found) {
        if self.takes() {
            self.open.push(Level { found, name: String::new() });
        }
        self.depth += 1;
    }

    fn end(&mut self) {
        self.depth -= 1;
        if let Some(level) = self.open.pop() {
            self.put(level.found);
        }
    }

    fn name(&mut self, name: &str) {
        if let Some(level) = self.open.last_mut() {
            name.clone_into(&mut level.name);
        }
    }
}

impl Writer for Probe<'_> {
    fn member(&mut self, member: &'static Member) {
        if self.depth == 0 {
            self.is_wanted = member.name == self.name;
        }
        self.name(member.name);
    }

    fn item(&mut self, _: &'static Member) {}

    fn key(&mut self, key: &str, _: &'static Member) {
        self.name(key);
    }

    fn begin_structure(&mut self, _: &'static Shape) {
        self.begin(Found::Entries(Vec::new()));
    }

    fn end_structure(&mut self) {
        self.end();
    }

    fn begin_list(&mut self, _: &'static Member, _: usize) {
        self.begin(Found::Items(Vec::new()));
    }

    fn end_list(&mut self) {
        self.end();
    }

    fn begin_map(&mut self, _: &'static Member, _: usize) {
        self.begin(Found::Entries(Vec::new()));
    }

    fn end_map(&mut self) {
        self.end();
    }

    fn string(&mut self, _: &'static Member, value: &str) {
        self.text(|| value.to_owned());
    }

    fn integer(&mut self, _: &'static Member, value: i64) {
        self.text(|| value.to_string());
    }

    fn float(&mut self, _: &'static Member, value: f64) {
        self.text(|| value.to_string());
    }

    fn boolean(&mut self, _: &'static Member, value: bool) {
        self.text(|| value.to_string());
    }

    /// Only that it is there is told.
    fn blob(&mut self, _: &'static Member, _: &Bytes) {
        self.text(String::new);
    }

    fn timestamp(&mut self, _: &'static Member, value: Timestamp) {
        self.text(|| value.seconds.to_string());
    }

    fn document(&mut self, _: &'static Member, value: &serde_json::Value) {
        self.text(|| value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use api::{iam, kms, lambda, logs};

    use super::*;

    #[test]
    fn texts_and_lists_are_found_by_the_models_names() {
        let input = lambda::CreateFunctionRequest {
            function_name: "one".to_owned(),
            memory_size: Some(256),
            publish: Some(true),
            layers: Some(vec!["a".to_owned(), "b".to_owned()]),
            vpc_config: Some(lambda::VpcConfig { subnet_ids: Some(vec!["subnet-1".to_owned()]), ..Default::default() }),
            ..Default::default()
        };
        let members = Members(&input);
        assert_eq!(members.text("FunctionName").as_deref(), Some("one"));
        assert_eq!(members.text("MemorySize").as_deref(), Some("256"));
        assert_eq!(members.text("Publish").as_deref(), Some("true"));
        assert_eq!(members.text("Handler"), None);
        assert_eq!(members.texts("Layers"), ["a", "b"]);
        assert_eq!(members.texts_at(&["VpcConfig", "SubnetIds"]), ["subnet-1"]);
        assert_eq!(members.text_at(&["VpcConfig", "SubnetIds"]), None);
        assert!(members.has("VpcConfig") && !members.has("ImageConfig"));
    }

    #[test]
    fn tags_are_found_in_every_form() {
        let pair = [("team".to_owned(), "blue".to_owned())];
        let map = lambda::TagResourceRequest { tags: BTreeMap::from(pair.clone()), ..Default::default() };
        assert_eq!(Members(&map).tags("Tags"), pair);
        let list = iam::TagUserRequest {
            tags: vec![iam::Tag { key: "team".to_owned(), value: "blue".to_owned(), ..Default::default() }],
            ..Default::default()
        };
        assert_eq!(Members(&list).tags("Tags"), pair);
        let prefixed = kms::TagResourceRequest {
            tags: vec![kms::Tag { tag_key: "team".to_owned(), tag_value: "blue".to_owned(), ..Default::default() }],
            ..Default::default()
        };
        assert_eq!(Members(&prefixed).tags("Tags"), pair);
    }

    #[test]
    fn a_member_of_a_member_is_not_mistaken_for_one_at_the_top() {
        let event = logs::InputLogEvent { message: "logGroupName".to_owned(), ..Default::default() };
        let input = logs::PutLogEventsRequest {
            log_group_name: "group".to_owned(),
            log_events: vec![event],
            ..Default::default()
        };
        assert_eq!(Members(&input).text("logGroupName").as_deref(), Some("group"));
    }
}
