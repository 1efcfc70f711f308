//! Templates: texts with names in angle brackets, which values take the place of, and the paths that lead to values.

use serde_json::{Value, json};

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

/// The names between `<` and `>` in a template.
pub fn names(template: &str) -> impl Iterator<Item = &str> {
    let inside = |part| str::split_once(part, '>').map(|(name, _)| name);
    template.split('<').skip(1).filter_map(inside)
}

/// Fills a template. `value_of` tells what stands for a name; `None` if it is no name, and stays as it is. A template that
/// is an object takes values as JSON, or as text between quotation marks; any other takes texts as they are, and
/// objects as JSON where they do not stand between quotation marks.
pub fn fill(template: &str, value_of: impl Fn(&str) -> Option<Value>) -> String {
    let is_document = template.trim_start().starts_with(['{', '[']);
    let mut text = String::with_capacity(template.len());
    let mut is_quoted = false;
    let mut rest = template;
    while let Some(character) = rest.chars().next() {
        let placeholder = rest.strip_prefix('<').and_then(|inside| inside.split_once('>'));
        if let Some((value, behind)) = placeholder.and_then(|(name, behind)| Some((value_of(name)?, behind))) {
            insert(&mut text, &value, is_document, is_quoted);
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
    use super::*;

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
}
