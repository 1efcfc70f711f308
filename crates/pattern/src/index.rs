//! Many patterns at once. Each is filed under one leaf that wants particular texts, so that an event only meets the
//! patterns that want a text it has; patterns without such a leaf meet every event.

use std::collections::HashMap;

use serde_json::Value;

use crate::operand::Operand;
use crate::{Fields, Node, Pattern};

/// Patterns and what they stand for.
#[derive(Debug, Clone)]
pub struct Index<T> {
    patterns: Vec<(Pattern, T)>,
    /// Numbers of patterns by path and text, in a form that joins the two.
    filed: HashMap<String, Vec<usize>>,
    /// Numbers of patterns that meet every event.
    unfiled: Vec<usize>,
}

impl<T> Default for Index<T> {
    fn default() -> Index<T> {
        Index { patterns: Vec::new(), filed: HashMap::new(), unfiled: Vec::new() }
    }
}

impl<T> Index<T> {
    /// Adds a pattern. Of the leaves it can be filed under, the one is taken under which fewest others are.
    pub fn insert(&mut self, pattern: Pattern, value: T) {
        let number = self.patterns.len();
        let mut leaves = Vec::new();
        text_leaves(&pattern.root, "", &mut leaves);
        let load =
            |keys: &Vec<String>| -> usize { keys.iter().map(|key| self.filed.get(key).map_or(0, Vec::len)).sum() };
        match leaves.into_iter().min_by_key(load) {
            Some(keys) => {
                for key in keys {
                    self.filed.entry(key).or_default().push(number);
                }
            }
            None => self.unfiled.push(number),
        }
        self.patterns.push((pattern, value));
    }

    /// What the patterns stand for that match an event, in the order in which they were added.
    pub fn matching(&self, event: &Value) -> Vec<&T> {
        let mut candidates = self.unfiled.clone();
        let mut path = String::new();
        self.collect(event, &mut path, &mut candidates);
        candidates.sort_unstable();
        candidates.dedup();
        let matching = candidates.into_iter().map(|number| &self.patterns[number]);
        matching.filter(|(pattern, _)| pattern.matches(event)).map(|(_, value)| value).collect()
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    fn collect(&self, value: &Value, path: &mut String, candidates: &mut Vec<usize>) {
        let length = path.len();
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    step(path, name);
                    self.collect(value, path, candidates);
                    path.truncate(length);
                }
            }
            Value::Array(elements) => elements.iter().for_each(|element| self.collect(element, path, candidates)),
            Value::String(text) => {
                finish(path, text);
                if let Some(numbers) = self.filed.get(path.as_str()) {
                    candidates.extend(numbers);
                }
                path.truncate(length);
            }
            _ => {}
        }
    }
}

/// The keys of each leaf that wants particular texts and nothing else.
fn text_leaves(fields: &Fields, path: &str, leaves: &mut Vec<Vec<String>>) {
    for (name, node) in &fields.fields {
        let mut below = path.to_owned();
        step(&mut below, name);
        match node {
            Node::Object(inner) => text_leaves(inner, &below, leaves),
            Node::Leaf(operands) => {
                let key = |operand: &Operand| match operand {
                    Operand::Equal(Value::String(text)) => {
                        let mut key = below.clone();
                        finish(&mut key, text);
                        Some(key)
                    }
                    _ => None,
                };
                leaves.extend(operands.iter().map(key).collect::<Option<Vec<String>>>());
            }
        }
    }
}

/// Names are ended by a byte that may be in them too: then two paths may look alike, and a pattern meets an event in vain.
fn step(path: &mut String, name: &str) {
    path.push('\u{1}');
    path.push_str(name);
}

fn finish(path: &mut String, text: &str) {
    path.push('\u{2}');
    path.push_str(text);
}
