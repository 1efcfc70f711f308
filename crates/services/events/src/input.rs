//! What a target is sent: the event, a part of it, a constant, or a text with parts of the event in it.

use std::collections::BTreeMap;

use pattern::template::{self, at};
use serde_json::{Map, Value, json};

use crate::records::{Target, Transformer};

/// Names that templates may use without a path of their own.
pub const RESERVED_NAMES: [&str; 5] = [
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event.json",
    "aws.events.event",
];

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

fn transform(transformer: &Transformer, event: &Value, reserved: &Reserved<'_>) -> String {
    let values: BTreeMap<&str, Value> = transformer
        .paths
        .iter()
        .filter_map(|(name, path)| at(event, path).map(|value| (name.as_str(), value)))
        .collect();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    template::fill(&transformer.template, |name| {
        let is_name = !name.is_empty() && name.bytes().all(plain);
        let value = || values.get(name).cloned().or_else(|| reserved_value(name, event, reserved));
        is_name.then(|| value().unwrap_or_else(|| json!("")))
    })
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
