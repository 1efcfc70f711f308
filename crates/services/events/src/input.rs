//! What a target is sent: the event, a part of it, a constant, or a text with parts of the event in it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::records::{Target, Transformer};

/// What the reserved names of templates stand for, besides the event.
pub struct Reserved<'a> {
    /// ARN of the rule.
    pub rule_arn: &'a str,
    /// Name of the rule.
    pub rule_name: &'a str,
    /// When the platform took the event, as text.
    pub ingestion_time: &'a str,
}

/// The text that a target is sent.
pub fn text(target: &Target, event: &Map<String, Value>, reserved: &Reserved<'_>) -> String {
    if let Some(input) = &target.input {
        return input.clone();
    }
    let whole = || Value::Object(event.clone());
    if let Some(path) = &target.input_path {
        return at(&whole(), path).unwrap_or(Value::Null).to_string();
    }
    match &target.transformer {
        Some(transformer) => transform(transformer, &whole(), reserved),
        None => whole().to_string(),
    }
}

/// The value at a path: `$`, followed by names (`.name`, `['name']`) and places (`[0]`).
pub fn at(value: &Value, path: &str) -> Option<Value> {
    let mut found = value;
    for step in steps(path)? {
        found = match step {
            Step::Name(name) => found.get(name)?,
            Step::Place(place) => found.get(place)?,
        };
    }
    Some(found.clone())
}

/// Whether a text is a path.
pub fn is_path(text: &str) -> bool {
    steps(text).is_some()
}

enum Step<'p> {
    Name(&'p str),
    Place(usize),
}

fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, behind) = after.split_at(end);
            if name.is_empty() {
                return None;
            }
            steps.push(Step::Name(name));
            rest = behind;
        } else {
            let (inside, behind) = rest.strip_prefix('[')?.split_once(']')?;
            let quoted = |mark: char| inside.strip_prefix(mark).and_then(|text| text.strip_suffix(mark));
            steps.push(match quoted('\'').or_else(|| quoted('"')) {
                Some(name) => Step::Name(name),
                None => Step::Place(inside.parse().ok()?),
            });
            rest = behind;
        }
    }
    Some(steps)
}

/// Fills a template. A template that is an object takes values as JSON, or as text between quotation marks; any other takes
/// texts as they are, and objects as JSON where they do not stand between quotation marks. A name that has no value counts as an empty text.
fn transform(transformer: &Transformer, event: &Value, reserved: &Reserved<'_>) -> String {
    let values: BTreeMap<&str, Value> = transformer
        .paths
        .iter()
        .filter_map(|(name, path)| at(event, path).map(|value| (name.as_str(), value)))
        .collect();
    let template = &transformer.template;
    let is_document = template.trim_start().starts_with(['{', '[']);
    let mut text = String::with_capacity(template.len());
    let mut is_quoted = false;
    let mut rest = template.as_str();
    while let Some(character) = rest.chars().next() {
        if let Some((name, behind)) = placeholder(rest) {
            let value = values.get(name).cloned().or_else(|| reserved_value(name, event, reserved));
            insert(&mut text, &value.unwrap_or_else(|| json!("")), is_document, is_quoted);
            rest = behind;
            continue;
        }
        let mut length = character.len_utf8();
        match character {
            '\\' => length += rest[1..].chars().next().map_or(0, char::len_utf8),
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        let (taken, behind) = rest.split_at(length);
        text.push_str(taken);
        rest = behind;
    }
    text
}

/// The name in angle brackets that a text begins with, and what follows it.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    let (name, behind) = text.strip_prefix('<')?.split_once('>')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    Some((name, behind)).filter(|_| !name.is_empty() && name.bytes().all(plain))
}

fn reserved_value(name: &str, event: &Value, reserved: &Reserved<'_>) -> Option<Value> {
    Some(match name {
        "aws.events.rule-arn" => json!(reserved.rule_arn),
        "aws.events.rule-name" => json!(reserved.rule_name),
        "aws.events.event.ingestion-time" => json!(reserved.ingestion_time),
        "aws.events.event.json" => event.clone(),
        "aws.events.event" => {
            let mut event = event.clone();
            event.as_object_mut()?.shift_remove("detail");
            event
        }
        _ => return None,
    })
}

fn insert(text: &mut String, value: &Value, is_document: bool, is_quoted: bool) {
    match value {
        Value::String(value) if is_document && !is_quoted => text.push_str(&json!(value).to_string()),
        // Between quotation marks a text stays what it is in JSON, without marks of its own.
        Value::String(value) if is_quoted => {
            let marked = json!(value).to_string();
            text.push_str(marked.get(1..marked.len() - 1).unwrap_or_default());
        }
        Value::String(value) => text.push_str(value),
        other if is_quoted => text.push_str(&other.to_string().replace('"', "")),
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(template: &str, paths: &[(&str, &str)]) -> String {
        let paths = paths.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
        let event = json!({ "id": "1", "detail": { "name": "a \"b\"", "count": 3, "list": [1, { "x": "y" }] } });
        let reserved = Reserved { rule_arn: "arn", rule_name: "rule", ingestion_time: "now" };
        transform(&Transformer { paths, template: template.to_owned() }, &event, &reserved)
    }

    #[test]
    fn a_document_takes_values_as_json_and_texts_between_marks() {
        let paths = [("name", "$.detail.name"), ("count", "$.detail.count"), ("item", "$.detail.list[1]")];
        let text = filled(r#"{"name": <name>, "say": "<name> x <count>", "item": <item>, "none": <none>}"#, &paths);
        let expected = r#"{"name": "a \"b\"", "say": "a \"b\" x 3", "item": {"x":"y"}, "none": ""}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn a_text_takes_values_as_text() {
        let paths = [("count", "$.detail.count"), ("item", "$.detail.list[1]")];
        assert_eq!(filled(r#""<count> of <item>, <none>.""#, &paths), r#""3 of {x:y}, .""#);
        assert_eq!(filled("<aws.events.rule-name> at <aws.events.event.ingestion-time>", &[]), "rule at now");
        assert_eq!(filled(r#"{"event": <aws.events.event>}"#, &[]), r#"{"event": {"id":"1"}}"#);
        assert_eq!(filled("<item>", &paths), r#"{"x":"y"}"#, "what is not between marks stays JSON");
    }

    #[test]
    fn paths_lead_to_values_or_nowhere() {
        let event = json!({ "a": { "b c": [10, 20] } });
        assert_eq!(at(&event, "$"), Some(event.clone()));
        assert_eq!(at(&event, "$.a['b c'][1]"), Some(json!(20)));
        assert_eq!(at(&event, "$.a.b"), None);
        for none in ["", "a", "$a", "$..a", "$.", "$[x]", "$[1"] {
            assert!(!is_path(none), "{none}");
        }
    }

    proptest! {
        #[test]
        fn any_template_is_filled(template in "\\PC{0,40}", name in "[a-z]{1,3}") {
            filled(&template, &[(&name, "$.detail.name")]);
        }

        #[test]
        fn a_template_without_names_stays_as_it_is(template in "[^<]{0,40}") {
            prop_assert_eq!(filled(&template, &[]), template);
        }
    }
}
