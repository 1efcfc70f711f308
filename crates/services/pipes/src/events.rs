//! Events on their way through a pipe: filtered, and brought into another form.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use pattern::Pattern;
use pattern::template::{at, fill};
use serde_json::{Value, json};

use crate::record::Pipe;

/// An event with what stands in it as text opened: a message's body and a record's data, where they are JSON. Filters and
/// templates look into this one.
pub fn opened(event: &Value) -> Value {
    let mut opened = event.clone();
    if let Some(body) = event.get("body").and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok()) {
        opened["body"] = body;
    }
    if let Some(data) = event.get("data").and_then(Value::as_str).and_then(|text| BASE64.decode(text).ok()) {
        let text = String::from_utf8_lossy(&data).into_owned();
        opened["data"] = serde_json::from_str(&text).unwrap_or(Value::String(text));
    }
    opened
}

/// The patterns of a pipe's filter. One that cannot be read matches nothing; none was let in.
pub fn patterns(pipe: &Pipe) -> Vec<Pattern> {
    let criteria = pipe.source_parameters().filter_criteria.unwrap_or_default();
    let texts = criteria.filters.into_iter().flatten().filter_map(|filter| filter.pattern);
    texts.filter_map(|text| Pattern::parse(&text).ok()).collect()
}

/// Whether an event passes.
pub fn passes(patterns: &[Pattern], event: &Value) -> bool {
    let opened = opened(event);
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(&opened))
}

/// An event as a template has it, as text. Without one it is the event itself.
pub fn shaped(pipe: &Pipe, template: Option<&str>, event: &Value, ingested: &str) -> String {
    let Some(template) = template.filter(|template| !template.is_empty()) else { return plain(event) };
    let opened = opened(event);
    fill(template, |name| {
        Some(match name {
            "aws.pipes.pipe-arn" => json!(pipe.name.arn()),
            "aws.pipes.pipe-name" => json!(pipe.name.name),
            "aws.pipes.source-arn" => json!(pipe.source),
            "aws.pipes.target-arn" => json!(pipe.target),
            "aws.pipes.enrichment-arn" => json!(pipe.enrichment.clone().unwrap_or_default()),
            "aws.pipes.event.ingestion-time" => json!(ingested),
            "aws.pipes.event" => event.clone(),
            "aws.pipes.event.json" => opened.clone(),
            path if path.starts_with('$') => at(&opened, path).unwrap_or_else(|| json!("")),
            _ => return None,
        })
    })
}

/// An event as text: a text is itself.
pub fn plain(event: &Value) -> String {
    match event {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A parameter that may be a path into the event.
pub fn resolved(parameter: &str, event: &Value) -> String {
    if !parameter.starts_with('$') {
        return parameter.to_owned();
    }
    at(&opened(event), parameter).map(|value| plain(&value)).unwrap_or_default()
}
